/* A reader-writer lock of one's own, made known by annotations. */
#include "annotate.h"
#include "hg.h"

static volatile int state;
static long value;

static void lock(int writes) {
  for (;;) {
    int s = __atomic_load_n(&state, __ATOMIC_RELAXED), next = writes ? -1 : s + 1;
    if (writes ? s == 0 : s >= 0)
      if (__atomic_compare_exchange_n(&state, &s, next, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) break;
    sched_yield();
  }
  ANNOTATE_RWLOCK_ACQUIRED(&state, writes);
}

static void unlock(int writes) {
  ANNOTATE_RWLOCK_RELEASED(&state, writes);
  if (writes) __atomic_store_n(&state, 0, __ATOMIC_RELAXED);
  else __atomic_fetch_sub(&state, 1, __ATOMIC_RELAXED);
}

static void *work(void *arg) {
  for (int i = 0; i < 10; i++) {
    lock(1);
    value++;
    unlock(1);
    lock(0);
    MUST(value > 0);
    unlock(0);
  }
  return arg;
}

int main(void) {
  ANNOTATE_RWLOCK_CREATE(&state);
  pthread_t a = begin(work, NULL), b = begin(work, NULL);
  end(a);
  end(b);
  ANNOTATE_RWLOCK_DESTROY(&state);
  printf("annotate-rwlock: %ld\n", value);
}
