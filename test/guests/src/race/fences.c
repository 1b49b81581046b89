/* Relaxed accesses between a release fence and an acquire fence synchronise: no race. */
#include "race.h"
#include <sched.h>

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
  while (!atomic_load_explicit(&ready, memory_order_relaxed)) sched_yield();
  atomic_thread_fence(memory_order_acquire);
  seen = data;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("fences: done");
}
