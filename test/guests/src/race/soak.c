/* soak [THREADS [AT ONCE]]: creates and joins many threads; each works on a block that it was given, on its stack, and
   under a lock on what all share. No race. */
#include "race.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void *work(void *arg) {
  long local[32];
  for (int i = 0; i < 32; i++) local[i] = *(long *)arg;
  *(long *)arg = local[31] + 1;
  pthread_mutex_lock(&lock);
  total++;
  pthread_mutex_unlock(&lock);
  return arg;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 64, width = argc > 2 ? atoi(argv[2]) : 16;
  pthread_t t[256];
  for (int done = 0; done < threads; done += width) {
    int n = threads - done < width ? threads - done : width;
    for (int i = 0; i < n; i++) {
      long *block = malloc(sizeof *block);
      *block = i;
      t[i] = begin(work, block);
    }
    for (int i = 0; i < n; i++) {
      void *block;
      pthread_join(t[i], &block);
      if (*(long *)block != i + 1) return 1;
      free(block);
    }
  }
  printf("soak: %ld threads\n", total);
}
