/* Two threads wait for one condition with different mutexes at the same time. */
#include "hg.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static long waits, over;

static void *work(void *arg) {
  pthread_mutex_lock(&a);
  waits = 1;
  while (!over) pthread_cond_wait(&c, &a);
  pthread_mutex_unlock(&a);
  return arg;
}

int main(void) {
  pthread_t t = begin(work, NULL);
  for (long w = 0; !w; nap(1)) {
    pthread_mutex_lock(&a);
    w = waits;
    pthread_mutex_unlock(&a);
  }
  pthread_mutex_lock(&b);
  struct timespec at = in(CLOCK_REALTIME, 10);
  pthread_cond_timedwait(&c, &b, &at);
  pthread_mutex_unlock(&b);
  pthread_mutex_lock(&a);
  over = 1;
  pthread_cond_broadcast(&c);
  pthread_mutex_unlock(&a);
  end(t);
  puts("cond-two-mutexes: done");
}
