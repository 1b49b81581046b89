/* Threads one after the other, each joined before the next begins, on one variable: no race. */
#include "race.h"

static long sum;

static void *work(void *arg) {
  long local[64];
  for (int i = 0; i < 64; i++) local[i] = i;
  sum += local[(intptr_t)arg & 63];
  return arg;
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 40;
  for (long i = 0; i < n; i++) end(begin(work, (void *)i));
  printf("chain: %d\n", sum > 0);
}
