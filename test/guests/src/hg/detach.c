/* A detached thread hands its result over with a semaphore. */
#include "hg.h"

static sem_t done;
static long value;

static void *work(void *arg) {
  value = 5;
  sem_post(&done);
  return arg;
}

int main(void) {
  sem_init(&done, 0, 0);
  MUST(pthread_detach(begin(work, NULL)) == 0);
  sem_wait(&done);
  printf("detach: %ld\n", value);
  nap(50);
}
