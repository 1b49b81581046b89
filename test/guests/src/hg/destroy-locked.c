/* Destroys a mutex that is held, and one that never was. */
#include "hg.h"

int main(void) {
  pthread_mutex_t m, fresh = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_init(&m, NULL);
  pthread_mutex_lock(&m);
  MUST(pthread_mutex_destroy(&m) == EBUSY);
  MUST(pthread_mutex_destroy(&fresh) == 0);
  puts("destroy-locked: done");
}
