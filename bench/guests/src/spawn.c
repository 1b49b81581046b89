/* spawn [COUNT]: threads created and joined one after another; the rate goes to standard error. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void *add(void *arg) {
  ++*(long *)arg;
  return NULL;
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 5000, made = 0;
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (long i = 0; i < count; i++) {
    pthread_t t;
    if (pthread_create(&t, NULL, add, &made)) return 1;
    pthread_join(t, NULL);
  }
  clock_gettime(CLOCK_MONOTONIC, &b);
  double seconds = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
  printf("spawn %ld\n", made);
  fprintf(stderr, "%.0f threads/s\n", (double)made / seconds);
  return made != count;
}
