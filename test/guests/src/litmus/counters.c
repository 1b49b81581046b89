/* counters [THREADS [ITERATIONS]]: one total by LR/SC, by every AMO in both widths, under an LR/SC spin lock, and
   under an amoswap spin lock. */
#include "mini.h"

enum { MOST = 16 };
static u64 threads, iterations;
static struct { u64 value __attribute__((aligned(64))); } c[16];
static u32 lock_lrsc, lock_swap;

static void add_d(u64 *p, u64 by) {
  u64 old, failed;
  asm volatile("1: lr.d %0, (%2)\nadd %0, %0, %3\nsc.d %1, %0, (%2)\nbnez %1, 1b"
               : "=&r"(old), "=&r"(failed) : "r"(p), "r"(by) : "memory");
}

static void add_w(u32 *p, u32 by) {
  u64 old, failed;
  asm volatile("1: lr.w %0, (%2)\naddw %0, %0, %3\nsc.w %1, %0, (%2)\nbnez %1, 1b"
               : "=&r"(old), "=&r"(failed) : "r"(p), "r"(by) : "memory");
}

static void lock(u32 *l, int swap) {
  u64 got;
  for (;;) {
    if (swap)
      asm volatile("amoswap.w.aq %0, %2, (%1)" : "=&r"(got) : "r"(l), "r"(1) : "memory");
    else
      asm volatile("li %0, 1\nlr.w.aq t0, (%1)\nbnez t0, 1f\nsc.w %0, %2, (%1)\n1:"
                   : "=&r"(got) : "r"(l), "r"(1) : "t0", "memory");
    if (!got) return;
    sys(SYS_sched_yield);
  }
}

static void unlock(u32 *l, int swap) {
  if (swap) asm volatile("amoswap.w.rl x0, x0, (%0)" ::"r"(l) : "memory");
  else asm volatile("fence rw, w\nsw x0, 0(%0)" ::"r"(l) : "memory");
}

#define AMO(op, p, v) asm volatile(op " x0, %1, (%0)" ::"r"(p), "r"(v) : "memory")

static void *body(void *argument) {
  u64 me = (u64)argument;
  for (u64 i = 0; i < iterations; i++) {
    add_d(&c[0].value, 1);
    add_w((u32 *)&c[1].value, 1);          /* two words in one doubleword: neighbours must not be lost */
    add_w((u32 *)&c[1].value + 1, 2);
    AMO("amoadd.d", &c[2].value, 3UL);
    AMO("amoadd.w", &c[3].value, 0x10000000UL); /* wraps in 32 bits, must not carry into the other half */
    AMO("amoxor.d", &c[4].value, 1UL << me);
    AMO("amoor.w", &c[5].value, 1UL << me);
    AMO("amoand.d", &c[6].value, ~(1UL << me));
    AMO("amomax.d", &c[7].value, (me << 32) + i);
    AMO("amomin.d", &c[8].value, -(i64)((me << 32) + i));
    AMO("amomaxu.w", &c[9].value, 0xf0000000UL + me);
    AMO("amominu.w", &c[10].value, 0xf0000000UL - me);
    AMO("amomax.w", &c[11].value, -5L - (i64)me);
    if (i % 8 == 0) {
      lock(&lock_lrsc, 0);
      *(volatile u64 *)&c[12].value += 1;
      unlock(&lock_lrsc, 0);
      lock(&lock_swap, 1);
      *(volatile u64 *)&c[13].value += 1;
      unlock(&lock_swap, 1);
    }
  }
  return NULL;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  threads = arg_number(argc, argv, 1, 4);
  iterations = arg_number(argc, argv, 2, 400) & ~7UL;
  if (threads < 1 || threads > MOST || iterations < 8) return 2;
  c[6].value = ~0UL;
  c[8].value = 0x7fffffffffffffff;
  c[10].value = 0xfffffffe;
  c[11].value = 0x80000000;
  static struct thread t[MOST];
  for (u64 i = 0; i < threads; i++) thread_start(&t[i], body, (void *)i);
  for (u64 i = 0; i < threads; i++) thread_join(&t[i]);
  u64 all = threads * iterations, last = ((threads - 1) << 32) + iterations - 1, set = (1UL << threads) - 1;
  section("lr/sc");
  EQUAL(c[0].value, all);
  EQUAL(c[1].value, (2 * all) << 32 | all);
  section("amo");
  EQUAL(c[2].value, 3 * all);
  EQUAL(c[3].value, (u32)(all * 0x10000000UL));
  EQUAL(c[4].value, 0); /* each thread an even number of times */
  EQUAL(c[5].value, set);
  EQUAL(c[6].value, ~set);
  EQUAL(c[7].value, last);
  EQUAL(c[8].value, -last);
  EQUAL(c[9].value, 0xf0000000UL + threads - 1);
  EQUAL(c[10].value, 0xf0000000UL - (threads - 1));
  EQUAL(c[11].value, (u32)-5); /* signed: thread 0's is the largest */
  section("spin locks");
  EQUAL(c[12].value, all / 8);
  EQUAL(c[13].value, all / 8);
  return finish();
}
