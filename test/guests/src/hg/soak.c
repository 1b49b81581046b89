/* soak [TOTAL [WIDTH]]: creates and joins TOTAL threads, WIDTH of them at once. Each works on memory of its own, on what
   its creator handed over, and on a sum under a lock; whoever joins it reads what it left. */
#include "hg.h"

#define MOST 64

struct job {
  pthread_t thread;
  long number, result;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sum, threads;

static void *work(void *arg) {
  struct job *job = arg;
  long *own = malloc(64 * sizeof *own);
  memset(own, 0, 64 * sizeof *own);
  for (long i = 0; i < 256; i++) own[i & 63] += job->number ^ i;
  for (int i = 0; i < 64; i++) job->result += own[i];
  free(own);
  pthread_mutex_lock(&lock);
  sum += job->result;
  threads++;
  pthread_mutex_unlock(&lock);
  return NULL;
}

int main(int argc, char **argv) {
  long total = argc > 1 ? atol(argv[1]) : 300, width = argc > 2 ? atol(argv[2]) : 15, results = 0;
  static struct job *jobs[MOST];
  MUST(width > 0 && width <= MOST);
  for (long i = 0; i < total + width; i++) {
    struct job **slot = &jobs[i % width];
    if (*slot) {
      MUST(pthread_join((*slot)->thread, NULL) == 0);
      results += (*slot)->result;
      free(*slot);
      *slot = NULL;
    }
    if (i >= total) continue;
    *slot = calloc(1, sizeof **slot);
    (*slot)->number = i;
    MUST(pthread_create(&(*slot)->thread, NULL, work, *slot) == 0);
  }
  MUST(threads == total && sum == results);
  printf("soak: %ld %ld\n", threads, sum);
}
