/* One server, four clients, implicit reply capability: each client gets its own answer (2.1, 5). */
#include "l4.h"

enum { CLIENTS = 4, ROUNDS = 50 };
static cap gate;
static u64 sums[CLIENTS];

static void client(void *argument) {
  u64 me = (u64)argument;
  struct utcb *u = utcb();
  for (u64 i = 0; i < ROUNDS; i++) {
    u->mr[0] = me;
    u->mr[1] = i;
    long result = status(call(gate, TAG(0x55, 2, 0, 0)));
    if (result != (long)me || u->mr[0] != me * 1000 + i) return;
    sums[me] += u->mr[0];
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  gate = slot_alloc();
  EQUAL(make_gate(gate, env->main_thread, 0x400), 0);
  struct thread t[CLIENTS];
  for (u64 i = 0; i < CLIENTS; i++) thread_start(&t[i], client, (void *)i);
  struct utcb *u = utcb();
  u64 label, wrong = 0;
  wait_any(&label);
  for (u64 n = 1;; n++) {
    if ((label & ~3UL) != 0x400) wrong++;
    long who = (long)u->mr[0];
    u->mr[0] = u->mr[0] * 1000 + u->mr[1];
    if (n == CLIENTS * ROUNDS) {
      ipc(REPLY_CAP | REPLY | SEND, TAG(who, 1, 0, 0), TIMEOUT(POLL, NEVER), NULL);
      break;
    }
    reply_wait(TAG(who, 1, 0, 0), &label);
  }
  for (int i = 0; i < CLIENTS; i++) thread_join(&t[i]);
  section("answers");
  EQUAL(wrong, 0);
  for (u64 i = 0; i < CLIENTS; i++) EQUAL(sums[i], i * 1000 * ROUNDS + ROUNDS * (ROUNDS - 1) / 2);
  slot_free(gate);
  return finish();
}
