/* Double-checked locking with an atomic pointer, released and acquired: no race. */
#include "race.h"

struct thing {
  int value;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct thing *) instance;

static struct thing *get(void) {
  struct thing *p = atomic_load_explicit(&instance, memory_order_acquire);
  if (p) return p;
  pthread_mutex_lock(&lock);
  p = atomic_load_explicit(&instance, memory_order_acquire);
  if (!p) {
    p = malloc(sizeof *p);
    p->value = 7;
    atomic_store_explicit(&instance, p, memory_order_release);
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
  puts("double-checked: done");
}
