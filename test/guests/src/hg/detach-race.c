/* Waiting long enough for a detached thread is no synchronisation. */
#include "hg.h"

static long value;

static void *work(void *arg) {
  value = 5;
  return arg;
}

int main(void) {
  MUST(pthread_detach(begin(work, NULL)) == 0);
  nap(2000);
  printf("detach-race: %ld\n", value);
}
