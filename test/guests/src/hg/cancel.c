/* A thread is cancelled in a condition wait: its clean-up runs with the mutex held again, and gives it back. */
#include "hg.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static long cleaned, ready;

static void clean_up(void *arg) {
  cleaned++;
  pthread_mutex_unlock(arg);
}

static void *work(void *arg) {
  pthread_mutex_lock(&m);
  pthread_cleanup_push(clean_up, &m);
  while (!ready) pthread_testcancel(), sched_yield();
  pthread_cleanup_pop(1);
  return arg;
}

static void *waits(void *arg) {
  int old;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
  sem_wait(arg);
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
  pthread_mutex_lock(&m);
  pthread_cleanup_push(clean_up, &m);
  pthread_cond_wait(&c, &m);
  pthread_cleanup_pop(0);
  return NULL;
}

int main(void) {
  void *r;
  pthread_t t = begin(work, NULL);
  nap(20);
  MUST(pthread_cancel(t) == 0);
  MUST(pthread_join(t, &r) == 0 && r == PTHREAD_CANCELED);
  static sem_t asked;
  sem_init(&asked, 0, 0);
  t = begin(waits, &asked);
  MUST(pthread_cancel(t) == 0);
  sem_post(&asked);
  MUST(pthread_join(t, &r) == 0 && r == PTHREAD_CANCELED);
  pthread_mutex_lock(&m);
  printf("cancel: %ld\n", cleaned);
  pthread_mutex_unlock(&m);
}
