/* Two threads change a counter while they hold the lock for reading only. */
#include "hg.h"

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static long counter;
static sem_t first;

static void *one(void *arg) {
  pthread_rwlock_rdlock(&l);
  counter++;
  pthread_rwlock_unlock(&l);
  sem_post(&first);
  return arg;
}

static void *two(void *arg) {
  nap(200);
  pthread_rwlock_rdlock(&l);
  counter++;
  pthread_rwlock_unlock(&l);
  return arg;
}

int main(void) {
  sem_init(&first, 0, 0);
  pthread_t a = begin(one, NULL), b = begin(two, NULL);
  sem_wait(&first);
  end(a);
  end(b);
  puts("rwlock-read-race: done");
}
