/* All threads wait, but one of them only for a while. */
#include "hg.h"

static sem_t s;

static void *late(void *arg) {
  nap(400);
  sem_post(&s);
  return arg;
}

static void *limited(void *arg) {
  struct timespec at = in(CLOCK_REALTIME, 600);
  sem_t never;
  sem_init(&never, 0, 0);
  MUST(sem_timedwait(&never, &at) == -1 && errno == ETIMEDOUT);
  return arg;
}

int main(void) {
  sem_init(&s, 0, 0);
  pthread_t a = begin(late, NULL), b = begin(limited, NULL);
  sem_wait(&s);
  end(a);
  end(b);
  puts("no-deadlock: done");
}
