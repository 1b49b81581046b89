/* exit-group HOW: the process ends while other threads run, wait, or go on without the main thread.
   HOW: running, waiting, other (a thread calls exit_group while main waits), main-exits (main's exit leaves
   the others running; the process's code is then the last thread's, as in Linux since 6.0: 0 here). */
#include "mini.h"

static u32 word, up;
static struct thread t[4];

static void *spin(void *argument) {
  __atomic_add_fetch(&up, 1, __ATOMIC_ACQ_REL);
  for (;;) asm volatile("" ::: "memory");
  return argument;
}

static void *wait(void *argument) {
  __atomic_add_fetch(&up, 1, __ATOMIC_ACQ_REL);
  for (;;) sys(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE, 0, NULL);
  return argument;
}

static void *leave(void *argument) {
  sleep_ms(20);
  put("a thread leaves\n");
  sys(SYS_exit_group, 6);
  return argument;
}

static void *outlive(void *argument) {
  sleep_ms(50);
  put("thread goes on\n");
  return argument;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  const char *how = argc > 1 ? argv[1] : "running";
  if (same(how, "running") || same(how, "waiting")) {
    for (int i = 0; i < 3; i++) thread_start(&t[i], same(how, "running") ? spin : wait, NULL);
    wait_until(&up, 3);
    sleep_ms(20);
    put("main leaves\n");
    return 5;
  }
  if (same(how, "other")) {
    thread_start(&t[0], spin, NULL);
    thread_start(&t[1], leave, NULL);
    wait(NULL);
  }
  if (same(how, "main-exits")) {
    thread_start(&t[0], outlive, NULL);
    put("main exits\n");
    sys(SYS_exit, 9);
  }
  return 2;
}
