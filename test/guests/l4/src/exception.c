/* Exceptions: the handler gets 37 words of frame, may change registers and pc; a fault that the pager refuses becomes
   one too (7.1, 7.2). */
#include "l4.h"

enum { FRAME = 37, PC = 32, CAUSE = 34, TVAL = 35, A0 = 10 };
static u64 results[3];
extern const u8 at_break[], at_illegal[], at_load[];

static void faulting(void *address) {
  register u64 a0 asm("a0");
  asm volatile(".option push\n.option norvc\nli a0, 1\nat_break: ebreak\n.option pop" : "=r"(a0));
  results[0] = a0;
  asm volatile("li a0, 2\nat_illegal: .word 0" : "=r"(a0));
  results[1] = a0;
  asm volatile(".option push\n.option norvc\nli a0, 3\nat_load: ld t0, 0(%1)\n.option pop"
               : "=r"(a0) : "r"(address) : "t0");
  results[2] = a0;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t = {.body = faulting, .argument = (void *)0x1000};
  cap gate = slot_alloc();
  t.cap = slot_alloc(), t.done = slot_alloc();
  make(t.cap, P_THREAD), make(t.done, P_SEMAPHORE);
  make_gate(gate, env->main_thread, 0xe0);
  t.utcb = utcb_alloc();
  thread_bind(t.cap, t.utcb, gate, gate);
  u64 ip = (u64)l4_thread_start, sp = stack_for(&t);
  thread_ex_regs(t.cap, 0, &ip, &sp);
  thread_run(t.cap, 2);

  section("frames");
  u64 label, tag = wait_any(&label);
  for (int seen = 0;;) {
    if (TAG_LABEL(tag) == P_PAGE_FAULT) {
      u64 address = u->mr[0] & ~7UL;
      if (address == 0x1000) {
        /* Refused: an exception follows. */
        tag = reply_wait(TAG(-EINVAL, 0, 0, 0), &label);
        continue;
      }
      if (u->mr[0] & 2) *(volatile u8 *)address = *(volatile u8 *)address;
      else (void)*(volatile u8 *)address;
      tag = reply_wait(TAG(0, 0, 0, 0), &label);
      continue;
    }
    EQUAL(TAG_LABEL(tag), P_EXCEPTION);
    EQUAL(TAG_WORDS(tag), FRAME);
    EQUAL(label, 0xe3);
    static const u64 causes[3] = {3, 2, 13};
    const u8 *pcs[3] = {at_break, at_illegal, at_load};
    EQUAL(u->mr[CAUSE], causes[seen]);
    EQUAL(u->mr[PC], pcs[seen]);
    EQUAL(u->mr[A0], seen + 1);
    if (seen == 2) EQUAL(u->mr[TVAL], 0x1000);
    u->mr[A0] = 100 + (u64)seen;
    u->mr[PC] += 5; /* bit 0 does not count */
    if (++seen == 3) break;
    tag = reply_wait(TAG(0, FRAME, 0, 0), &label);
  }
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, FRAME, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  down(t.done, NEVER);
  for (u64 i = 0; i < 3; i++) EQUAL(results[i], 100 + i);
  destroy(t.cap), destroy(t.done), destroy(gate);
  slot_free(t.done), slot_free(t.cap), slot_free(gate);
  return finish();
}
