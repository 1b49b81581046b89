/* The program ends with a lock in hand. */
#include "hg.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;

int main(void) {
  pthread_mutex_lock(&a);
  puts("exit-holding-main: done");
}
