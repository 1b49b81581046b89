/* A thread ends with two locks in hand. */
#include "hg.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *arg) {
  pthread_mutex_lock(&a);
  pthread_mutex_lock(&b);
  return arg;
}

int main(void) {
  end(begin(work, NULL));
  puts("exit-holding: done");
}
