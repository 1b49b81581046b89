/* What the guests with one rare bug each share. Every one of them passes almost always when threads run freely; a
   wrong result prints FAILED and leaves with 1, a thread that waits for ever is for a schedule to find. */
#include "mini.h"

/* A word that the compiler leaves alone and that nothing orders. */
#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

/* Two threads with the same or different bodies, from start to end. */
static inline void both(void *(*one)(void *), void *(*two)(void *)) {
  static struct thread t[2];
  if (thread_start(&t[0], one, (void *)0) < 0 || thread_start(&t[1], two, (void *)1) < 0) sys(SYS_exit_group, 2);
  thread_join(&t[0]);
  thread_join(&t[1]);
}

/* Work of a thread's own between the moments that matter. */
static inline void work(u32 rounds) {
  for (volatile u32 i = 0; i < rounds;) i = i + 1;
}

/* Exit status, with the one line of output: few instructions, so that little besides the bug is there to schedule. */
#define VERDICT(name, good) \
  ((good) ? (sys(SYS_write, 1, name ": passed\n", sizeof name + 8), 0) \
          : (sys(SYS_write, 1, name ": FAILED\n", sizeof name + 8), 1))
