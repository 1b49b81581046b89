/* What pthread_once prepared is read by all who called it. */
#include "hg.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static long *table;
static long made;

static void prepare(void) {
  table = malloc(8 * sizeof *table);
  for (int i = 0; i < 8; i++) table[i] = i;
  made++;
}

static void *work(void *arg) {
  pthread_once(&once, prepare);
  long sum = 0;
  for (int i = 0; i < 8; i++) sum += table[i];
  MUST(sum == 28);
  return arg;
}

int main(void) {
  pthread_t t[3];
  for (int i = 0; i < 3; i++) t[i] = begin(work, NULL);
  for (int i = 0; i < 3; i++) end(t[i]);
  printf("once: %ld\n", made);
}
