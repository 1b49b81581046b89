/* Explicit reply capabilities: two callers are kept waiting in slots of their own and answered in the other order
   (2.1). */
#include "l4.h"

static cap gate;
static u64 answers[2];
static u32 order;

static void client(void *argument) {
  u64 me = (u64)argument;
  utcb()->mr[0] = me;
  call(gate, TAG(0, 1, 0, 0));
  answers[me] = utcb()->mr[0] * 10 + __atomic_add_fetch(&order, 1, __ATOMIC_SEQ_CST);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  gate = slot_alloc();
  make_gate(gate, env->main_thread, 0x800);
  u64 first = env->first_free_reply_cap;
  struct thread t[2];
  section("kept");
  for (u64 i = 0; i < 2; i++) {
    thread_start(&t[i], client, (void *)i);
    u64 label = 0;
    u64 tag = ipc(REPLY_SLOT(first + i) | WAIT, 0, 0, &label);
    EQUAL(tag & TAG_ERROR, 0);
    EQUAL(label & ~3UL, 0x800);
    EQUAL(u->mr[0], i);
  }
  section("answered last first");
  for (u64 i = 2; i-- > 0;) {
    u->mr[0] = 7 + i;
    u64 tag = ipc(REPLY_SLOT(first + i) | REPLY | SEND, TAG(0, 1, 0, 0), TIMEOUT(POLL, NEVER), NULL);
    EQUAL(tag & TAG_ERROR, 0);
    down(t[i].done, NEVER);
    up(t[i].done);
  }
  EQUAL(answers[1], 81);
  EQUAL(answers[0], 72);
  section("used up");
  u64 tag = ipc(REPLY_SLOT(first) | REPLY | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  EQUAL(tag, TAG_ERROR);
  EQUAL(u->error, IPC_NOT_EXISTENT);
  thread_join(&t[0]);
  thread_join(&t[1]);
  slot_free(gate);
  return finish();
}
