/* Locks that are made again without having been destroyed, and locks that live until the end. */
#include "hg.h"

static pthread_mutex_t a, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t c;

int main(void) {
  MUST(pthread_mutex_init(&a, NULL) == 0);
  MUST(pthread_mutex_init(&a, NULL) == 0);
  pthread_mutex_lock(&b);
  pthread_mutex_unlock(&b);
  MUST(pthread_mutex_init(&b, NULL) == 0);
  MUST(pthread_rwlock_init(&c, NULL) == 0);
  MUST(pthread_rwlock_init(&c, NULL) == 0);
  MUST(pthread_rwlock_destroy(&c) == 0);
  MUST(pthread_mutex_init(&b, NULL) == 0);
  MUST(pthread_mutex_destroy(&b) == 0);
  puts("not-destroyed: done");
}
