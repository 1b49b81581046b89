/* A semaphore of value 2 lets both threads in at once: no lock at all. */
#include "hg.h"

static sem_t s;
static long counter;

static void *one(void *arg) {
  sem_wait(&s);
  counter++;
  sem_post(&s);
  return arg;
}

static void *two(void *arg) {
  nap(150);
  sem_wait(&s);
  counter++;
  sem_post(&s);
  return arg;
}

int main(void) {
  sem_init(&s, 0, 2);
  pthread_t a = begin(one, NULL), b = begin(two, NULL);
  end(a);
  end(b);
  puts("sem-two: done");
}
