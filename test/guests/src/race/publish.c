/* Data behind a flag that is released and acquired: no race. */
#include "race.h"

static atomic_int ready;
static int data;
static volatile int seen;

static void *one(void *arg) {
  data = 1;
  atomic_store_explicit(&ready, 1, memory_order_release);
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
  puts("publish: done");
}
