/* A bounded queue with two condition variables; and a broadcast that starts all at once. */
#include "hg.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static pthread_cond_t go = PTHREAD_COND_INITIALIZER;
static long queue[4], in_queue, started, sum;

static void await_start(void) {
  pthread_mutex_lock(&m);
  while (!started) pthread_cond_wait(&go, &m);
  pthread_mutex_unlock(&m);
}

static void *producer(void *arg) {
  await_start();
  for (long i = 1; i <= 30; i++) {
    pthread_mutex_lock(&m);
    while (in_queue == 4) pthread_cond_wait(&not_full, &m);
    queue[in_queue++] = i;
    pthread_cond_signal(&not_empty);
    pthread_mutex_unlock(&m);
  }
  return arg;
}

static void *consumer(void *arg) {
  await_start();
  for (long i = 1; i <= 30; i++) {
    pthread_mutex_lock(&m);
    while (in_queue == 0) pthread_cond_wait(&not_empty, &m);
    sum += queue[--in_queue];
    pthread_mutex_unlock(&m);
    pthread_cond_signal(&not_full);
  }
  return arg;
}

int main(void) {
  pthread_t a = begin(producer, NULL), b = begin(consumer, NULL);
  pthread_mutex_lock(&m);
  started = 1;
  pthread_cond_broadcast(&go);
  pthread_mutex_unlock(&m);
  end(a);
  end(b);
  MUST(pthread_cond_destroy(&go) == 0);
  printf("cond: %ld\n", sum);
}
