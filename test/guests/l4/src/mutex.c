/* A mutex and a condition as pthread-like libraries build them: atomic words, and a semaphore per thread to sleep on
   (14). Four producers and a consumer. */
#include "l4.h"

enum { PRODUCERS = 4, ITEMS = 200, ROOM = 8 };
static u32 state;          /* 0 free, 1 held, 2 held and waited for */
static cap wake, not_empty, not_full;
static u64 queue[ROOM], head, tail;

static void lock(void) {
  u32 free = 0;
  if (__atomic_compare_exchange_n(&state, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  while (__atomic_exchange_n(&state, 2, __ATOMIC_ACQUIRE)) down(wake, NEVER);
}

static void unlock(void) {
  if (__atomic_exchange_n(&state, 0, __ATOMIC_RELEASE) == 2) up(wake);
}

static void producer(void *argument) {
  for (u64 i = 0; i < ITEMS; i++) {
    down(not_full, NEVER);
    lock();
    queue[tail++ % ROOM] = (u64)argument * 1000 + i;
    unlock();
    up(not_empty);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t[PRODUCERS];
  wake = slot_alloc(), not_empty = slot_alloc(), not_full = slot_alloc();
  make(wake, P_SEMAPHORE), make(not_empty, P_SEMAPHORE), make(not_full, P_SEMAPHORE);
  for (int i = 0; i < ROOM; i++) up(not_full);
  for (u64 i = 0; i < PRODUCERS; i++) thread_start(&t[i], producer, (void *)i);
  u64 sum = 0, next[PRODUCERS] = {0}, disorder = 0;
  for (int i = 0; i < PRODUCERS * ITEMS; i++) {
    down(not_empty, NEVER);
    lock();
    u64 item = queue[head++ % ROOM];
    unlock();
    up(not_full);
    sum += item;
    if (item % 1000 != next[item / 1000]++) disorder++;
  }
  for (int i = 0; i < PRODUCERS; i++) thread_join(&t[i]);
  section("queue");
  EQUAL(sum, 1000UL * ITEMS * 6 + 4UL * ITEMS * (ITEMS - 1) / 2);
  EQUAL(disorder, 0);
  destroy(not_full), destroy(not_empty), destroy(wake);
  slot_free(not_full), slot_free(not_empty), slot_free(wake);
  return finish();
}
