/* A thread-local variable is shared by its address. */
#include "race.h"

static __thread int mine;
static int *_Atomic theirs;

static void *one(void *arg) {
  mine = 1;
  atomic_store_explicit(&theirs, &mine, memory_order_relaxed);
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  *atomic_load_explicit(&theirs, memory_order_relaxed) = 2;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("tls-shared: done");
}
