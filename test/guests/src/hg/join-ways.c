/* Every way to join. */
#include "hg.h"

static long value[3];

static void *work(void *arg) {
  value[(long)arg] = 1;
  return arg;
}

int main(void) {
  pthread_t a = begin(work, (void *)0), b = begin(work, (void *)1), c = begin(work, (void *)2);
  void *r;
  while (pthread_tryjoin_np(a, &r) == EBUSY) nap(2);
  MUST(r == (void *)0 && value[0] == 1);
  struct timespec at;
  int e;
  do at = in(CLOCK_REALTIME, 5), e = pthread_timedjoin_np(b, &r, &at);
  while (e == ETIMEDOUT);
  MUST(e == 0 && value[1] == 1);
  at = in(CLOCK_MONOTONIC, 60000);
  MUST(pthread_clockjoin_np(c, &r, CLOCK_MONOTONIC, &at) == 0);
  MUST(value[2] == 1);
  puts("join-ways: right");
}
