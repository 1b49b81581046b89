/* The locks of the second order are others, in the same memory: destroyed and made again, freed and allocated. */
#include "hg.h"

static pthread_mutex_t a, b;

static void both(pthread_mutex_t *one, pthread_mutex_t *two) {
  pthread_mutex_lock(one);
  pthread_mutex_lock(two);
  pthread_mutex_unlock(two);
  pthread_mutex_unlock(one);
}

int main(void) {
  pthread_mutex_init(&a, NULL);
  pthread_mutex_init(&b, NULL);
  both(&a, &b);
  pthread_mutex_destroy(&a);
  pthread_mutex_destroy(&b);
  pthread_mutex_init(&a, NULL);
  pthread_mutex_init(&b, NULL);
  both(&b, &a);

  pthread_mutex_t *h = malloc(2 * sizeof *h), *again;
  pthread_mutex_init(&h[0], NULL);
  pthread_mutex_init(&h[1], NULL);
  both(&h[0], &h[1]);
  free(h);
  again = malloc(2 * sizeof *again);
  memset(again, 0, 2 * sizeof *again);
  both(&again[1], &again[0]);
  free(again);
  puts("order-destroyed: done");
}
