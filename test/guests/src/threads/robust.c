/* set_robust_list: a thread that dies with a lock makes the kernel mark the word and wake one waiter. */
#include "mini.h"

enum { OWNER_DIED = 0x40000000, WAITERS = (int)0x80000000, TID = 0x3fffffff };
struct node { struct node *next; };
struct head { struct node *first; i64 offset; struct node *pending; };
struct lock { struct node node; u32 word; };

static struct lock lock, second, untouched;
static struct thread t[2];
static u32 asleep;

static void *owner(void *argument) {
  static struct head head;
  head.offset = (i64)((u8 *)&lock.word - (u8 *)&lock.node);
  head.first = &lock.node;
  lock.node.next = (struct node *)&head;
  head.pending = &second.node; /* as if it died between taking and linking */
  if (sys(SYS_set_robust_list, &head, sizeof head) != 0) {
    put("set_robust_list is refused\n");
    sys(SYS_exit_group, 1);
  }
  EQUAL(sys(SYS_set_robust_list, &head, 8), -EINVAL);
  u32 me = (u32)sys(SYS_gettid);
  __atomic_store_n(&lock.word, me | (u32)WAITERS, __ATOMIC_RELEASE);
  second.word = me;
  untouched.word = me; /* not on the list */
  wait_until(&asleep, 1);
  sleep_ms(30);
  return argument;
}

static void *waiter(void *argument) {
  u32 seen;
  while (((seen = __atomic_load_n(&lock.word, __ATOMIC_ACQUIRE)) & TID) == 0) sys(SYS_sched_yield);
  __atomic_store_n(&asleep, 1, __ATOMIC_RELEASE);
  long r = sys(SYS_futex, &lock.word, FUTEX_WAIT, seen, NULL);
  CHECK(r == 0 || r == -EAGAIN);
  return argument;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  section("owner dies");
  thread_start(&t[0], owner, NULL);
  thread_start(&t[1], waiter, NULL);
  u32 tid = t[0].tid;
  thread_join(&t[0]);
  thread_join(&t[1]);
  EQUAL(lock.word, (u32)WAITERS | OWNER_DIED);
  EQUAL(second.word, OWNER_DIED);
  EQUAL(untouched.word, tid);
  return finish();
}
