/* Flags of one byte each, through libatomic where need be: no race. */
#include "race.h"

#include <stdbool.h>
static _Atomic bool other, ready;
static int data;
static volatile int seen;

static void *one(void *arg) {
  data = 1;
  atomic_exchange_explicit(&other, true, memory_order_relaxed);
  atomic_exchange_explicit(&ready, true, memory_order_acq_rel);
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  if (atomic_load_explicit(&ready, memory_order_acquire)) seen = data;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("byte-flags: done");
}
