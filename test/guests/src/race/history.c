/* Elements that one thread writes deep in calls, between two uses of a lock, and the other in a loop. */
#include "race.h"

static int shared[4];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void use(void) {
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
}

static void deep(int n) {
  if (n > 0) deep(n - 1);
  else for (int i = 0; i < 4; i++) shared[i] = 1;
}

static void *one(void *arg) {
  use();
  deep(10);
  use();
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  for (int i = 0; i < 4; i++) shared[i] = 2;
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("history: done");
}
