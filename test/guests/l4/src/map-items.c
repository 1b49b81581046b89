/* Capabilities in messages: mapped into the receiver's buffers, several at once, void ones in between, and what the
   receiver finds in their place (4.2 to 4.4). */
#include "l4.h"

static cap sem_a, sem_b, empty;

/* Sends what the argument says to whoever calls. */
static void giver(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  for (;;) {
    u64 what = utcb()->mr[0], items = 0;
    if (what == 0) {
      put_item(1, 0, MAP, OBJECT(sem_a, WSR));
      items = 1;
    } else if (what == 1) {
      put_item(1, 0, MAP, OBJECT(sem_a, WSR));
      put_item(1, 1, 0, 0);
      put_item(1, 2, MAP, OBJECT(sem_b, WSR));
      items = 3;
    } else if (what == 2) {
      put_item(1, 0, MAP, OBJECT(empty, WSR));
      items = 1;
    } else if (what == 3) {
      put_item(1, 0, MAP, OBJECT(sem_a, W | S));
      items = 1;
    } else {
      put_item(1, 0, 0, 0);
      items = 1;
    }
    reply_wait(TAG(0, 1, items, 0), &label);
  }
}

static u64 ask(cap t, u64 what) {
  utcb()->mr[0] = what;
  return call(t, TAG(0, 1, 0, 0));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t;
  sem_a = slot_alloc(), sem_b = slot_alloc(), empty = slot_alloc();
  cap x = slot_alloc(), y = slot_alloc();
  make(sem_a, P_SEMAPHORE);
  make(sem_b, P_SEMAPHORE);
  thread_start(&t, giver, NULL);

  section("one");
  u->br[0] = BUFFER(x);
  u->br[1] = 0;
  u64 tag = ask(t.cap, 0);
  EQUAL(TAG_ITEMS(tag), 1);
  EQUAL(TAG_WORDS(tag), 1);
  /* 4.4: type 3, order 0, bit 3: 0x38. */
  EQUAL(u->mr[1] & 0xffe, 0x38);
  EQUAL(cap_valid(x), 1);
  EQUAL(cap_equal(x, sem_a), 1);
  EQUAL(cap_equal(x, sem_b), 0);
  up(x);
  EQUAL(down(sem_a, POLL), 0);
  drop(x);

  section("several");
  u->br[0] = BUFFER(x);
  u->br[1] = BUFFER(y);
  u->br[2] = 0;
  tag = ask(t.cap, 1);
  EQUAL(TAG_ITEMS(tag), 3);
  EQUAL(u->mr[3], 0);
  EQUAL(cap_equal(x, sem_a), 1);
  EQUAL(cap_equal(y, sem_b), 1);

  section("empty source");
  u->br[0] = BUFFER(x);
  u->br[1] = 0;
  tag = ask(t.cap, 2);
  EQUAL(tag & TAG_ERROR, 0);
  EQUAL(GOT(u->mr[1]), GOT_NOTHING);
  /* What was there stays (4.5). */
  EQUAL(cap_equal(x, sem_a), 1);
  section("no right to read");
  tag = ask(t.cap, 3);
  EQUAL(GOT(u->mr[1]), GOT_NOTHING);
  EQUAL(cap_equal(x, sem_a), 1);
  section("void");
  tag = ask(t.cap, 4);
  EQUAL(TAG_ITEMS(tag), 1);
  EQUAL(u->mr[1], 0);
  u->br[0] = 0;
  thread_kill(&t);
  destroy(sem_a);
  destroy(sem_b);
  slot_free(y), slot_free(x), slot_free(empty), slot_free(sem_b), slot_free(sem_a);
  return finish();
}
