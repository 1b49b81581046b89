/* store-buffering [ITERATIONS]: x=1; fence; r0=y || y=1; fence; r1=x. Both zero is forbidden with fence rw,rw and
   with sequentially consistent swaps. */
#include "mini.h"

static u64 iterations;
static struct { u64 value __attribute__((aligned(64))); } x[2], seen[2];
static u32 forbidden;

/* Spins rather than sleeps: both sides have to start close together. */
static void meet(u32 *round) {
  static u32 here;
  u32 target = ++*round * 2;
  __atomic_add_fetch(&here, 1, __ATOMIC_ACQ_REL);
  for (u32 n = 1; (i32)(__atomic_load_n(&here, __ATOMIC_ACQUIRE) - target) < 0; n++)
    if (n % 128 == 0) sys(SYS_sched_yield);
}

static void *side(void *argument) {
  u64 me = (u64)argument, got;
  static u32 rounds[2];
  for (u64 i = 0; i < iterations; i++) {
    x[me].value = 0;
    meet(&rounds[me]);
    if (i % 2)
      asm volatile("sd %2, 0(%1)\nfence rw, rw\nld %0, 0(%3)"
                   : "=&r"(got) : "r"(&x[me].value), "r"(1L), "r"(&x[!me].value) : "memory");
    else
      asm volatile("amoswap.d.aqrl x0, %2, (%1)\nlr.d.aqrl %0, (%3)"
                   : "=&r"(got) : "r"(&x[me].value), "r"(1L), "r"(&x[!me].value) : "memory");
    seen[me].value = got;
    meet(&rounds[me]);
    if (me == 0 && !seen[0].value && !seen[1].value) forbidden++;
    meet(&rounds[me]);
  }
  return NULL;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  iterations = arg_number(argc, argv, 1, 500);
  static struct thread t[2];
  section("both zero never");
  for (u64 i = 0; i < 2; i++) thread_start(&t[i], side, (void *)i);
  for (u64 i = 0; i < 2; i++) thread_join(&t[i]);
  EQUAL(forbidden, 0);
  return finish();
}
