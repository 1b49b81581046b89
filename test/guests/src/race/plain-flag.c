/* The same without fences: flag and data race. */
#include "race.h"

static int ready, data;
static volatile int seen;

static void *one(void *arg) {
  data = 1;
  __asm__ volatile("sw %0, 0(%1)" ::"r"(1), "r"(&ready) : "memory");
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  int ok;
  __asm__ volatile("lw %0, 0(%1)" : "=r"(ok) : "r"(&ready) : "memory");
  if (ok) seen = data;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("plain-flag: done");
}
