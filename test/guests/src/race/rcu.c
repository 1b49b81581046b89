/* Read-copy-update: versions are published by a release and read behind an acquire; old ones stay. No race. */
#include "race.h"
#include <sched.h>

struct version {
  long a, b;
};

static struct version versions[50];
static _Atomic(struct version *) current;

static void *writer(void *arg) {
  for (int i = 0; i < 50; i++) {
    versions[i].a = i;
    versions[i].b = -i;
    atomic_store_explicit(&current, &versions[i], memory_order_release);
  }
  return arg;
}

static void *reader(void *arg) {
  struct version *v;
  do {
    while (!(v = atomic_load_explicit(&current, memory_order_acquire))) sched_yield();
    if (v->a != -v->b) exit(1);
  } while (v != &versions[49]);
  return arg;
}

int main(void) {
  pthread_t t = begin(reader, NULL), u = begin(writer, NULL);
  end(t);
  end(u);
  puts("rcu: done");
}
