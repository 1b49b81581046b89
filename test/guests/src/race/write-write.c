/* Two threads write one variable. */
#include "race.h"

static int shared;

static void *one(void *arg) {
  shared = 1;
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
  puts("write-write: done");
}
