/* A server that leaves its receive buffer as it is: the second client's capability goes over the first one's (15.4). */
#include "l4.h"

static cap gate;
enum { REQUESTS = 2 };

static void server(void *argument) {
  struct utcb *u = utcb();
  cap buffer = (cap)argument;
  u64 label;
  u->br[0] = BUFFER(buffer), u->br[1] = 0;
  wait_any(&label);
  for (int i = 0; i < REQUESTS - 1; i++) reply_wait(TAG(0, 0, 0, 0), &label);
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  cap buffer = slot_alloc(), semaphores[REQUESTS];
  thread_start(&t, server, (void *)buffer);
  gate = slot_alloc();
  make_gate(gate, t.cap, 0);
  for (int i = 0; i < REQUESTS; i++) {
    semaphores[i] = slot_alloc();
    make(semaphores[i], P_SEMAPHORE);
    put_item(0, 0, MAP, OBJECT(semaphores[i], WSR));
    call(gate, TAG(0, 0, 1, 0));
  }
  put("buffer holds the %s\n", cap_equal(buffer, semaphores[1]) ? "second" : "first");
  thread_join(&t);
  slot_free(buffer);
  for (int i = 0; i < REQUESTS; i++) {
    destroy(semaphores[i]);
    slot_free(semaphores[i]);
  }
  destroy(gate);
  slot_free(gate);
  return 0;
}
