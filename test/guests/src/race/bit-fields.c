/* Two bit-fields in one word cannot be written apart. */
#include "race.h"

static struct {
  unsigned a : 4, b : 4;
} shared;

static void *one(void *arg) {
  shared.a = 1;
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  shared.b = 2;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("bit-fields: done");
}
