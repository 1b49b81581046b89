/* The next owner of freed memory has nothing to do with the one before: no race. */
#include "race.h"

#include <malloc.h>


static void *one(void *arg) {
  char *b = malloc(4000);
  b[3] = 1;
  free(b);
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  char *b = malloc(4000);
  b[3] = 2;
  free(b);
  return arg;
}

int main(void) {
  mallopt(M_ARENA_MAX, 1);
  unordered(one, two, NULL);
  puts("heap-reused: done");
}
