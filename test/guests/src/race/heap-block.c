/* A field of a block of the heap, written by its maker and by a thread that was given it. */
#include "race.h"

struct item {
  int a, b;
  char text[32];
};

static void *one(void *arg) {
  ((struct item *)arg)->b = 1;
  gate_open(&first);
  return NULL;
}

static void *two(void *arg) {
  gate_wait(&first);
  ((struct item *)arg)->b = 2;
  return NULL;
}

int main(void) {
  struct item *item = malloc(sizeof *item);
  item->b = 0;
  unordered(one, two, item);
  free(item);
  puts("heap-block: done");
}
