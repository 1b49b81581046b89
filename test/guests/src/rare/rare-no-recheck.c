/* A wake-up taken without looking at the condition again: between the wake-up and the lock, somebody who never waited
   takes the item. */
#include "rare.h"
static struct mutex lock;
static u32 events;
static i32 items, lowest;
static void *consumer(void *me) {
  (void)me;
  mutex_lock(&lock);
  if (items == 0) { /* while would be right */
    u32 seen = LOAD(events);
    mutex_unlock(&lock);
    sys(SYS_futex, &events, FUTEX_WAIT | FUTEX_PRIVATE, seen, NULL);
    mutex_lock(&lock);
  }
  items--;
  if (items < lowest) lowest = items;
  mutex_unlock(&lock);
  return NULL;
}
static void produce(void) {
  mutex_lock(&lock);
  items++;
  __atomic_add_fetch(&events, 1, __ATOMIC_RELAXED);
  mutex_unlock(&lock);
  sys(SYS_futex, &events, FUTEX_WAKE | FUTEX_PRIVATE, 1);
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  static struct thread t[2];
  if (thread_start(&t[0], consumer, NULL) < 0) return 2;
  work(200);
  produce();
  if (thread_start(&t[1], consumer, NULL) < 0) return 2;
  work(200);
  produce();
  /* A consumer that missed both wake-ups is not the bug in question. */
  while (LOAD(t[0].tid) != 0 || LOAD(t[1].tid) != 0) {
    __atomic_add_fetch(&events, 1, __ATOMIC_RELAXED);
    sys(SYS_futex, &events, FUTEX_WAKE | FUTEX_PRIVATE, 2);
    sys(SYS_sched_yield);
  }
  return VERDICT("rare-no-recheck", lowest == 0);
}
