/* Spin locks, taken and tried for. */
#include "hg.h"

static pthread_spinlock_t s;
static long count;

static void *work(void *arg) {
  for (int i = 0; i < 50; i++) {
    if (i % 2) pthread_spin_lock(&s);
    else while (pthread_spin_trylock(&s) == EBUSY) sched_yield();
    count++;
    pthread_spin_unlock(&s);
  }
  return arg;
}

int main(void) {
  MUST(pthread_spin_init(&s, PTHREAD_PROCESS_PRIVATE) == 0);
  pthread_t a = begin(work, NULL), b = begin(work, NULL);
  end(a);
  end(b);
  pthread_spin_destroy(&s);
  printf("spin: %ld\n", count);
}
