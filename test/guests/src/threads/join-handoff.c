/* Race-free by create and join alone: a plain variable is handed from main to one thread after another. */
#include <pthread.h>
#include <stdio.h>

static long handed;

static void *twice(void *arg) {
  handed *= 2;
  return arg;
}

int main(void) {
  handed = 1;
  for (int i = 0; i < 10; i++) {
    pthread_t t;
    pthread_create(&t, NULL, twice, NULL);
    pthread_join(t, NULL);
    handed += 1;
  }
  /* x -> 2x + 1 ten times from 1 gives 2^11 - 1 */
  printf("join-handoff: %ld\n", handed);
  return handed != 2047;
}
