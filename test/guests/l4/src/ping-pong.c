/* Round trips between two threads; the number of rounds is the argument. */
#include "l4.h"

static void pong(void *argument) {
  u64 rounds = (u64)argument, label = 0;
  wait_any(&label);
  for (u64 i = 1; i < rounds; i++) {
    utcb()->mr[0]++;
    reply_wait(TAG(0, 1, 0, 0), &label);
  }
  utcb()->mr[0]++;
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 1, 0, 0), TIMEOUT(POLL, NEVER), NULL);
}

int guest(int argc, char **argv) {
  u64 rounds = arg_number(argc, argv, 1, 1000);
  struct thread t;
  thread_start(&t, pong, (void *)rounds);
  u64 value = 0, start = now();
  for (u64 i = 0; i < rounds; i++) {
    utcb()->mr[0] = value;
    call(t.cap, TAG(0, 1, 0, 0));
    value = utcb()->mr[0];
  }
  u64 took = now() - start;
  thread_join(&t);
  if (argc > 2) put("%lu round trips in %lu us\n", value, took);
  else put("%lu round trips\n", value);
  return value == rounds ? 0 : 1;
}
