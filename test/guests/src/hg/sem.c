/* Semaphores: as a lock, and to hand a value over in each direction. */
#include "hg.h"

static sem_t lock, full, empty;
static long count, slot;

static void *work(void *arg) {
  for (int i = 0; i < 30; i++) {
    if (i % 2) MUST(sem_wait(&lock) == 0);
    else while (sem_trywait(&lock) != 0) sched_yield();
    count++;
    sem_post(&lock);
  }
  for (long i = 0; i < 20; i++) {
    sem_wait(&empty);
    slot = i;
    sem_post(&full);
  }
  return arg;
}

int main(void) {
  sem_init(&lock, 0, 1);
  sem_init(&full, 0, 0);
  sem_init(&empty, 0, 1);
  pthread_t t = begin(work, NULL);
  for (int i = 0; i < 30; i++) {
    struct timespec at = in(CLOCK_REALTIME, 60000);
    MUST(sem_timedwait(&lock, &at) == 0);
    count++;
    sem_post(&lock);
  }
  long sum = 0;
  for (int i = 0; i < 20; i++) {
    sem_wait(&full);
    sum += slot;
    sem_post(&empty);
  }
  end(t);
  sem_destroy(&lock);
  printf("sem: %ld %ld\n", count, sum);
}
