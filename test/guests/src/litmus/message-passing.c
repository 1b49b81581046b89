/* message-passing [ITERATIONS]: data then flag; whoever sees the flag must see the data. Three ways: fences,
   release/acquire AMO and LR, and store-release after load-acquire through a swap. Forbidden outcomes counted. */
#include "mini.h"

static u64 iterations;
static struct { u64 value __attribute__((aligned(64))); } data[2], flag[2];
static u32 forbidden;

static void *writer(void *how) {
  for (u64 i = 1; i <= iterations; i++) {
    *(volatile u64 *)&data[0].value = i;
    if (how) asm volatile("amoswap.d.rl x0, %1, (%0)" ::"r"(&flag[0].value), "r"(i) : "memory");
    else asm volatile("fence w, w\nsd %1, 0(%0)" ::"r"(&flag[0].value), "r"(i) : "memory");
    *(volatile u64 *)&data[1].value = i;
    if (how) asm volatile("fence rw, w\nsd %1, 0(%0)" ::"r"(&flag[1].value), "r"(i) : "memory");
    else asm volatile("amoadd.d.rl x0, %1, (%0)" ::"r"(&flag[1].value), "r"(1L) : "memory");
  }
  return NULL;
}

static u64 look(u64 *p, void *how) {
  u64 v;
  if (how) asm volatile("lr.d.aq %0, (%1)" : "=&r"(v) : "r"(p) : "memory");
  else asm volatile("ld %0, 0(%1)\nfence r, r" : "=&r"(v) : "r"(p) : "memory");
  return v;
}

static void *reader(void *how) {
  for (u64 seen = 0, turn = 0; seen < iterations; turn++) {
    u32 k = turn & 1;
    u64 f = look(&flag[k].value, how);
    u64 d = *(volatile u64 *)&data[k].value;
    if (d < f) __atomic_add_fetch(&forbidden, 1, __ATOMIC_RELAXED);
    if (k) seen = f;
    if (turn % 64 == 63) sys(SYS_sched_yield);
  }
  return NULL;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  iterations = arg_number(argc, argv, 1, 2000);
  static struct thread t[2];
  for (u64 how = 0; how < 2; how++) {
    section(how ? "acquire and release" : "fences");
    data[0].value = data[1].value = flag[0].value = flag[1].value = 0;
    thread_start(&t[0], writer, (void *)how);
    thread_start(&t[1], reader, (void *)how);
    thread_join(&t[0]);
    thread_join(&t[1]);
    EQUAL(forbidden, 0);
    EQUAL(flag[1].value, iterations);
  }
  return finish();
}
