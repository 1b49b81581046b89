/* What a server sees of a gate: the label or-ed with the W and S rights of the invoked capability (5, 6.5); bad labels
   and threads are refused (6.1). */
#include "l4.h"

static u64 labels[4];

static void server(void *unused) {
  (void)unused;
  wait_any(&labels[0]);
  for (int i = 1; i < 4; i++) reply_wait(TAG(0, 0, 0, 0), &labels[i]);
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  thread_start(&t, server, NULL);
  cap gate = slot_alloc(), copy = slot_alloc();
  section("labels");
  EQUAL(make_gate(gate, t.cap, 0x1230), 0);
  call(gate, TAG(0, 0, 0, 0));
  EQUAL(labels[0], 0x1233);
  static const u64 rights[3] = {R, R | W, R | S};
  for (int i = 0; i < 3; i++) {
    EQUAL(task_map(THIS_TASK, THIS_TASK, OBJECT(gate, rights[i]), MAP | copy), 0);
    call(copy, TAG(0, 0, 0, 0));
    EQUAL(labels[i + 1], 0x1230 | (rights[i] & WS));
    drop(copy);
  }
  thread_join(&t);
  section("refused");
  EQUAL(make_gate(copy, env->main_thread, 0x1231), -EINVAL);
  EQUAL(make_gate(copy, THIS_TASK, 0x1230), -EINVAL);
  EQUAL(cap_valid(copy), 0);
  slot_free(copy);
  slot_free(gate);
  return finish();
}
