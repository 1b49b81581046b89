/* A gate without a thread blocks senders, honouring the send timeout; binding lets them through; binding again changes
   thread and label (5, 6.5). */
#include "l4.h"

static cap gate;
static long result;

static void client(void *unused) {
  (void)unused;
  result = status(call(gate, TAG(0, 0, 0, 0)));
}

static void other_server(void *seen) {
  wait_any(seen);
  ipc(REPLY_CAP | REPLY | SEND, TAG(2, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  gate = slot_alloc();
  struct thread t, second;
  u64 label = 0, other_label = 0;
  section("unbound");
  EQUAL(make_gate(gate, NO_CAP, 0), 0);
  EQUAL(ipc(gate | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL), TAG_ERROR);
  EQUAL(utcb()->error, IPC_TIMEOUT);
  section("a blocked sender is let through");
  thread_start(&t, client, NULL);
  thread_blocks(&t);
  EQUAL(bind(gate, env->main_thread, 0x4560), 0);
  wait_any(&label);
  EQUAL(label, 0x4563);
  ipc(REPLY_CAP | REPLY | SEND, TAG(1, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  thread_join(&t);
  EQUAL(result, 1);
  section("bound again");
  thread_start(&second, other_server, &other_label);
  EQUAL(bind(gate, second.cap, 0x7890), 0);
  thread_start(&t, client, NULL);
  thread_join(&t);
  thread_join(&second);
  EQUAL(result, 2);
  EQUAL(other_label, 0x7893);
  section("information");
  /* get_info, 6.5. */
  utcb()->mr[0] = 0x11;
  EQUAL(status(call(gate, TAG(P_KOBJECT, 1, 0, 0))), 0);
  EQUAL(utcb()->mr[0], 0x7890);
  EQUAL(bind(gate, env->main_thread, 0x7892), -EINVAL);
  slot_free(gate);
  return finish();
}
