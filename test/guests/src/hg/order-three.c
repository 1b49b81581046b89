/* a before b, b before c, c before a: no two of them in both orders, and still a cycle. */
#include "hg.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER, c = PTHREAD_MUTEX_INITIALIZER;

static void *pair(void *arg) {
  pthread_mutex_t **two = arg;
  pthread_mutex_lock(two[0]);
  pthread_mutex_lock(two[1]);
  pthread_mutex_unlock(two[1]);
  pthread_mutex_unlock(two[0]);
  return NULL;
}

int main(void) {
  pthread_mutex_t *pairs[3][2] = {{&a, &b}, {&b, &c}, {&c, &a}};
  for (int i = 0; i < 3; i++) end(begin(pair, pairs[i]));
  puts("order-three: done");
}
