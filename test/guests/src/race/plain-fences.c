/* Store-release and load-acquire as newer compilers write them: fence rw,w; sw and lw; fence r,rw. No race. */
#include "race.h"

static int ready, data;
static volatile int seen;

static void *one(void *arg) {
  data = 1;
  __asm__ volatile("fence rw,w\n\tsw %0, 0(%1)" ::"r"(1), "r"(&ready) : "memory");
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  int ok;
  __asm__ volatile("lw %0, 0(%1)\n\tfence r,rw" : "=r"(ok) : "r"(&ready) : "memory");
  if (ok) seen = data;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("plain-fences: done");
}
