/* A spin lock that is given back by a plain store: lock and data race. */
#include "race.h"
#include <sched.h>

static int word;
static long counter;

static void lock(void) {
  int old;
  do
    __asm__ volatile("amoswap.w.aq %0, %1, (%2)" : "=r"(old) : "r"(1), "r"(&word) : "memory");
  while (old && sched_yield() == 0);
}

static void unlock(void) {
  __asm__ volatile("sw zero, 0(%0)" ::"r"(&word) : "memory");
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
  printf("spin-no-release: %ld\n", counter);
}
