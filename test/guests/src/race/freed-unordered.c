/* A block is read by one thread and given back by another: a race only if giving back is a write. */
#include "race.h"

static char *block;
static volatile char seen;

static void *one(void *arg) {
  seen = block[3];
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  free(block);
  return arg;
}

int main(void) {
  block = calloc(1, 4000);
  unordered(one, two, NULL);
  puts("freed-unordered: done");
}
