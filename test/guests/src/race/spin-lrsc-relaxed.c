/* The same spin lock without acquire and release: what it guards races. */
#include "race.h"
#include <sched.h>

static int word;
static long counter;

static void lock(void) {
  int old, one = 1;
  do
    __asm__ volatile("1: lr.w %0, (%2)\n\tbnez %0, 2f\n\tsc.w %0, %1, (%2)\n2:" : "=&r"(old) : "r"(one), "r"(&word) : "memory");
  while (old && sched_yield() == 0);
}

static void unlock(void) {
  __asm__ volatile("amoswap.w zero, zero, (%0)" ::"r"(&word) : "memory");
}

static void *work(void *arg) {
  for (int i = 0; i < 200; i++) {
    lock();
    counter++;
    unlock();
  }
  return arg;
}

int main(void) {
  pthread_t t = begin(work, NULL), u = begin(work, NULL);
  end(t);
  end(u);
  printf("spin-lrsc-relaxed: %ld\n", counter);
}
