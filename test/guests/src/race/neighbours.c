/* Bytes, halves and words beside each other belong to different threads: no race. */
#include "race.h"

static struct {
  char a, b;
  short c;
  int d;
} shared;

static void *one(void *arg) {
  shared.a = 1;
  shared.c = 2;
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  shared.b = 3;
  shared.d = 4;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("neighbours: done");
}
