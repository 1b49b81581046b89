/* A spin lock of LR/SC with acquire and release: no race. */
#include "race.h"
#include <sched.h>

static int word;
static long counter;

static void lock(void) {
  int old, one = 1;
  do
    __asm__ volatile("1: lr.w.aq %0, (%2)\n\tbnez %0, 2f\n\tsc.w %0, %1, (%2)\n2:" : "=&r"(old) : "r"(one), "r"(&word) : "memory");
  while (old && sched_yield() == 0);
}

static void unlock(void) {
  __asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(&word) : "memory");
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
  printf("spin-lrsc: %ld\n", counter);
}
