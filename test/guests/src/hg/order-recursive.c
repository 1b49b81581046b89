/* A recursive lock is taken again below another one: it was held before that, so this is no new order. */
#include "hg.h"

static pthread_mutex_t r = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP, b = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *arg) {
  pthread_mutex_lock(&r);
  pthread_mutex_lock(&b);
  pthread_mutex_lock(&r);
  pthread_mutex_unlock(&r);
  pthread_mutex_unlock(&b);
  pthread_mutex_unlock(&r);
  return arg;
}

int main(void) {
  end(begin(work, NULL));
  end(begin(work, NULL));
  puts("order-recursive: done");
}
