/* A plain load of an atomic variable: the same instruction as a relaxed atomic load, so no race. */
#include "race.h"

static int shared;
static volatile int seen;

static void *one(void *arg) {
  __atomic_fetch_add(&shared, 1, __ATOMIC_SEQ_CST);
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  seen = *(volatile int *)&shared;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("mixed-load: done");
}
