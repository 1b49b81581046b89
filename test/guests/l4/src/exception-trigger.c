/* ex_regs can make a thread take an exception, whatever it does: the handler moves it elsewhere (6.3, 7.2). */
#include "l4.h"

enum { FRAME = 37, PC = 32, CAUSE = 34 };
static u32 escaped;

static void spins(void *unused) {
  (void)unused;
  while (!__atomic_load_n(&escaped, __ATOMIC_SEQ_CST)) {}
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t = {.body = spins};
  cap gate = slot_alloc();
  t.cap = slot_alloc(), t.done = slot_alloc();
  make(t.cap, P_THREAD), make(t.done, P_SEMAPHORE);
  make_gate(gate, env->main_thread, 0xe0);
  t.utcb = utcb_alloc();
  thread_bind(t.cap, t.utcb, env->rm, gate);
  u64 ip = (u64)l4_thread_start, sp = stack_for(&t);
  thread_ex_regs(t.cap, 0, &ip, &sp);
  thread_run(t.cap, 2);
  while (!__atomic_load_n(&t.running, __ATOMIC_ACQUIRE)) sleep_us(1000);
  section("triggered");
  ip = sp = ~0UL;
  EQUAL(thread_ex_regs(t.cap, EX_TRIGGER, &ip, &sp), 0);
  u64 label, tag = wait_any(&label);
  EQUAL(TAG_LABEL(tag), P_EXCEPTION);
  EQUAL(u->mr[CAUSE], 0x19);
  CHECK(u->mr[PC] >= 0x10000 && u->mr[PC] < 0x20000);
  section("goes on");
  /* Fewer words than a frame: registers as they were. */
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  EQUAL(down(t.done, micros(20000)), WHILE_RECEIVING(IPC_TIMEOUT));
  __atomic_store_n(&escaped, 1, __ATOMIC_SEQ_CST);
  EQUAL(down(t.done, NEVER), 0);
  destroy(t.cap), destroy(t.done), destroy(gate);
  slot_free(t.done), slot_free(t.cap), slot_free(gate);
  return finish();
}
