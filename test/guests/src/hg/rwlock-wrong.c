/* A reader-writer lock unlocked when free, and destroyed while held. */
#include "hg.h"

int main(void) {
  pthread_rwlock_t l, held;
  pthread_rwlock_init(&l, NULL);
  pthread_rwlock_init(&held, NULL);
  pthread_rwlock_rdlock(&l);
  pthread_rwlock_unlock(&l);
  if (getpid() == 0) pthread_rwlock_unlock(&l);
  pthread_rwlock_wrlock(&held);
  pthread_rwlock_destroy(&held);
  puts("rwlock-wrong: done");
}
