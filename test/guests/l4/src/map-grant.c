/* A granted capability leaves the sender's slot; one that the receiver cannot take stays (4.2, 4.5). */
#include "l4.h"

static cap mine;

static void giver(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  put_item(0, 0, GRANT, OBJECT(mine, WSRD));
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 1, 0), TIMEOUT(POLL, NEVER), NULL);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t;
  mine = slot_alloc();
  cap theirs = slot_alloc();
  section("by message");
  make(mine, P_SEMAPHORE);
  thread_start(&t, giver, NULL);
  u->br[0] = BUFFER(theirs);
  u->br[1] = 0;
  u64 tag = call(t.cap, TAG(0, 0, 0, 0));
  EQUAL(TAG_ITEMS(tag), 1);
  thread_join(&t);
  EQUAL(cap_valid(mine), 0);
  EQUAL(cap_valid(theirs), 1);
  up(theirs);
  EQUAL(down(theirs, POLL), 0);
  section("by map");
  EQUAL(task_map(THIS_TASK, THIS_TASK, OBJECT(theirs, WSRD), GRANT | mine), 0);
  EQUAL(cap_valid(theirs), 0);
  EQUAL(cap_valid(mine), 1);
  section("an empty slot");
  EQUAL(task_map(THIS_TASK, THIS_TASK, OBJECT(theirs, WSRD), GRANT | mine), 0);
  EQUAL(cap_valid(mine), 1);
  u->br[0] = 0;
  destroy(mine);
  slot_free(theirs);
  slot_free(mine);
  return finish();
}
