/* Each kind of mutex protects a counter of its own. */
#include "hg.h"

#define KINDS 6
static pthread_mutex_t m[KINDS];
static long count[KINDS];

static void *work(void *arg) {
  for (int round = 0; round < 20; round++)
    for (int k = 0; k < KINDS; k++) {
      MUST(pthread_mutex_lock(&m[k]) == 0);
      if (k == 1) MUST(pthread_mutex_lock(&m[k]) == 0);
      if (k == 2) MUST(pthread_mutex_trylock(&m[k]) == EBUSY);
      count[k]++;
      if (k == 1) MUST(pthread_mutex_unlock(&m[k]) == 0);
      count[k]++;
      MUST(pthread_mutex_unlock(&m[k]) == 0);
    }
  return arg;
}

int main(void) {
  static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                              PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_NORMAL};
  for (int k = 0; k < KINDS; k++) {
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, types[k]);
    if (k == 4) pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    if (k == 5) pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    MUST(pthread_mutex_init(&m[k], &a) == 0);
    pthread_mutexattr_destroy(&a);
  }
  pthread_t a = begin(work, NULL), b = begin(work, NULL);
  end(a);
  end(b);
  for (int k = 0; k < KINDS; k++) {
    MUST(count[k] == 80);
    MUST(pthread_mutex_destroy(&m[k]) == 0);
  }
  puts("mutex-kinds: right");
}
