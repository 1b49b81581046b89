/* A byte of a long is read by the other thread. */
#include "race.h"

static union {
  long whole;
  char bytes[8];
} shared;
static volatile char seen;

static void *one(void *arg) {
  shared.whole = 1;
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  seen = shared.bytes[3];
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("sizes: done");
}
