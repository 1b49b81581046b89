/* The acquire fence is forgotten: the data race. */
#include "race.h"

static atomic_int ready;
static int data;
static volatile int seen;

static void *one(void *arg) {
  data = 1;
  atomic_thread_fence(memory_order_release);
  atomic_store_explicit(&ready, 1, memory_order_relaxed);
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  int ok = atomic_load_explicit(&ready, memory_order_relaxed);
  if (ok) seen = data;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("fence-missing: done");
}
