/* One thread waits for a signal that nobody will send, one for a post, and main for them. */
#include "hg.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static sem_t s;

static void *waits(void *arg) {
  pthread_mutex_lock(&m);
  for (;;) pthread_cond_wait(&c, &m);
  return arg;
}

static void *downs(void *arg) {
  sem_wait(&s);
  return arg;
}

int main(void) {
  sem_init(&s, 0, 0);
  puts("deadlock-waits: begins");
  fflush(stdout);
  pthread_t a = begin(waits, NULL), b = begin(downs, NULL);
  end(a);
  end(b);
}
