/* Signals without the mutex: allowed, and what some call dubious. */
#include "hg.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static long waits, ready;

static void *work(void *arg) {
  pthread_mutex_lock(&m);
  waits = 1;
  while (!ready) pthread_cond_wait(&c, &m);
  pthread_mutex_unlock(&m);
  return arg;
}

int main(void) {
  pthread_t t = begin(work, NULL);
  for (long w = 0; !w; nap(1)) {
    pthread_mutex_lock(&m);
    w = waits;
    ready = w;
    pthread_mutex_unlock(&m);
  }
  pthread_cond_signal(&c);
  end(t);
  puts("cond-signal-free: done");
}
