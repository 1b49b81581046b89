/* A thread waits for the lock that it holds: here until time runs out. */
#include "hg.h"

int main(void) {
  pthread_mutex_t m;
  pthread_mutex_init(&m, NULL);
  pthread_mutex_lock(&m);
  struct timespec at = in(CLOCK_REALTIME, 10);
  MUST(pthread_mutex_timedlock(&m, &at) == ETIMEDOUT);
  pthread_mutex_unlock(&m);
  puts("relock: done");
}
