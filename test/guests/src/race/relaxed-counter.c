/* A counter of relaxed additions, read while it counts and when all is over: no race. */
#include "race.h"

static atomic_long counter;
static atomic_int stop;

static void *work(void *arg) {
  for (int i = 0; i < 500; i++) atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
  return arg;
}

static void *watch(void *arg) {
  long last = 0;
  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    long now = atomic_load_explicit(&counter, memory_order_relaxed);
    if (now < last) exit(1);
    last = now;
    usleep(1000);
  }
  return arg;
}

int main(void) {
  pthread_t w = begin(watch, NULL), t = begin(work, NULL), u = begin(work, NULL);
  end(t);
  end(u);
  atomic_store_explicit(&stop, 1, memory_order_relaxed);
  end(w);
  printf("relaxed-counter: %ld\n", atomic_load(&counter));
}
