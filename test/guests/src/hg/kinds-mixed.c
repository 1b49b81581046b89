/* A reader-writer lock given to a function for mutexes. */
#include "hg.h"

int main(void) {
  static union {
    pthread_mutex_t m;
    pthread_rwlock_t l;
  } u;
  pthread_rwlock_init(&u.l, NULL);
  pthread_rwlock_rdlock(&u.l);
  pthread_rwlock_unlock(&u.l);
  MUST(pthread_mutex_trylock(&u.m) == 0);
  pthread_mutex_unlock(&u.m);
  puts("kinds-mixed: done");
}
