/* Timeouts: never, zero, relative and absolute ones of both phases (2.3, 2.4). */
#include "l4.h"

static void idle(void *unused) {
  (void)unused;
  sleep_us(150000);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  section("relative");
  u64 before = now();
  u64 tag = receive(SELF, TIMEOUT(NEVER, micros(5000)));
  u64 passed = now() - before;
  EQUAL(tag, TAG_ERROR);
  EQUAL(u->error, IPC_TIMEOUT | 1);
  CHECK(passed >= 4900 && passed < 60000000);

  section("absolute");
  before = now();
  u->br[3] = before + 7000;
  tag = receive(SELF, TIMEOUT(NEVER, BR_TIME | 3));
  CHECK(now() >= before + 7000);
  EQUAL(u->error, IPC_TIMEOUT | 1);
  /* A moment that has passed. */
  u->br[3] = before;
  tag = receive(SELF, TIMEOUT(NEVER, BR_TIME | 3));
  EQUAL(tag, TAG_ERROR);
  EQUAL(u->error, IPC_TIMEOUT | 1);

  section("expired at once");
  before = now();
  receive(SELF, TIMEOUT(NEVER, POLL));
  /* Mantissa 0 with an exponent. */
  receive(SELF, TIMEOUT(NEVER, 0x2800));
  CHECK(now() - before < 60000000);

  section("send");
  struct thread t;
  thread_start(&t, idle, NULL);
  sleep_us(20000);
  /* The thread receives from nobody but itself: a send to it waits. */
  tag = ipc(t.cap | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  EQUAL(tag, TAG_ERROR);
  EQUAL(u->error, IPC_TIMEOUT);
  before = now();
  tag = ipc(t.cap | CALL, TAG(0, 0, 0, 0), TIMEOUT(micros(3000), NEVER), NULL);
  EQUAL(u->error, IPC_TIMEOUT);
  CHECK(now() - before >= 2900);
  thread_join(&t);

  section("clock");
  u64 last = now();
  for (int i = 0; i < 1000; i++) {
    u64 t1 = now();
    if (t1 < last) CHECK(0);
    last = t1;
  }
  return finish();
}
