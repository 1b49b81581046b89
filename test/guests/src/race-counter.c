/* Two threads count up twice: once without protection, which is a race, and once under a lock. */
#include <pthread.h>
#include <stdio.h>

enum { ROUNDS = 1000 };
static long racy, locked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void count(void) {
  for (int i = 0; i < ROUNDS; i++) {
    racy++; /* the race */
    pthread_mutex_lock(&lock);
    locked++;
    pthread_mutex_unlock(&lock);
  }
}
static void *first_worker(void *arg) { return count(), arg; }
static void *second_worker(void *arg) { return count(), arg; }

int main(void) {
  pthread_t first, second;
  pthread_create(&first, NULL, first_worker, NULL);
  pthread_create(&second, NULL, second_worker, NULL);
  pthread_join(first, NULL);
  pthread_join(second, NULL);
  printf("race-counter: locked = %ld, racy is between 2 and %d\n", locked, 2 * ROUNDS);
  return !(locked == 2 * ROUNDS && racy >= 2 && racy <= 2 * ROUNDS);
}
