/* A stack of nodes by compare-and-swap; nodes are never given back, so there is no ABA. No race. */
#include "race.h"
#include <sched.h>

struct node {
  struct node *next;
  long value;
};

static _Atomic(struct node *) top;
static atomic_long sum;

static void *pusher(void *arg) {
  for (long i = 1; i <= 100; i++) {
    struct node *n = malloc(sizeof *n);
    n->value = i;
    n->next = atomic_load(&top);
    while (!atomic_compare_exchange_weak(&top, &n->next, n));
  }
  return arg;
}

static void *popper(void *arg) {
  for (int got = 0; got < 100; got++) {
    struct node *n = atomic_load(&top);
    while (!n || !atomic_compare_exchange_weak(&top, &n, n->next)) {
      if (!n) {
        sched_yield();
        n = atomic_load(&top);
      }
    }
    atomic_fetch_add_explicit(&sum, n->value, memory_order_relaxed);
  }
  return arg;
}

int main(void) {
  pthread_t t[4] = {begin(pusher, NULL), begin(pusher, NULL), begin(popper, NULL), begin(popper, NULL)};
  for (int i = 0; i < 4; i++) end(t[i]);
  printf("treiber: %ld\n", atomic_load(&sum));
}
