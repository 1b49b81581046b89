/* A thread made by the system call, joined through the word that the kernel clears at its end. */
#include "hg.h"
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>

static char stack[65536] __attribute__((aligned(16)));
static int tid_word;
static long value;

static int work(void *arg) {
  value = (long)arg;
  syscall(SYS_exit, 0);
  return 0;
}

int main(void) {
  value = 1;
  int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
              CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  MUST(clone(work, stack + sizeof stack, flags, (void *)41, &tid_word, NULL, &tid_word) > 0);
  int tid;
  while ((tid = __atomic_load_n(&tid_word, __ATOMIC_RELAXED)) != 0)
    syscall(SYS_futex, &tid_word, FUTEX_WAIT, tid, NULL, NULL, 0);
  value++;
  printf("raw-clone: %ld\n", value);
}
