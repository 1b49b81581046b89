/* sharing KIND [THREADS [THOUSANDS]]: THREADS threads divide the same work among them, and share as KIND says:
     nothing   each counts in its own memory, with some computation
     false     each counts in its own word of one line of the cache
     atomic    all add to one counter by atomic instructions
     lock      all add to one counter under one mutex
   Prints the counts, which do not depend on the number of threads, and on standard error the time that the threads
   took, from the creation of the first to the end of the last. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum kind { NOTHING, FALSE_SHARING, ATOMIC, LOCK };
static const char *const names[] = {"nothing", "false", "atomic", "lock"};

static enum kind kind;
static long rounds, threads;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Alignas(64) uint64_t counter;
static _Alignas(64) volatile uint64_t line[64];
static _Alignas(64) uint64_t apart[64][8];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t scramble(uint64_t v) {
  v ^= v << 13;
  v ^= v >> 7;
  return v ^ v << 17;
}

static void *work(void *arg) {
  long me = (long)(intptr_t)arg;
  /* Rounds me, me + threads, .. : together all of them, however many threads there are. */
  uint64_t table[64] = {0}, done = 0;
  for (long i = me; i < rounds; i += threads) {
    done++;
    switch (kind) {
    case NOTHING: {
      uint64_t v = scramble((uint64_t)i + 1);
      table[v & 63] += scramble(v) >> 40;
      break;
    }
    case FALSE_SHARING: line[me]++; break;
    case ATOMIC: __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED); break;
    case LOCK:
      pthread_mutex_lock(&lock);
      counter++;
      pthread_mutex_unlock(&lock);
      break;
    }
  }
  for (int i = 0; i < 64; i++) apart[me][0] += table[i];
  apart[me][1] = done;
  return NULL;
}

int main(int argc, char **argv) {
  int known = 0;
  for (int k = 0; argc > 1 && k < 4; k++)
    if (strcmp(argv[1], names[k]) == 0) kind = (enum kind)k, known = 1;
  threads = argc > 2 ? atol(argv[2]) : 1;
  rounds = (argc > 3 ? atol(argv[3]) : 20000) * 1000;
  if (!known || threads < 1 || threads > 64) return 2;
  pthread_t t[64];
  double began = now();
  for (long i = 0; i < threads; i++)
    if (pthread_create(&t[i], NULL, work, (void *)(intptr_t)i)) return 1;
  uint64_t sum = 0, done = 0, words = 0;
  for (long i = 0; i < threads; i++) {
    pthread_join(t[i], NULL);
    sum += apart[i][0];
    done += apart[i][1];
    words += line[i];
  }
  fprintf(stderr, "seconds %.6f\n", now() - began);
  printf("%s %llu %llu %llu\n", names[kind], (unsigned long long)done, (unsigned long long)(counter + words),
         (unsigned long long)sum);
  return done != (uint64_t)rounds;
}
