/* An object with a reference count: additions relaxed, subtractions released, the last one acquires. No race. */
#include "race.h"

struct object {
  atomic_int count;
  long data[4];
};

static void drop(struct object *o) {
  if (atomic_fetch_sub_explicit(&o->count, 1, memory_order_release) != 1) return;
  atomic_thread_fence(memory_order_acquire);
  o->data[0] = o->data[1] = o->data[2] = -1;
  free(o);
}

static void *work(void *arg) {
  struct object *o = arg;
  volatile long seen = o->data[2];
  (void)seen;
  drop(o);
  return NULL;
}

int main(void) {
  for (int i = 0; i < 5; i++) {
    struct object *o = malloc(sizeof *o);
    atomic_init(&o->count, 1);
    o->data[2] = i;
    atomic_fetch_add_explicit(&o->count, 2, memory_order_relaxed);
    pthread_t t = begin(work, o), u = begin(work, o);
    drop(o);
    end(t);
    end(u);
  }
  puts("references: done");
}
