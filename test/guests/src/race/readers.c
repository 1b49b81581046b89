/* Three threads read, which is no race, until a fourth writes. */
#include "race.h"

static int shared = 7;
static gate all;

static void *reader(void *arg) {
  volatile int seen = shared;
  (void)seen;
  gate_open(&all);
  return arg;
}

static void *writer(void *arg) {
  for (int i = 0; i < 3; i++) gate_wait(&all);
  shared = 1;
  return arg;
}

int main(void) {
  all = gate_made();
  pthread_t t[4];
  for (int i = 0; i < 3; i++) t[i] = begin(reader, NULL);
  t[3] = begin(writer, NULL);
  for (int i = 0; i < 4; i++) end(t[i]);
  puts("readers: done");
}
