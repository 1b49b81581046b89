/* Frees memory with a held lock in it. */
#include "hg.h"

int main(void) {
  pthread_mutex_t *m = malloc(sizeof *m);
  pthread_mutex_init(m, NULL);
  pthread_mutex_lock(m);
  free(m);
  puts("free-held: done");
}
