/* A calculator behind a gate, as a server loop of L4Re serves it: 32-bit operation numbers, answers as labels, errors
   for what it does not know (10). */
#include "l4.h"

enum { P_CALCULATOR = 0x44, SUBTRACT = 0, NEGATE = 1 };
static cap gate;

static long serve(u64 tag) {
  struct utcb *u = utcb();
  if (TAG_LABEL(tag) == P_META) {
    /* 0: number of interfaces; 2: whether a protocol is served (10). */
    if ((u32)u->mr[0] == 0) return 1;
    if ((u32)u->mr[0] == 2) return u->mr[1] == P_CALCULATOR;
    return -ENOSYS;
  }
  if (TAG_LABEL(tag) != P_CALCULATOR) return -EBADPROTO;
  if (TAG_WORDS(tag) < 2) return -EMSGTOOSHORT;
  u32 *word = (u32 *)u->mr;
  switch (word[0]) {
    case SUBTRACT: word[0] = word[1] - word[2]; return 0;
    case NEGATE: word[0] = -word[1]; return 0;
    default: return -ENOSYS;
  }
}

static void server(void *unused) {
  (void)unused;
  u64 label, tag = wait_any(&label);
  for (;;) {
    long result = serve(tag);
    tag = reply_wait(TAG(result, result < 0 ? 0 : 1, 0, 0), &label);
  }
}

static long ask(long protocol, u32 code, u32 a, u32 b, u64 words) {
  u32 *word = (u32 *)utcb()->mr;
  word[0] = code, word[1] = a, word[2] = b;
  return status(call(gate, TAG(protocol, words, 0, 0)));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t;
  gate = slot_alloc();
  thread_start(&t, server, NULL);
  make_gate(gate, t.cap, 0);
  u32 *answer = (u32 *)utcb()->mr;
  EQUAL(ask(P_CALCULATOR, SUBTRACT, 8, 5, 2), 0);
  put("8 - 5 = %u\n", answer[0]);
  EQUAL(ask(P_CALCULATOR, NEGATE, 8, 0, 2), 0);
  put("- 8 = %d\n", (int)answer[0]);
  section("errors");
  EQUAL(ask(P_CALCULATOR, 2, 0, 0, 2), -ENOSYS);
  EQUAL(ask(P_CALCULATOR, SUBTRACT, 8, 5, 1), -EMSGTOOSHORT);
  EQUAL(ask(0x45, SUBTRACT, 8, 5, 2), -EBADPROTO);
  section("meta");
  utcb()->mr[0] = 0;
  EQUAL(status(call(gate, TAG(P_META, 1, 0, 0))), 1);
  utcb()->mr[0] = 2;
  utcb()->mr[1] = P_CALCULATOR;
  EQUAL(status(call(gate, TAG(P_META, 2, 0, 0))), 1);
  thread_kill(&t);
  slot_free(gate);
  return finish();
}
