/* A thread is deleted while others wait for it: senders in its queue get error 6; a caller whose request was taken
   stays until its own timeout (5). */
#include "l4.h"

static struct thread victim;
static u64 queued_error;
static long taken_status;

static void deaf(void *unused) {
  (void)unused;
  receive(SELF, 0);
}

static void takes_one(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  receive(SELF, 0);
}

static void queue_up(void *unused) {
  (void)unused;
  if (call(victim.cap, TAG(0, 0, 0, 0)) & TAG_ERROR) queued_error = utcb()->error;
}

static void call_with_timeout(void *unused) {
  (void)unused;
  taken_status = status(ipc(victim.cap | CALL, TAG(5, 0, 0, 0), TIMEOUT(NEVER, micros(100000)), NULL));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  section("queued sender");
  thread_start(&victim, deaf, NULL);
  thread_blocks(&victim);
  thread_start(&t, queue_up, NULL);
  thread_blocks(&t);
  thread_kill(&victim);
  thread_join(&t);
  EQUAL(queued_error, IPC_CANCELED);
  section("request already taken");
  thread_start(&victim, takes_one, NULL);
  thread_blocks(&victim);
  thread_start(&t, call_with_timeout, NULL);
  thread_blocks(&t);
  thread_kill(&victim);
  thread_join(&t);
  EQUAL(taken_status, WHILE_RECEIVING(IPC_TIMEOUT));
  return finish();
}
