/* A thread starts when it is bound, has ip and sp, and scheduling parameters, whichever comes last; ex_regs gives the
   old values (6.3). */
#include "l4.h"

static u32 ran;
static cap ready;

static void body(void *argument) {
  __atomic_store_n(&ran, (u32)(u64)argument, __ATOMIC_SEQ_CST);
  up(ready);
  receive(SELF, 0);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t = {.body = body, .argument = (void *)5};
  t.cap = slot_alloc(), t.done = slot_alloc(), ready = slot_alloc();
  make(t.cap, P_THREAD), make(t.done, P_SEMAPHORE), make(ready, P_SEMAPHORE);
  t.utcb = utcb_alloc();
  section("handlers");
  EQUAL(thread_bind(t.cap, t.utcb, env->rm, env->rm), 0);
  utcb()->mr[0] = 0;
  EQUAL(status(call(t.cap, TAG(P_THREAD, 6, 0, 0))), 0);
  EQUAL(utcb()->mr[1] & ~0xfffUL, env->rm & ~0xfffUL);
  EQUAL(utcb()->mr[2] & ~0xfffUL, env->rm & ~0xfffUL);
  section("parameters first");
  EQUAL(thread_run(t.cap, 2), 0);
  EQUAL(down(ready, micros(20000)), WHILE_RECEIVING(IPC_TIMEOUT));
  u64 ip = (u64)l4_thread_start, sp = stack_for(&t);
  EQUAL(thread_ex_regs(t.cap, 0, &ip, &sp), 0);
  EQUAL(down(ready, NEVER), 0);
  EQUAL(ran, 5);
  section("old values");
  thread_blocks(&t);
  ip = sp = ~0UL;
  EQUAL(thread_ex_regs(t.cap, 0, &ip, &sp), 0);
  CHECK(sp > (u64)t.stack && sp < (u64)t.stack + 16384);
  CHECK(ip > 0x10000 && ip < 0x20000);
  section("time");
  utcb()->mr[0] = 3;
  EQUAL(status(call(SELF, TAG(P_THREAD, 1, 0, 0))), 0);
  section("word count");
  utcb()->mr[0] = 1;
  CHECK(status(call(t.cap, TAG(P_THREAD, 2, 0, 0))) < 0);
  section("priority");
  EQUAL(thread_run(t.cap, 0), -EINVAL);
  destroy(t.cap), destroy(t.done), destroy(ready);
  slot_free(ready), slot_free(t.done), slot_free(t.cap);
  return finish();
}
