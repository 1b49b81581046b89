/* kernels KIND [THREADS [ROUNDS]]: each of THREADS threads computes ROUNDS rounds of one kind:
     private  counts in memory of its own
     read     looks up in a table that all threads read, and rarely counts under a lock
     lock     adds to a sum under one mutex, with some work between
     chase    walks a shuffled list of its own
     matmul   multiplies matrices
     sort     sorts numbers
     sieve    sieves bytes
     hash     mixes words as hashes do
   Prints a sum that does not depend on how the threads took turns. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long rounds;
static uint64_t table[4096], total, counted;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t next(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  return *seed ^= *seed << 17;
}

static uint64_t private_(uint64_t seed) {
  uint64_t *own = calloc(1024, sizeof *own), sum = 0;
  for (long r = 0; r < rounds * 1000; r++) own[next(&seed) & 1023] += seed >> 40;
  for (int i = 0; i < 1024; i++) sum = sum * 31 + own[i];
  free(own);
  return sum;
}

static uint64_t read_(uint64_t seed) {
  uint64_t sum = 0;
  for (long r = 0; r < rounds; r++) {
    for (int i = 0; i < 1000; i++) sum += table[next(&seed) & 4095];
    if (r % 100 == 0) {
      pthread_mutex_lock(&lock);
      counted++;
      pthread_mutex_unlock(&lock);
    }
  }
  return sum;
}

static uint64_t lock_(uint64_t seed) {
  uint64_t own[64] = {0};
  for (long r = 0; r < rounds; r++) {
    for (int i = 0; i < 50; i++) own[next(&seed) & 63] += seed >> 50;
    pthread_mutex_lock(&lock);
    counted += own[r & 63] & 1;
    pthread_mutex_unlock(&lock);
  }
  return own[7];
}

static uint64_t chase(uint64_t seed) {
  enum { N = 20000 };
  struct node { struct node *next; uint64_t key; } *nodes = calloc(N, sizeof *nodes);
  uint32_t *order = malloc(N * sizeof *order);
  for (uint32_t i = 0; i < N; i++) order[i] = i;
  for (uint32_t i = N - 1; i > 0; i--) {
    uint32_t j = next(&seed) % (i + 1), t = order[i];
    order[i] = order[j], order[j] = t;
  }
  for (uint32_t i = 0; i < N; i++) nodes[order[i]].next = &nodes[order[(i + 1) % N]], nodes[i].key = i;
  uint64_t sum = 0;
  struct node *p = nodes;
  for (long r = 0; r < rounds * 1000; r++) sum += p->key, p = p->next;
  free(order), free(nodes);
  return sum;
}

static uint64_t matmul(uint64_t seed) {
  enum { N = 100 };
  double *a = malloc(3 * N * N * sizeof *a), *b = a + N * N, *c = b + N * N;
  for (int i = 0; i < 2 * N * N; i++) a[i] = (double)(next(&seed) & 15);
  memset(c, 0, N * N * sizeof *c);
  for (long r = 0; r < rounds; r++)
    for (int i = 0; i < N; i++)
      for (int k = 0; k < N; k++) {
        double f = a[i * N + k];
        for (int j = 0; j < N; j++) c[i * N + j] += f * b[k * N + j];
      }
  uint64_t sum = (uint64_t)c[N + 7];
  free(a);
  return sum;
}

static void sort(uint32_t *a, long low, long high) {
  while (low < high) {
    uint32_t pivot = a[low + (high - low) / 2];
    long i = low - 1, j = high + 1;
    for (;;) {
      while (a[++i] < pivot) {
      }
      while (a[--j] > pivot) {
      }
      if (i >= j) break;
      uint32_t t = a[i];
      a[i] = a[j], a[j] = t;
    }
    sort(a, low, j);
    low = j + 1;
  }
}

static uint64_t sorting(uint64_t seed) {
  long n = 20000;
  uint32_t *a = malloc(n * sizeof *a);
  uint64_t sum = 0;
  for (long r = 0; r < rounds; r++) {
    for (long i = 0; i < n; i++) a[i] = (uint32_t)next(&seed);
    sort(a, 0, n - 1);
    sum += a[n / 2];
  }
  free(a);
  return sum;
}

static uint64_t sieve(uint64_t seed) {
  size_t n = 200000;
  unsigned char *composite = malloc(n + 1);
  uint64_t sum = seed & 1;
  for (long r = 0; r < rounds; r++) {
    memset(composite, 0, n + 1);
    for (size_t i = 2; i <= n; i++) {
      if (composite[i]) continue;
      sum += i;
      for (size_t j = i * i; j <= n; j += i) composite[j] = 1;
    }
  }
  free(composite);
  return sum;
}

static uint64_t hash(uint64_t seed) {
  uint32_t state[8] = {1, 2, 3, 4, 5, 6, 7, 8}, block[16];
  for (long r = 0; r < rounds * 10; r++) {
    for (int i = 0; i < 16; i++) block[i] = (uint32_t)next(&seed);
    for (int i = 0; i < 64; i++) {
      uint32_t t = state[7] + ((state[4] >> 6) | (state[4] << 26)) + ((state[4] & state[5]) ^ (~state[4] & state[6])) +
                   block[i & 15];
      memmove(state + 1, state, 7 * sizeof *state);
      state[4] += t;
      state[0] = t + ((state[1] >> 2) | (state[1] << 30));
    }
  }
  return state[0];
}

static const struct kind {
  const char *name;
  uint64_t (*run)(uint64_t seed);
} kinds[] = {{"private", private_}, {"read", read_},    {"lock", lock_},   {"chase", chase},
             {"matmul", matmul},    {"sort", sorting}, {"sieve", sieve}, {"hash", hash}};
static const struct kind *kind;

static void *work(void *arg) {
  uint64_t sum = kind->run((uint64_t)(uintptr_t)arg);
  pthread_mutex_lock(&lock);
  total += sum;
  pthread_mutex_unlock(&lock);
  return NULL;
}

int main(int argc, char **argv) {
  long threads = argc > 2 ? atol(argv[2]) : 1;
  rounds = argc > 3 ? atol(argv[3]) : 100;
  for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(argv[1], kinds[i].name) == 0) kind = &kinds[i];
  if (!kind || threads < 1 || threads > 64) return 2;
  uint64_t seed = 88172645463325252u;
  for (int i = 0; i < 4096; i++) table[i] = next(&seed) >> 32;
  pthread_t t[64];
  for (long i = 0; i < threads; i++)
    if (pthread_create(&t[i], NULL, work, (void *)(uintptr_t)(i + 12345))) return 1;
  for (long i = 0; i < threads; i++) pthread_join(t[i], NULL);
  printf("%s %llu\n", kind->name, (unsigned long long)total);
  return 0;
}
