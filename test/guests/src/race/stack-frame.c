/* A local variable of main, handed to two threads. */
#include "race.h"

static void *one(void *arg) {
  *(int *)arg = 1;
  gate_open(&first);
  return NULL;
}

static void *two(void *arg) {
  gate_wait(&first);
  *(int *)arg = 2;
  return NULL;
}

int main(void) {
  int local = 0;
  unordered(one, two, &local);
  printf("stack-frame: %d\n", local > 0);
}
