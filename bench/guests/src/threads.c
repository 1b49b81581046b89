/* threads [THREADS [MILLIONS]]: share-nothing threads, each with the same CPU-bound work; wall time should not grow
   with the number of threads while there are processors. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static long rounds;

static void *work(void *arg) {
  uint64_t v = (uint64_t)(uintptr_t)arg + 1, table[64] = {0};
  for (long i = 0; i < rounds; i++) {
    v ^= v << 13;
    v ^= v >> 7;
    v ^= v << 17;
    table[v & 63] += v >> 40;
  }
  for (int i = 0; i < 64; i++) v = v * 31 + table[i];
  return (void *)(uintptr_t)v;
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 4;
  rounds = (argc > 2 ? atol(argv[2]) : 250) * 1000000;
  pthread_t t[256];
  uint64_t sum = 0;
  if (n < 1 || n > 256) return 2;
  for (long i = 0; i < n; i++)
    if (pthread_create(&t[i], NULL, work, (void *)i)) return 1;
  for (int i = 0; i < n; i++) {
    void *result;
    pthread_join(t[i], &result);
    sum += (uint64_t)(uintptr_t)result;
  }
  printf("threads %d %016llx\n", n, (unsigned long long)sum);
  return 0;
}
