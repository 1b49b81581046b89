/* Two threads wait for one condition with different mutexes at the same time. */
#include "hg.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static sem_t about;

static void *work(void *arg) {
  pthread_mutex_lock(&a);
  sem_post(&about);
  struct timespec at = in(CLOCK_REALTIME, 1500);
  pthread_cond_timedwait(&c, &a, &at);
  pthread_mutex_unlock(&a);
  return arg;
}

int main(void) {
  sem_init(&about, 0, 0);
  pthread_t t = begin(work, NULL);
  sem_wait(&about);
  pthread_mutex_lock(&a);
  pthread_mutex_unlock(&a);
  pthread_mutex_lock(&b);
  struct timespec at = in(CLOCK_REALTIME, 10);
  pthread_cond_timedwait(&c, &b, &at);
  pthread_mutex_unlock(&b);
  end(t);
  puts("cond-two-mutexes: done");
}
