/* A mutex and a reader-writer lock held for a second and a half; another one not. */
#include "hg.h"

static pthread_mutex_t slow = PTHREAD_MUTEX_INITIALIZER, quick = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;

int main(void) {
  pthread_mutex_lock(&quick);
  pthread_mutex_unlock(&quick);
  pthread_mutex_lock(&slow);
  nap(1500);
  pthread_mutex_unlock(&slow);
  pthread_rwlock_rdlock(&shared);
  nap(1500);
  pthread_rwlock_unlock(&shared);
  puts("held-long: done");
}
