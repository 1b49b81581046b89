/* A reader-writer lock and a mutex in both orders: a writer in between would stop both threads. */
#include "hg.h"

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *there(void *arg) {
  pthread_rwlock_rdlock(&l);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  pthread_rwlock_unlock(&l);
  return arg;
}

static void *back(void *arg) {
  pthread_mutex_lock(&m);
  pthread_rwlock_wrlock(&l);
  pthread_rwlock_unlock(&l);
  pthread_mutex_unlock(&m);
  return arg;
}

int main(void) {
  end(begin(there, NULL));
  end(begin(back, NULL));
  puts("order-rwlock: done");
}
