/* A thread waits for the lock that it holds itself. */
#include "hg.h"

int main(void) {
  pthread_mutex_t m;
  pthread_mutex_init(&m, NULL);
  puts("deadlock-self: begins");
  fflush(stdout);
  pthread_mutex_lock(&m);
  pthread_mutex_lock(&m);
}
