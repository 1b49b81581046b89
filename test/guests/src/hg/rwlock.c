/* Readers and writers of one record, with every way to take the lock. */
#include "hg.h"

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
static long a, b;

static void *writer(void *arg) {
  for (int i = 0; i < 20; i++) {
    struct timespec at = in(CLOCK_REALTIME, 60000), mono = in(CLOCK_MONOTONIC, 60000);
    int r = 1;
    if (i % 4 == 0) r = pthread_rwlock_wrlock(&l);
    if (i % 4 == 1) while ((r = pthread_rwlock_trywrlock(&l)) == EBUSY) sched_yield();
    if (i % 4 == 2) r = pthread_rwlock_timedwrlock(&l, &at);
    if (i % 4 == 3) r = pthread_rwlock_clockwrlock(&l, CLOCK_MONOTONIC, &mono);
    MUST(r == 0);
    a++, b--;
    pthread_rwlock_unlock(&l);
  }
  return arg;
}

static void *reader(void *arg) {
  for (int i = 0; i < 20; i++) {
    struct timespec at = in(CLOCK_REALTIME, 60000), mono = in(CLOCK_MONOTONIC, 60000);
    int r = 1;
    if (i % 4 == 0) r = pthread_rwlock_rdlock(&l);
    if (i % 4 == 1) while ((r = pthread_rwlock_tryrdlock(&l)) == EBUSY) sched_yield();
    if (i % 4 == 2) r = pthread_rwlock_timedrdlock(&l, &at);
    if (i % 4 == 3) r = pthread_rwlock_clockrdlock(&l, CLOCK_MONOTONIC, &mono);
    MUST(r == 0);
    MUST(a + b == 0);
    pthread_rwlock_unlock(&l);
  }
  return arg;
}

int main(void) {
  pthread_t t[4] = {begin(writer, NULL), begin(reader, NULL), begin(writer, NULL), begin(reader, NULL)};
  for (int i = 0; i < 4; i++) end(t[i]);
  MUST(pthread_rwlock_destroy(&l) == 0);
  printf("rwlock: %ld\n", a);
}
