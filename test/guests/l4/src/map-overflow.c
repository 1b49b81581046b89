/* An item without a matching buffer: error 9 for the receiver, 8 for the sender, words transferred (4.4). */
#include "l4.h"

static cap semaphore;
static long sent;

static void giver(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  utcb()->mr[0] = 99;
  put_item(1, 0, MAP, OBJECT(semaphore, WSR));
  u64 tag = ipc(REPLY_CAP | REPLY | SEND, TAG(0, 1, 1, 0), TIMEOUT(POLL, NEVER), NULL);
  sent = status(tag);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t;
  semaphore = slot_alloc();
  make(semaphore, P_SEMAPHORE);
  section("no buffer");
  thread_start(&t, giver, NULL);
  u->br[0] = 0;
  u64 tag = call(t.cap, TAG(0, 1, 0, 0));
  EQUAL(tag & TAG_ERROR, TAG_ERROR);
  EQUAL(u->error, IPC_OVERFLOW | 1);
  EQUAL(u->mr[0], 99);
  thread_join(&t);
  EQUAL(sent, FAILED(IPC_OVERFLOW));
  section("buffer for memory");
  thread_start(&t, giver, NULL);
  u->br[0] = WINDOW;
  u->br[1] = ALL_MEMORY;
  u->br[2] = 0;
  tag = call(t.cap, TAG(0, 1, 0, 0));
  EQUAL(u->error, IPC_OVERFLOW | 1);
  u->br[0] = 0;
  thread_join(&t);
  EQUAL(sent, FAILED(IPC_OVERFLOW));
  section("factory without a buffer");
  u->br[0] = 0;
  u->mr[0] = (u64)P_SEMAPHORE;
  EQUAL(status(call(env->factory, TAG(P_FACTORY, 1, 0, 0))), WHILE_RECEIVING(IPC_OVERFLOW));
  destroy(semaphore);
  slot_free(semaphore);
  return finish();
}
