/* Barriers: none of zero, made twice, destroyed twice. */
#include "hg.h"

int main(void) {
  pthread_barrier_t b, z;
  MUST(pthread_barrier_init(&z, NULL, 0) == EINVAL);
  MUST(pthread_barrier_init(&b, NULL, 1) == 0);
  MUST(pthread_barrier_init(&b, NULL, 1) == 0);
  MUST(pthread_barrier_wait(&b) == PTHREAD_BARRIER_SERIAL_THREAD);
  MUST(pthread_barrier_destroy(&b) == 0);
  puts("barrier-wrong: done");
}
