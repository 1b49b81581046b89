/* A sequence lock whose data are relaxed atomics, with the fences it needs: no race. */
#include "race.h"
#include <sched.h>

static atomic_uint sequence;
static atomic_long a, b;

static void *writer(void *arg) {
  for (long i = 1; i <= 200; i++) {
    unsigned s = atomic_load_explicit(&sequence, memory_order_relaxed);
    atomic_store_explicit(&sequence, s + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&a, i, memory_order_relaxed);
    atomic_store_explicit(&b, -i, memory_order_relaxed);
    atomic_store_explicit(&sequence, s + 2, memory_order_release);
  }
  return arg;
}

static void *reader(void *arg) {
  long x = 0, y = 0;
  for (int i = 0; i < 200; i++) {
    unsigned s, e;
    do {
      while ((s = atomic_load_explicit(&sequence, memory_order_acquire)) & 1) sched_yield();
      x = atomic_load_explicit(&a, memory_order_relaxed);
      y = atomic_load_explicit(&b, memory_order_relaxed);
      atomic_thread_fence(memory_order_acquire);
      e = atomic_load_explicit(&sequence, memory_order_relaxed);
    } while (s != e);
    if (x != -y) exit(1);
  }
  return arg;
}

int main(void) {
  pthread_t t = begin(writer, NULL), u = begin(reader, NULL);
  end(t);
  end(u);
  puts("seqlock: done");
}
