/* Data behind a relaxed flag: the flag is no race, the data are one. */
#include "race.h"

static atomic_int ready;
static int data;
static volatile int seen;

static void *one(void *arg) {
  data = 1;
  atomic_store_explicit(&ready, 1, memory_order_relaxed);
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  if (atomic_load_explicit(&ready, memory_order_relaxed)) seen = data;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("publish-relaxed: done");
}
