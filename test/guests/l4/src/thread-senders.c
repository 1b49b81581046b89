/* modify_senders rewrites the labels of messages that wait in a thread's queue (6.3). */
#include "l4.h"

static cap gate;

static void client(void *unused) {
  (void)unused;
  call(gate, TAG(0, 0, 0, 0));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t;
  gate = slot_alloc();
  make_gate(gate, env->main_thread, 0x1110);
  thread_start(&t, client, NULL);
  thread_blocks(&t);
  section("another label");
  static const u64 rules[2][4] = {
    {~3UL, 0x2220, ~0UL, 0x9990}, /* nobody has this one */
    {~3UL, 0x1110, 0xff0, 0x7770},
  };
  for (int i = 0; i < 2; i++) {
    u->mr[0] = 6;
    for (int k = 0; k < 4; k++) u->mr[1 + k] = rules[i][k];
    EQUAL(status(call(env->main_thread, TAG(P_THREAD, 5, 0, 0))), 0);
  }
  u64 label = 0;
  wait_any(&label);
  EQUAL(label & ~3UL, (0x1110UL & ~0xff0UL) | 0x7770);
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  thread_join(&t);
  slot_free(gate);
  return finish();
}
