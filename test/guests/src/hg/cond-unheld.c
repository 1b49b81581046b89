/* Waits for a condition without holding the mutex; signals are not lost, since time runs out. */
#include "hg.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

int main(void) {
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  struct timespec at = in(CLOCK_REALTIME, 10);
  pthread_cond_timedwait(&c, &m, &at);
  puts("cond-unheld: done");
}
