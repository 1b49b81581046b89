/* Two ranges of an array have one element in common. */
#include "race.h"

static int shared[10];

static void *one(void *arg) {
  for (int i = 0; i <= 5; i++) shared[i] = 1;
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  for (int i = 5; i < 10; i++) shared[i] = 2;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("array: done");
}
