/* Both threads write the same word behind the barrier: it orders what comes before it, not what comes after. */
#include "hg.h"

static pthread_barrier_t bar;
static long after;

static void *work(void *arg) {
  pthread_barrier_wait(&bar);
  nap((long)arg);
  after = (long)arg;
  pthread_barrier_wait(&bar);
  return arg;
}

int main(void) {
  pthread_barrier_init(&bar, NULL, 2);
  pthread_t a = begin(work, (void *)1), b = begin(work, (void *)150);
  end(a);
  end(b);
  pthread_barrier_destroy(&bar);
  puts("barrier-race: done");
}
