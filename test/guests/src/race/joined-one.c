/* main has joined one of two writers when it reads: the other one races. */
#include "race.h"

static int a, b;

static void *one(void *arg) {
  a = 1;
  return arg;
}

static void *two(void *arg) {
  b = 1;
  gate_open(&first);
  return arg;
}

int main(void) {
  first = gate_made();
  pthread_t t = begin(one, NULL), u = begin(two, NULL);
  end(t);
  gate_wait(&first);
  volatile int sum = a + b;
  (void)sum;
  end(u);
  puts("joined-one: done");
}
