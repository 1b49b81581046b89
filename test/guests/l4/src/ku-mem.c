/* Kernel-user memory on demand: zeroed, readable and writable, refused where something is mapped (3, 6.2). */
#include "l4.h"

static long add(u64 flexpage) {
  utcb()->mr[0] = 3;
  utcb()->mr[1] = flexpage;
  return status(call(THIS_TASK, TAG(P_TASK, 2, 0, 0)));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  u->mr[0] = 3;
  u->mr[1] = 0;
  u->mr[2] = 2 * PAGE;
  u->mr[3] = 13UL << 32 | RM_SEARCH | RM_RESERVED;
  section("room");
  EQUAL(status(call(env->rm, TAG(P_RM, 4, 0, 0))), 0);
  u64 at = u->mr[0];
  EQUAL(at & (2 * PAGE - 1), 0);
  section("added");
  EQUAL(add(MEMORY(at, 12, MEM_RW)), 0);
  EQUAL(u->mr[0] & ~0xfUL, MEMORY(at, 12, 0));
  u64 *words = (u64 *)at, others = 0;
  for (u64 i = 0; i < PAGE / 8; i++) others |= words[i];
  EQUAL(others, 0);
  words[5] = 1234;
  EQUAL(words[5], 1234);
  section("twice");
  EQUAL(add(MEMORY(at, 12, MEM_RW)), -EEXIST);
  section("too large");
  CHECK(add(MEMORY(0x40000000, 18, MEM_RW)) < 0);
  section("a thread over it");
  cap t = slot_alloc();
  make(t, P_THREAD);
  EQUAL(thread_bind(t, (struct utcb *)(at + 8), NO_CAP, NO_CAP) >= 0, 1);
  EQUAL(words[1 + 63], at + 8);
  destroy(t);
  make(t, P_THREAD);
  /* Not wholly inside. */
  EQUAL(thread_bind(t, (struct utcb *)(at + PAGE - 512), NO_CAP, NO_CAP), -EINVAL);
  /* Not aligned. */
  EQUAL(thread_bind(t, (struct utcb *)(at + 2052), NO_CAP, NO_CAP), -EINVAL);
  destroy(t);
  slot_free(t);
  return finish();
}
