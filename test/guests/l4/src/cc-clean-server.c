/* A server that receives a capability with every request, as it should be done: it takes the capability out of the
   buffer slot, offers a fresh one, and frees what it took. CapCheck finds nothing. */
#include "l4.h"

static cap gate;
enum { REQUESTS = 10 };

static void server(void *unused) {
  (void)unused;
  struct utcb *u = utcb();
  cap buffer = slot_alloc();
  u64 label, sum = 0;
  u->br[0] = BUFFER(buffer), u->br[1] = 0;
  wait_any(&label);
  for (int i = 0; i < REQUESTS; i++) {
    cap taken = buffer;
    buffer = slot_alloc();
    up(taken);
    slot_free(taken);
    sum++;
    u->br[0] = BUFFER(buffer), u->br[1] = 0;
    u->mr[0] = sum;
    if (i < REQUESTS - 1) reply_wait(TAG(0, 1, 0, 0), &label);
    else ipc(REPLY_CAP | REPLY | SEND, TAG(0, 1, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  }
  u->br[0] = 0;
  slot_free(buffer);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  thread_start(&t, server, NULL);
  gate = slot_alloc();
  make_gate(gate, t.cap, 0);
  for (int i = 0; i < REQUESTS; i++) {
    cap semaphore = slot_alloc();
    make(semaphore, P_SEMAPHORE);
    put_item(0, 0, MAP, OBJECT(semaphore, WSR));
    call(gate, TAG(0, 0, 1, 0));
    destroy(semaphore);
    slot_free(semaphore);
  }
  put("served %lu\n", utcb()->mr[0] ? (u64)REQUESTS : 0);
  thread_join(&t);
  destroy(gate);
  slot_free(gate);
  return 0;
}
