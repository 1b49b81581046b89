/* Send and receive phases apart: open wait, closed receive, send and wait; a closed receive takes only its partner's
   messages (5). */
#include "l4.h"

static cap main_thread;

static void sender(void *argument) {
  u64 label = (u64)argument;
  utcb()->mr[0] = label * 2;
  ipc(main_thread | SEND, TAG(1, 1, 0, 0), 0, &label);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  main_thread = env->main_thread;
  struct thread a, b;
  section("closed receive");
  thread_start(&a, sender, (void *)21);
  thread_blocks(&a);
  thread_start(&b, sender, (void *)22);
  thread_blocks(&b);
  /* Both are queued, a first; the receive is for b. */
  u64 label = 0;
  u64 tag = ipc(b.cap | RECEIVE, 0, 0, &label);
  EQUAL(TAG_LABEL(tag), 1);
  EQUAL(utcb()->mr[0], 44);
  EQUAL(label, 22);
  section("open wait");
  tag = wait_any(&label);
  EQUAL(utcb()->mr[0], 42);
  EQUAL(label, 21);
  section("nothing pending");
  tag = ipc(REPLY_CAP | WAIT, 0, TIMEOUT(NEVER, POLL), &label);
  EQUAL(tag, TAG_ERROR);
  EQUAL(utcb()->error, IPC_TIMEOUT | 1);
  tag = ipc(b.cap | RECEIVE, 0, TIMEOUT(NEVER, POLL), &label);
  EQUAL(tag, TAG_ERROR);
  thread_join(&a);
  thread_join(&b);
  return finish();
}
