/* clone's and clone3's thread id words: PARENT_SETTID, CHILD_SETTID, CHILD_CLEARTID, set_tid_address. */
#include "mini.h"

long mini_clone(u64 flags, void *stack_top, u32 *parent_tid, void *tls, u32 *child_tid, void *function, void *argument);
long mini_clone3(void *args, u64 size, void *function, void *argument);

enum { VM_AND_CO = 0x50f00, SETTLS = 0x80000, PARENT_SETTID = 0x100000, CHILD_CLEARTID = 0x200000, CHILD_SETTID = 0x1000000 };
enum { STACK = 4 * 4096 };

static u32 parent_word, child_word, seen_child_word, other_word, go, done;

static void *body(void *argument) {
  seen_child_word = __atomic_load_n(&child_word, __ATOMIC_ACQUIRE);
  if (argument) {
    EQUAL(sys(SYS_set_tid_address, &other_word), sys(SYS_gettid));
    __atomic_store_n(&other_word, 5, __ATOMIC_RELEASE);
  }
  wait_until(&go, 1);
  __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
  return NULL;
}

static void gone(u32 *word) {
  u32 v;
  while ((v = __atomic_load_n(word, __ATOMIC_ACQUIRE))) sys(SYS_futex, word, FUTEX_WAIT, v, NULL);
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  u8 *stack = pages(STACK, PROT_READ | PROT_WRITE);
  u8 *tls = pages(PAGE, PROT_READ | PROT_WRITE);

  section("clone words");
  u64 flags = VM_AND_CO | SETTLS | PARENT_SETTID | CHILD_CLEARTID | CHILD_SETTID;
  long tid = mini_clone(flags, stack + STACK, &parent_word, tls_new(tls), &child_word, body, NULL);
  CHECK(tid > 0);
  EQUAL(parent_word, tid);
  __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
  gone(&child_word);
  EQUAL(done, 1);
  EQUAL(seen_child_word, tid);
  EQUAL(parent_word, tid); /* only the child's word is cleared */

  section("set_tid_address");
  go = done = 0;
  child_word = 7;
  tid = mini_clone(VM_AND_CO | SETTLS | CHILD_CLEARTID, stack + STACK, NULL, tls_new(tls), &child_word, body, (void *)1);
  CHECK(tid > 0);
  while (__atomic_load_n(&other_word, __ATOMIC_ACQUIRE) != 5) sys(SYS_sched_yield);
  __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
  gone(&other_word);
  EQUAL(child_word, 7); /* the address given to clone no longer counts */

  section("refused");
  EQUAL(mini_clone(0x10000, stack + STACK, NULL, NULL, NULL, body, NULL), -EINVAL); /* THREAD without SIGHAND and VM */
  long gone_for_good = 0; /* the word is cleared a moment before the thread id is free */
  for (int i = 0; i < 500 && (gone_for_good = sys(SYS_tgkill, sys(SYS_getpid), tid, 0)) == 0; i++) sleep_ms(2);
  EQUAL(gone_for_good, -3); /* ESRCH */

  if (argc > 1 && same(argv[1], "clone3")) {
    section("clone3");
    go = done = 0;
    u64 args[8] = {VM_AND_CO | SETTLS | PARENT_SETTID | CHILD_CLEARTID, 0, (u64)&child_word, (u64)&parent_word, 0,
                   (u64)stack, STACK, (u64)tls_new(tls)};
    child_word = 9;
    tid = mini_clone3(args, sizeof args, body, NULL);
    CHECK(tid > 0);
    if (tid < 0) return finish();
    EQUAL(parent_word, tid);
    __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
    gone(&child_word);
    EQUAL(done, 1);
    EQUAL(mini_clone3(args, 8, body, NULL), -EINVAL); /* smaller than the first published structure */
  }
  return finish();
}
