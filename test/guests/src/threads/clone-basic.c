/* clone-basic [THREADS]: create and join, results, thread ids, TLS blocks and stacks of their own. */
#include "mini.h"

enum { MOST = 16 };
static __thread u64 initialised = 0x1234;
static __thread u64 zeroed;
static u64 ids[MOST];
static void *stacks[MOST], *blocks[MOST];

static void *body(void *argument) {
  u64 me = (u64)argument;
  ids[me] = (u64)sys(SYS_gettid);
  stacks[me] = __builtin_frame_address(0);
  blocks[me] = &zeroed;
  if (initialised != 0x1234 || zeroed != 0) return (void *)~0UL;
  for (u64 i = 0; i < 1000; i++) {
    zeroed += me;
    initialised++;
  }
  return (void *)(zeroed + initialised);
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  u64 n = arg_number(argc, argv, 1, 4);
  if (n > MOST) n = MOST;
  static struct thread t[MOST];
  section("create and join");
  for (u64 i = 0; i < n; i++) {
    EQUAL(thread_start(&t[i], body, (void *)i), 0);
    CHECK(t[i].tid != 0 || t[i].result != NULL);
  }
  for (u64 i = 0; i < n; i++) EQUAL((u64)thread_join(&t[i]), 1000 * i + 0x1234 + 1000);
  section("distinct");
  for (u64 i = 0; i < n; i++) {
    CHECK(ids[i] != (u64)sys(SYS_gettid) && ids[i] != 0);
    for (u64 j = 0; j < i; j++) CHECK(ids[i] != ids[j]);
  }
  CHECK(initialised == 0x1234 && zeroed == 0); /* the main thread's own copies */
  section("again");
  for (u64 round = 0; round < 3; round++) {
    for (u64 i = 0; i < n; i++) EQUAL(thread_start(&t[i], body, (void *)i), 0);
    for (u64 i = n; i-- > 0;) EQUAL((u64)thread_join(&t[i]), 1000 * i + 0x1234 + 1000);
  }
  return finish();
}
