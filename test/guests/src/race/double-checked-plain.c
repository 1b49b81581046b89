/* Double-checked locking with a plain pointer: the pointer and what it points to race. */
#include "race.h"

struct thing {
  int value;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct thing *volatile instance;

static struct thing *get(void) {
  struct thing *p = instance;
  if (p) return p;
  pthread_mutex_lock(&lock);
  p = instance;
  if (!p) {
    p = malloc(sizeof *p);
    p->value = 7;
    instance = p;
  }
  pthread_mutex_unlock(&lock);
  return p;
}

static void *one(void *arg) {
  get();
  gate_open(&first);
  return arg;
}

static void *two(void *arg) {
  gate_wait(&first);
  if (get()->value != 7) exit(1);
  return arg;
}

int main(void) {
  unordered(one, two, NULL);
  puts("double-checked-plain: done");
}
