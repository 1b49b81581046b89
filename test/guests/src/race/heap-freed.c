/* A thread reads a block that another has written and freed. */
#include "race.h"

static char *block;
static volatile char seen;

static void *one(void *arg) {
  char *b = malloc(4000);
  b[3] = 1;
  __atomic_store_n(&block, b, __ATOMIC_RELAXED);
  free(b);
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  seen = __atomic_load_n(&block, __ATOMIC_RELAXED)[3];
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("heap-freed: done");
}
