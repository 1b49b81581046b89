/* One thread writes what the other reads later. */
#include "race.h"

static int shared;
static volatile int seen;

static void *one(void *arg) {
  shared = 1;
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  seen = shared;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("write-read: done");
}
