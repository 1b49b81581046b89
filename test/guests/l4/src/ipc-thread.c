/* IPC straight to a thread: only the tag's words are copied, the sender's label arrives, the rest of the receiver's
   message registers keep their content (5). */
#include "l4.h"

static void server(void *unused) {
  (void)unused;
  u64 label = 0;
  struct utcb *u = utcb();
  for (int i = 0; i < 8; i++) u->mr[i] = 0x1000 + (u64)i;
  u64 tag = wait_any(&label);
  section("request");
  EQUAL(label, 0x77);
  EQUAL(TAG_LABEL(tag), 0x123);
  EQUAL(TAG_WORDS(tag), 3);
  EQUAL(TAG_ITEMS(tag), 0);
  EQUAL(u->mr[0], 1);
  EQUAL(u->mr[2], 3);
  EQUAL(u->mr[3], 0x1003);
  u->mr[0] = 10;
  u->mr[1] = 11;
  u->mr[2] = 12;
  /* A negative label is data like any other. */
  tag = reply_wait(TAG(-5, 2, 0, 0), &label);
  section("second request");
  EQUAL(TAG_WORDS(tag), 63);
  for (u64 i = 0; i < 63; i++) EQUAL(u->mr[i], i * i);
  EQUAL(label, 0x78);
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 63, 0, 0), TIMEOUT(POLL, NEVER), NULL);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  EQUAL(thread_start(&t, server, NULL), 0);
  struct utcb *u = utcb();
  for (u64 i = 0; i < 5; i++) u->mr[i] = i + 1;
  u64 label = 0x77;
  u64 tag = ipc(t.cap | CALL, TAG(0x123, 3, 0, 0), 0, &label);
  section("answer");
  EQUAL(TAG_LABEL(tag), -5);
  EQUAL(TAG_WORDS(tag), 2);
  EQUAL(u->mr[0], 10);
  EQUAL(u->mr[1], 11);
  EQUAL(u->mr[2], 3);
  EQUAL(u->mr[4], 5);
  for (u64 i = 0; i < 63; i++) u->mr[i] = i * i;
  label = 0x78;
  tag = ipc(t.cap | CALL, TAG(0, 63, 0, 0), 0, &label);
  EQUAL(TAG_WORDS(tag), 63);
  thread_join(&t);
  return finish();
}
