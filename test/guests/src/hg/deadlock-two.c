/* Two threads, each with the lock that the other waits for. */
#include "hg.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void *there(void *arg) {
  pthread_mutex_lock(&a);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&b);
  return arg;
}

static void *back(void *arg) {
  pthread_mutex_lock(&b);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&a);
  return arg;
}

int main(void) {
  pthread_barrier_init(&both, NULL, 2);
  puts("deadlock-two: begins");
  fflush(stdout);
  pthread_t s = begin(there, NULL), t = begin(back, NULL);
  end(s);
  end(t);
}
