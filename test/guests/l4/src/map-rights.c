/* Rights: what arrives is what was asked for and held; S passes a message only if the sending capability has it; rights
   can be taken away again (4.5, 4.6). */
#include "l4.h"

static cap semaphore, gate_full, gate_weak;

/* Hands the semaphore to whoever calls through a gate, W S R. */
static void giver(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  for (;;) {
    put_item(0, 0, MAP, OBJECT(semaphore, WSR));
    reply_wait(TAG(0, 0, 1, 0), &label);
  }
}

static long can_down(cap c) {
  up(c);
  long result = down(c, POLL);
  if (result != 0) down(semaphore, POLL);
  return result;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t;
  semaphore = slot_alloc(), gate_full = slot_alloc(), gate_weak = slot_alloc();
  cap copy = slot_alloc(), again = slot_alloc();
  make(semaphore, P_SEMAPHORE);
  section("map with fewer rights");
  task_map(THIS_TASK, THIS_TASK, OBJECT(semaphore, R), MAP | copy);
  /* 6.7: down needs S, up needs nothing. */
  EQUAL(can_down(copy), -EPERM);
  section("rights do not come back");
  task_map(THIS_TASK, THIS_TASK, OBJECT(copy, WSRD), MAP | again);
  EQUAL(can_down(again), -EPERM);
  drop(again);
  drop(copy);
  section("without R nothing is mapped");
  EQUAL(task_map(THIS_TASK, THIS_TASK, OBJECT(semaphore, W | S), MAP | copy), 0);
  EQUAL(cap_valid(copy), 0);
  section("taken away");
  task_map(THIS_TASK, THIS_TASK, OBJECT(semaphore, WSR), MAP | copy);
  EQUAL(can_down(copy), 0);
  task_unmap(THIS_TASK, UNMAP_SELF, OBJECT(copy, S));
  EQUAL(cap_valid(copy), 1);
  EQUAL(can_down(copy), -EPERM);
  EQUAL(cap_equal(copy, semaphore), 0);
  /* Without the self bit nothing happens: the list is flat. */
  task_unmap(THIS_TASK, UNMAP_OTHERS, OBJECT(semaphore, WSR));
  EQUAL(can_down(semaphore), 0);
  EQUAL(cap_valid(copy), 1);
  drop(copy);
  section("S in a message");
  thread_start(&t, giver, NULL);
  make_gate(gate_full, t.cap, 0);
  task_map(THIS_TASK, THIS_TASK, OBJECT(gate_full, W | R), MAP | gate_weak);
  u->br[0] = BUFFER(copy);
  u->br[1] = 0;
  call(gate_full, TAG(0, 0, 0, 0));
  EQUAL(can_down(copy), 0);
  drop(copy);
  /* The reply capability carries the caller's rights (2.1). */
  call(gate_weak, TAG(0, 0, 0, 0));
  EQUAL(cap_valid(copy), 1);
  EQUAL(can_down(copy), -EPERM);
  u->br[0] = 0;
  thread_kill(&t);
  destroy(gate_full);
  destroy(semaphore);
  drop(copy);
  slot_free(again), slot_free(copy), slot_free(gate_weak), slot_free(gate_full), slot_free(semaphore);
  return finish();
}
