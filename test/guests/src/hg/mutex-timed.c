/* Locks taken by all the timed and trying calls, whether they succeed or run out. */
#include "hg.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static long count;

static void *work(void *arg) {
  for (int i = 0; i < 30; i++) {
    struct timespec at;
    int r = EINVAL;
    switch (i % 3) {
      case 0:
        do at = in(CLOCK_REALTIME, 5), r = pthread_mutex_timedlock(&m, &at);
        while (r == ETIMEDOUT);
        break;
      case 1:
        do at = in(CLOCK_MONOTONIC, 5), r = pthread_mutex_clocklock(&m, CLOCK_MONOTONIC, &at);
        while (r == ETIMEDOUT);
        break;
      case 2:
        while ((r = pthread_mutex_trylock(&m)) == EBUSY) sched_yield();
    }
    MUST(r == 0);
    count++;
    pthread_mutex_unlock(&m);
  }
  return arg;
}

static void *cannot(void *arg) {
  struct timespec at = in(CLOCK_REALTIME, 10);
  MUST(pthread_mutex_timedlock(&m, &at) == ETIMEDOUT);
  MUST(pthread_mutex_trylock(&m) == EBUSY);
  return arg;
}

int main(void) {
  pthread_t a = begin(work, NULL), b = begin(work, NULL);
  end(a);
  end(b);
  pthread_mutex_lock(&m);
  end(begin(cannot, NULL));
  printf("mutex-timed: %ld\n", count);
  pthread_mutex_unlock(&m);
}
