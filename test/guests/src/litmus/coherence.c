/* coherence [ITERATIONS]: CoRR: two reads of one location in program order never go back in time; CoWW/CoWR:
   the last own store is what a thread reads when nobody else writes. Doubleword accesses do not tear. */
#include "mini.h"

static u64 iterations;
static u64 word __attribute__((aligned(64)));
static u64 own[4][8] __attribute__((aligned(64)));
static u32 backwards, torn, lost, ready;

static void *writer(void *argument) {
  wait_until(&ready, 3);
  /* both halves equal: a torn read shows two different halves */
  for (u64 i = 1; i <= iterations; i++) *(volatile u64 *)&word = i << 32 | i;
  return argument;
}

static void *reader(void *argument) {
  u64 me = (u64)argument;
  __atomic_add_fetch(&ready, 1, __ATOMIC_ACQ_REL);
  u64 before = 0;
  for (u64 turn = 1; before >> 32 < iterations; turn++) {
    u64 a = *(volatile u64 *)&word, b = *(volatile u64 *)&word;
    if (a < before || b < a) __atomic_add_fetch(&backwards, 1, __ATOMIC_RELAXED);
    if (a >> 32 != (u32)a || b >> 32 != (u32)b) __atomic_add_fetch(&torn, 1, __ATOMIC_RELAXED);
    before = b;
    *(volatile u64 *)&own[me][0] = turn;
    *(volatile u64 *)&own[me][0] = turn + 1;
    if (*(volatile u64 *)&own[me][0] != turn + 1) __atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
    if (turn % 128 == 0) sys(SYS_sched_yield);
  }
  return argument;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  iterations = arg_number(argc, argv, 1, 20000);
  static struct thread t[4];
  thread_start(&t[0], writer, NULL);
  for (u64 i = 1; i < 4; i++) thread_start(&t[i], reader, (void *)i);
  for (u64 i = 0; i < 4; i++) thread_join(&t[i]);
  section("read read");
  EQUAL(backwards, 0);
  section("no tearing");
  EQUAL(torn, 0);
  section("own store");
  EQUAL(lost, 0);
  return finish();
}
