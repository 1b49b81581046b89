/* Lost updates: a counter without a lock. */
#include "race.h"

static long counter;

static void *work(void *arg) {
  for (int i = 0; i < 1000; i++) counter++;
  return arg;
}

int main(void) {
  pthread_t t = begin(work, NULL), u = begin(work, NULL);
  end(t);
  end(u);
  puts("counter: done");
}
