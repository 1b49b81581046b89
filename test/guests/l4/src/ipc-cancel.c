/* ex_regs with the cancel flag aborts a blocked IPC: error 7 while receiving, 6 while sending (5, 6.3). */
#include "l4.h"

static cap unbound;
static u64 tags[2], errors[2];

static void receiver(void *unused) {
  (void)unused;
  tags[0] = receive(SELF, 0);
  errors[0] = utcb()->error;
}

static void sender(void *unused) {
  (void)unused;
  tags[1] = call(unbound, TAG(3, 0, 0, 0));
  errors[1] = utcb()->error;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  unbound = slot_alloc();
  make_gate(unbound, NO_CAP, 0);
  struct thread t;
  u64 ip = ~0UL, sp = ~0UL;
  section("receiving");
  thread_start(&t, receiver, NULL);
  thread_blocks(&t);
  EQUAL(thread_ex_regs(t.cap, EX_CANCEL, &ip, &sp), 0);
  down(t.done, NEVER);
  up(t.done);
  EQUAL(tags[0], TAG_ERROR);
  EQUAL(errors[0], IPC_CANCELED | 1);
  CHECK(sp > (u64)t.stack && sp < (u64)t.stack + 16384);
  thread_join(&t);
  section("sending");
  thread_start(&t, sender, NULL);
  thread_blocks(&t);
  ip = sp = ~0UL;
  EQUAL(thread_ex_regs(t.cap, EX_CANCEL, &ip, &sp), 0);
  thread_join(&t);
  EQUAL(tags[1], TAG_ERROR);
  EQUAL(errors[1], IPC_CANCELED);
  slot_free(unbound);
  return finish();
}
