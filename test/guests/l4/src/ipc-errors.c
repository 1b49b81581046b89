/* Errors of IPC itself: where they stand, what the tag looks like, and that nobody clears the error word (2.4). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  cap empty = slot_alloc();
  section("empty slot");
  u64 label = 0x1234;
  u64 tag = ipc(empty | CALL, TAG(7, 2, 0, 0), 0, &label);
  EQUAL(tag, TAG_ERROR);
  EQUAL(u->error, IPC_NOT_EXISTENT);
  EQUAL(label, 0x1234);
  EQUAL(send(empty, TAG(7, 0, 0, 0)), TAG_ERROR);
  EQUAL(u->error, IPC_NOT_EXISTENT);
  section("slot beyond the table");
  EQUAL(call(SLOT(0xfffffffffUL), TAG(0, 0, 0, 0)), TAG_ERROR);
  EQUAL(u->error, IPC_NOT_EXISTENT);
  EQUAL(call(SLOT(0), TAG(0, 0, 0, 0)), TAG_ERROR);
  section("stale error word");
  tag = cap_valid(THIS_TASK);
  EQUAL(tag, 1);
  EQUAL(u->error, IPC_NOT_EXISTENT);
  section("bits 4 to 9 of a selector do not count");
  u->mr[0] = 2;
  u->mr[1] = THIS_TASK;
  EQUAL(status(ipc(THIS_TASK | 0x3f0 | CALL, TAG(P_TASK, 2, 0, 0), 0, NULL)), 1);
  section("failed receive phase");
  cap gate = slot_alloc();
  make_gate(gate, NO_CAP, 0);
  EQUAL(ipc(gate | CALL, TAG(9, 1, 0, 0), TIMEOUT(POLL, NEVER), NULL), TAG_ERROR);
  EQUAL(u->error, IPC_TIMEOUT);
  slot_free(gate);
  slot_free(empty);
  return finish();
}
