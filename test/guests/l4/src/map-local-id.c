/* Buffers that accept local ids: within one task the flexpage itself arrives, of a gate that the receiver serves its
   label (4.3, 4.4). */
#include "l4.h"

static cap semaphore, gate, other_task;

static void giver(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  for (;;) {
    put_item(1, 0, MAP, OBJECT(utcb()->mr[0] ? gate : semaphore, WSR));
    reply_wait(TAG(0, 1, 1, 0), &label);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t;
  semaphore = slot_alloc(), gate = slot_alloc();
  cap x = slot_alloc();
  make(semaphore, P_SEMAPHORE);
  make_gate(gate, env->main_thread, 0x5670);
  thread_start(&t, giver, NULL);
  section("same task");
  u->br[0] = BUFFER_OR_ID(x);
  u->br[1] = 0;
  u->mr[0] = 0;
  call(t.cap, TAG(0, 1, 0, 0));
  EQUAL(GOT(u->mr[1]), GOT_FLEXPAGE);
  EQUAL(u->mr[2], OBJECT(semaphore, WSR));
  EQUAL(cap_valid(x), 0);
  u->mr[0] = 1;
  call(t.cap, TAG(0, 1, 0, 0));
  EQUAL(GOT(u->mr[1]), GOT_FLEXPAGE);
  EQUAL(u->mr[2], OBJECT(gate, WSR));
  section("without the wish for ids");
  u->br[0] = BUFFER(x);
  u->mr[0] = 1;
  call(t.cap, TAG(0, 1, 0, 0));
  EQUAL(GOT(u->mr[1]), GOT_MAPPING);
  EQUAL(cap_equal(x, gate), 1);
  u->br[0] = 0;
  thread_kill(&t);
  drop(x);
  destroy(gate);
  destroy(semaphore);
  slot_free(x), slot_free(gate), slot_free(semaphore);
  return finish();
}
