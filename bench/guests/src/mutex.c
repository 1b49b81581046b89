/* mutex [THREADS [PAIRS]]: lock/unlock pairs a thread: one thread is the uncontended case. The pairs a second go to
   standard error, the count to standard output. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long pairs, counter;

static void *work(void *arg) {
  for (long i = 0; i < pairs; i++) {
    pthread_mutex_lock(&lock);
    counter++;
    pthread_mutex_unlock(&lock);
  }
  return arg;
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 1;
  pairs = argc > 2 ? atol(argv[2]) : 40000000;
  pthread_t t[256];
  struct timespec a, b;
  if (n < 1 || n > 256) return 2;
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (int i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, NULL)) return 1;
  for (int i = 0; i < n; i++) pthread_join(t[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &b);
  double seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
  printf("mutex %d %ld\n", n, counter);
  fprintf(stderr, "%.0f pairs/s\n", (double)counter / seconds);
  return counter != n * pairs;
}
