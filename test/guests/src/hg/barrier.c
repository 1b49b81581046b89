/* Three threads fill an array by turns and read each other's part behind a barrier, many times over. */
#include "hg.h"

#define N 3
static pthread_barrier_t bar;
static long part[2][N];

static void *work(void *arg) {
  long me = (long)arg, serial = 0;
  for (long round = 0; round < 25; round++) {
    part[round & 1][me] = round;
    serial += pthread_barrier_wait(&bar) == PTHREAD_BARRIER_SERIAL_THREAD;
    for (int i = 0; i < N; i++) MUST(part[round & 1][i] == round);
  }
  return (void *)serial;
}

int main(void) {
  pthread_barrier_init(&bar, NULL, N);
  pthread_t t[N];
  long serial = 0;
  for (long i = 0; i < N; i++) t[i] = begin(work, (void *)i);
  for (int i = 0; i < N; i++) {
    void *r;
    pthread_join(t[i], &r);
    serial += (long)r;
  }
  MUST(pthread_barrier_destroy(&bar) == 0);
  MUST(pthread_barrier_init(&bar, NULL, 1) == 0);
  MUST(pthread_barrier_wait(&bar) == PTHREAD_BARRIER_SERIAL_THREAD);
  pthread_barrier_destroy(&bar);
  printf("barrier: %ld\n", serial);
}
