/* Many threads one after the other and at once: UTCBs from further kernel-user memory, the free marker (3, 14). */
#include "l4.h"

enum { AT_ONCE = 12, ROUNDS = 4 };
static u64 sum;

static void body(void *argument) {
  __atomic_fetch_add(&sum, (u64)argument, __ATOMIC_SEQ_CST);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t[AT_ONCE];
  section("threads");
  for (int round = 0; round < ROUNDS; round++) {
    for (u64 i = 0; i < AT_ONCE; i++) EQUAL(thread_start(&t[i], body, (void *)(i + 1)), 0);
    for (int i = 0; i < AT_ONCE; i++)
      for (int j = 0; j < i; j++) CHECK(t[i].utcb != t[j].utcb);
    for (int i = 0; i < AT_ONCE; i++) thread_join(&t[i]);
  }
  EQUAL(sum, ROUNDS * AT_ONCE * (AT_ONCE + 1) / 2);
  section("marker");
  thread_start(&t[0], body, NULL);
  down(t[0].done, NEVER);
  EQUAL(t[0].utcb->free_marker, 1);
  EQUAL(t[0].utcb->address, t[0].utcb);
  up(t[0].done);
  struct utcb *u = t[0].utcb;
  thread_join(&t[0]);
  while (*(volatile u64 *)&u->free_marker) sleep_us(1000);
  return finish();
}
