/* Eight bytes at an odd address reach into the next eight: the other thread reads the last one. */
#include "race.h"

static char shared[32] __attribute__((aligned(32)));
static volatile char seen;

static void *one(void *arg) {
  __asm__ volatile("sd %0, 0(%1)" ::"r"(-1L), "r"(shared + 5) : "memory");
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  seen = shared[12];
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("unaligned: done");
}
