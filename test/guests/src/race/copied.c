/* memcpy reads for its caller. */
#include "race.h"

static struct {
  char text[40];
} shared, copy;

static void *one(void *arg) {
  shared.text[8] = 1;
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  memcpy(&copy, &shared, sizeof copy);
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("copied: done");
}
