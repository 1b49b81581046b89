/* Each thread has its own thread-local variable, and its own stack: no race. */
#include "race.h"

static __thread int mine;

static void *one(void *arg) {
  volatile int local = ++mine;
  (void)local;
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  volatile int local = ++mine;
  (void)local;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("tls-own: done");
}
