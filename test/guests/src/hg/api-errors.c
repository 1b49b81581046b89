/* Calls that fail, each with its error number. */
#include "hg.h"

static sem_t over;

static void *stays(void *arg) {
  sem_wait(&over);
  return arg;
}

int main(void) {
  sem_init(&over, 0, 0);
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_t m;
  pthread_mutex_init(&m, &a);
  pthread_mutex_lock(&m);
  MUST(pthread_mutex_lock(&m) == EDEADLK);
  pthread_mutex_unlock(&m);
  MUST(pthread_join(pthread_self(), NULL) == EDEADLK);
  pthread_t t = begin(stays, NULL);
  pthread_detach(t);
  MUST(pthread_join(t, NULL) == EINVAL);
  sem_post(&over);
  pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
  pthread_rwlock_wrlock(&l);
  MUST(pthread_rwlock_wrlock(&l) == EDEADLK);
  pthread_rwlock_unlock(&l);
  puts("api-errors: done");
  nap(50);
}
