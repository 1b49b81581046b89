/* Mutexes, semaphores and barriers of one's own, made known by requests; the real ordering is hidden from the tool. */
#include "annotate.h"
#include "hg.h"

static int mutex, sem, bar;
static long count, handed, part[2];

static void spin_until(int *word, int value) {
  while (__atomic_load_n(word, __ATOMIC_RELAXED) != value) sched_yield();
}

static void enter(void) {
  int free_ = 0;
  VALGRIND_HG_MUTEX_LOCK_PRE(&mutex, 0);
  while (!__atomic_compare_exchange_n(&mutex, &free_, 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    free_ = 0;
    sched_yield();
  }
  VALGRIND_HG_MUTEX_LOCK_POST(&mutex);
}

static void leave(void) {
  VALGRIND_HG_MUTEX_UNLOCK_PRE(&mutex);
  __atomic_store_n(&mutex, 0, __ATOMIC_RELAXED);
  VALGRIND_HG_MUTEX_UNLOCK_POST(&mutex);
}

static void *work(void *arg) {
  long me = (long)arg;
  for (int i = 0; i < 10; i++) {
    enter();
    count++;
    leave();
  }
  if (me == 0) {
    handed = 8;
    VALGRIND_HG_SEM_POST_PRE(&sem);
    __atomic_store_n(&sem, 1, __ATOMIC_RELAXED);
  } else {
    spin_until(&sem, 1);
    VALGRIND_HG_SEM_WAIT_POST(&sem);
    MUST(handed == 8);
  }
  part[me] = 1;
  VALGRIND_HG_BARRIER_WAIT_PRE(&bar);
  __atomic_fetch_add(&bar, 1, __ATOMIC_RELAXED);
  spin_until(&bar, 2);
  return (void *)(part[0] + part[1]);
}

int main(void) {
  VALGRIND_HG_MUTEX_INIT_POST(&mutex, 0);
  VALGRIND_HG_SEM_INIT_POST(&sem, 0);
  VALGRIND_HG_BARRIER_INIT_PRE(&bar, 2, 0);
  pthread_t a = begin(work, (void *)0), b = begin(work, (void *)1);
  end(a);
  end(b);
  VALGRIND_HG_BARRIER_DESTROY_PRE(&bar);
  VALGRIND_HG_SEM_DESTROY_PRE(&sem);
  VALGRIND_HG_MUTEX_DESTROY_PRE(&mutex);
  printf("annotate-objects: %ld\n", count);
}
