/* A server that allocates a slot for every request and frees none: named after three requests. */
#include "l4.h"

enum { REQUESTS = 5 };

static void handle(void) {
  cap session = slot_alloc();
  make(session, P_SEMAPHORE);
}

static void server(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  for (int i = 0; i < REQUESTS; i++) {
    handle();
    if (i < REQUESTS - 1) reply_wait(TAG(0, 0, 0, 0), &label);
    else ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  thread_start(&t, server, NULL);
  for (int i = 0; i < REQUESTS; i++) call(t.cap, TAG(0, 0, 0, 0));
  thread_join(&t);
  put("served\n");
  return 0;
}
