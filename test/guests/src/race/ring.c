/* A queue of one producer and one consumer in a ring: each index is released by its owner. No race. */
#include "race.h"
#include <sched.h>

#define SIZE 8
static long ring[SIZE];
static atomic_uint head, tail;

static void *producer(void *arg) {
  for (long i = 1; i <= 300; i++) {
    unsigned h = atomic_load_explicit(&head, memory_order_relaxed);
    while (h - atomic_load_explicit(&tail, memory_order_acquire) == SIZE) sched_yield();
    ring[h % SIZE] = i;
    atomic_store_explicit(&head, h + 1, memory_order_release);
  }
  return arg;
}

static void *consumer(void *arg) {
  for (long i = 1; i <= 300; i++) {
    unsigned t = atomic_load_explicit(&tail, memory_order_relaxed);
    while (atomic_load_explicit(&head, memory_order_acquire) == t) sched_yield();
    if (ring[t % SIZE] != i) exit(1);
    atomic_store_explicit(&tail, t + 1, memory_order_release);
  }
  return arg;
}

int main(void) {
  pthread_t t = begin(producer, NULL), u = begin(consumer, NULL);
  end(t);
  end(u);
  puts("ring: done");
}
