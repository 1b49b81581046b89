/* A plain store to an atomic variable. */
#include "race.h"

static int shared;

static void *one(void *arg) {
  __atomic_fetch_add(&shared, 1, __ATOMIC_SEQ_CST);
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  *(volatile int *)&shared = 0;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("mixed-store: done");
}
