/* mini-sync [THREADS [ROUNDS]]: mutex, barrier, ticket hand-over and a bounded queue, all on futexes. */
#include "mini.h"

enum { MOST = 16, SLOTS = 4 };
static struct mutex lock;
static struct barrier barrier;
static u64 threads, rounds, counter, phase[MOST], bad;
static u32 turn;
static struct { struct mutex lock; u64 slot[SLOTS]; u32 head, tail, changed; } queue;

static void *count(void *me) {
  (void)me;
  for (u64 i = 0; i < rounds; i++) {
    mutex_lock(&lock);
    counter++;
    mutex_unlock(&lock);
  }
  return NULL;
}

static void *phases(void *me) {
  for (u64 i = 1; i <= rounds / 8; i++) {
    phase[(u64)me] = i;
    barrier_wait(&barrier);
    for (u64 j = 0; j < threads; j++)
      if (phase[j] != i) __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
    barrier_wait(&barrier);
  }
  return NULL;
}

static void *ring(void *me) {
  for (u64 i = 0; i < rounds / 8; i++) {
    u32 mine = (u32)(i * threads + (u64)me), now;
    while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != mine)
      sys(SYS_futex, &turn, FUTEX_WAIT | FUTEX_PRIVATE, now, NULL);
    counter = counter * 31 + (u64)me; /* only in turn is the result this one */
    __atomic_store_n(&turn, mine + 1, __ATOMIC_RELEASE);
    sys(SYS_futex, &turn, FUTEX_WAKE | FUTEX_PRIVATE, 0x7fffffff);
  }
  return NULL;
}

static void changed(u32 before) { sys(SYS_futex, &queue.changed, FUTEX_WAIT | FUTEX_PRIVATE, before, NULL); }
static void announce(void) {
  __atomic_add_fetch(&queue.changed, 1, __ATOMIC_RELEASE);
  sys(SYS_futex, &queue.changed, FUTEX_WAKE | FUTEX_PRIVATE, 0x7fffffff);
}

/* Even threads put 1..rounds, odd ones take; a taker's result is its sum. */
static void *move(void *me) {
  u64 sum = 0;
  for (u64 i = 1; i <= rounds;) {
    u32 before = __atomic_load_n(&queue.changed, __ATOMIC_ACQUIRE);
    mutex_lock(&queue.lock);
    int possible = (u64)me % 2 ? queue.head != queue.tail : queue.head - queue.tail < SLOTS;
    if (possible && (u64)me % 2) sum += queue.slot[queue.tail++ % SLOTS];
    if (possible && (u64)me % 2 == 0) queue.slot[queue.head++ % SLOTS] = i;
    mutex_unlock(&queue.lock);
    if (possible) announce(), i++;
    else changed(before);
  }
  return (void *)sum;
}

static u64 all(void *(*body)(void *)) {
  static struct thread t[MOST];
  u64 sum = 0;
  for (u64 i = 0; i < threads; i++) EQUAL(thread_start(&t[i], body, (void *)i), 0);
  for (u64 i = 0; i < threads; i++) sum += (u64)thread_join(&t[i]);
  return sum;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  threads = arg_number(argc, argv, 1, 4) & ~1UL;
  rounds = arg_number(argc, argv, 2, 200);
  if (threads < 2 || threads > MOST) return 2;
  section("mutex");
  all(count);
  EQUAL(counter, threads * rounds);
  section("barrier");
  barrier.size = (u32)threads;
  all(phases);
  EQUAL(bad, 0);
  section("ring");
  counter = 1;
  all(ring);
  u64 want = 1;
  for (u64 i = 0; i < rounds / 8 * threads; i++) want = want * 31 + i % threads;
  EQUAL(counter, want);
  section("queue");
  EQUAL(all(move), threads / 2 * (rounds * (rounds + 1) / 2));
  return finish();
}
