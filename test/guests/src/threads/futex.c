/* futex(2) directly: wait and wake, timeouts, requeue, bitsets, wake-op, errors. */
#include "mini.h"

enum { REALTIME = 256, MONOTONIC = 1 };
static u32 word, other, waiting, woken;
static struct thread t[4];

static long op(u32 *at, int what, u64 value, void *timeout, void *second, u64 third) {
  return sys(SYS_futex, at, what | FUTEX_PRIVATE, value, timeout, second, third);
}

static void *waiter(void *bits) {
  __atomic_add_fetch(&waiting, 1, __ATOMIC_ACQ_REL);
  long r = bits ? op(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, (u64)bits) : op(&word, FUTEX_WAIT, 0, NULL, NULL, 0);
  __atomic_add_fetch(&woken, 1, __ATOMIC_ACQ_REL);
  return (void *)r;
}

/* Starts n waiters and lets them fall asleep. */
static void start(u64 n, const u64 *bits) {
  word = other = waiting = woken = 0;
  for (u64 i = 0; i < n; i++) EQUAL(thread_start(&t[i], waiter, (void *)(bits ? bits[i] : 0)), 0);
  wait_until(&waiting, (u32)n);
  sleep_ms(60);
}

static void join(u64 n) {
  for (u64 i = 0; i < n; i++) EQUAL((u64)thread_join(&t[i]), 0);
}

static u64 now_ms(void) {
  struct timespec s;
  sys(SYS_clock_gettime, MONOTONIC, &s);
  return (u64)s.sec * 1000 + (u64)s.nsec / 1000000;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  section("no wait");
  word = 1;
  EQUAL(op(&word, FUTEX_WAIT, 0, NULL, NULL, 0), -EAGAIN);
  EQUAL(op(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
  EQUAL(op((u32 *)((u8 *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0), -EINVAL);
  EQUAL(op(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0), -EINVAL); /* an empty bitset */
  EQUAL(op((u32 *)64, FUTEX_WAIT, 0, NULL, NULL, 0), -EFAULT);
  EQUAL(sys(SYS_futex, &word, 99, 0, NULL), -ENOSYS);

  section("wake");
  start(3, NULL);
  EQUAL(op(&word, FUTEX_WAKE, 2, NULL, NULL, 0), 2);
  wait_until(&woken, 2);
  EQUAL(op(&word, FUTEX_WAKE, 100, NULL, NULL, 0), 1);
  join(3);

  section("timeout");
  word = 0;
  struct timespec rel = {0, 30000000};
  u64 before = now_ms();
  EQUAL(op(&word, FUTEX_WAIT, 0, &rel, NULL, 0), -ETIMEDOUT);
  CHECK(now_ms() - before >= 29);
  before = now_ms(); /* before the deadline is made: time between the two does not count against the wait */
  struct timespec abs;
  sys(SYS_clock_gettime, MONOTONIC, &abs);
  abs.nsec += 30000000;
  if (abs.nsec >= 1000000000) abs.nsec -= 1000000000, abs.sec++;
  EQUAL(op(&word, FUTEX_WAIT_BITSET, 0, &abs, NULL, 0xffffffff), -ETIMEDOUT);
  CHECK(now_ms() - before >= 28);
  EQUAL(op(&word, FUTEX_WAIT_BITSET, 0, &abs, NULL, 0xffffffff), -ETIMEDOUT); /* long past: at once */
  struct timespec bad = {0, 1000000000};
  EQUAL(op(&word, FUTEX_WAIT, 0, &bad, NULL, 0), -EINVAL);

  section("bitset");
  static const u64 bits[3] = {1, 2, 3};
  start(3, bits);
  EQUAL(op(&word, FUTEX_WAKE_BITSET, 100, NULL, NULL, 4), 0);
  EQUAL(op(&word, FUTEX_WAKE_BITSET, 100, NULL, NULL, 1), 2);
  wait_until(&woken, 2);
  EQUAL(op(&word, FUTEX_WAKE, 100, NULL, NULL, 0), 1);
  join(3);

  section("requeue");
  start(4, NULL);
  EQUAL(op(&word, FUTEX_CMP_REQUEUE, 1, (void *)2, &other, 5), -EAGAIN); /* word is 0, not 5 */
  EQUAL(op(&word, FUTEX_CMP_REQUEUE, 1, (void *)2, &other, 0), 3);       /* one woken, two moved */
  wait_until(&woken, 1);
  EQUAL(op(&other, FUTEX_WAKE, 100, NULL, NULL, 0), 2);
  wait_until(&woken, 3);
  EQUAL(op(&word, FUTEX_WAKE, 100, NULL, NULL, 0), 1);
  join(4);
  start(2, NULL);
  EQUAL(op(&word, FUTEX_REQUEUE, 0, (void *)100, &other, 0), 2);
  EQUAL(op(&word, FUTEX_WAKE, 100, NULL, NULL, 0), 0);
  EQUAL(op(&other, FUTEX_WAKE, 100, NULL, NULL, 0), 2);
  join(2);

  section("wake op");
  start(2, NULL);
  other = 5;
  /* other: add 1 (op 1, argument 1), compare old == 5 (cmp 0): so waiters of "other" would be woken too */
  EQUAL(op(&word, FUTEX_WAKE_OP, 2, (void *)2, &other, 1UL << 28 | 0UL << 24 | 1UL << 12 | 5), 2);
  EQUAL(other, 6);
  join(2);
  return finish();
}
