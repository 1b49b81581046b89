/* A capability sent without the right R: nothing arrives and the sender hears nothing (4.5). */
#include "l4.h"

static cap given;

static void giver(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  put_item(0, 0, MAP, OBJECT(given, WS));
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 1, 0), TIMEOUT(POLL, NEVER), NULL);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  given = slot_alloc();
  cap received = slot_alloc();
  make(given, P_SEMAPHORE);
  thread_start(&t, giver, NULL);
  utcb()->br[0] = BUFFER(received), utcb()->br[1] = 0;
  call(t.cap, TAG(0, 0, 0, 0));
  utcb()->br[0] = 0;
  put("arrived: %ld\n", cap_valid(received));
  thread_join(&t);
  slot_free(received);
  destroy(given);
  slot_free(given);
  return 0;
}
