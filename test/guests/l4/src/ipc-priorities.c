/* An open wait takes the queued sender of the highest priority; equal ones in the order in which they came (5). */
#include "l4.h"

static cap gate;

static void sender(void *argument) {
  utcb()->mr[0] = (u64)argument;
  call(gate, TAG(0, 1, 0, 0));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  gate = slot_alloc();
  make_gate(gate, env->main_thread, 0);
  static const int priorities[5] = {3, 5, 4, 5, 3};
  struct thread t[5];
  for (u64 i = 0; i < 5; i++) {
    thread_start_at(&t[i], priorities[i], sender, (void *)i);
    thread_blocks(&t[i]);
  }
  section("order");
  static const u64 order[5] = {1, 3, 2, 0, 4};
  u64 label;
  wait_any(&label);
  for (int i = 0; i < 5; i++) {
    EQUAL(utcb()->mr[0], order[i]);
    if (i < 4) reply_wait(TAG(0, 0, 0, 0), &label);
    else ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  }
  for (int i = 0; i < 5; i++) thread_join(&t[i]);
  slot_free(gate);
  return finish();
}
