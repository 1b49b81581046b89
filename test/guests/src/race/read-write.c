/* One thread reads what the other writes later. */
#include "race.h"

static int shared;
static volatile int seen;

static void *one(void *arg) {
  seen = shared;
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  shared = 2;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("read-write: done");
}
