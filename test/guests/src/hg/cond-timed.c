/* Waits with a time limit on both clocks: some run out, one is signalled. */
#include "hg.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static long value;

static void *work(void *arg) {
  pthread_mutex_lock(&m);
  value = 42;
  pthread_cond_signal(&c);
  pthread_mutex_unlock(&m);
  return arg;
}

int main(void) {
  pthread_mutex_lock(&m);
  struct timespec at = in(CLOCK_REALTIME, 10);
  MUST(pthread_cond_timedwait(&c, &m, &at) == ETIMEDOUT);
  at = in(CLOCK_MONOTONIC, 10);
  MUST(pthread_cond_clockwait(&c, &m, CLOCK_MONOTONIC, &at) == ETIMEDOUT);
  pthread_t t = begin(work, NULL);
  at = in(CLOCK_REALTIME, 60000);
  while (value == 0) MUST(pthread_cond_timedwait(&c, &m, &at) == 0);
  printf("cond-timed: %ld\n", value);
  pthread_mutex_unlock(&m);
  end(t);
}
