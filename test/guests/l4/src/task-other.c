/* A second task: capabilities and memory mapped into it, a thread of it that sends a message back; gone with its memory
   when it is deleted (6.2, 4.5). */
#include "l4.h"

extern const u8 _end[];
static volatile u64 shared = 1;
/* Slots in the other task. */
enum { THEIR_GATE = 0x20 };

static void other(void *unused) {
  (void)unused;
  shared = 2;
  utcb()->mr[0] = 0x1234;
  utcb()->mr[1] = shared;
  call(SLOT(THEIR_GATE), TAG(0x99, 2, 0, 0));
  /* No capability of its own task, no log: everything else must fail. */
  u64 failed = call(SLOT(1), TAG(0, 0, 0, 0)) & TAG_ERROR;
  utcb()->mr[0] = failed && utcb()->error == IPC_NOT_EXISTENT;
  call(SLOT(THEIR_GATE), TAG(0x9a, 1, 0, 0));
  for (;;) receive(SELF, 0);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t = {.body = other};
  cap task = slot_alloc(), gate = slot_alloc();
  t.cap = slot_alloc();
  section("made");
  EQUAL(make_task(task, MEMORY(0x70000000, 12, MEM_RW)), 0);
  make(t.cap, P_THREAD);
  make_gate(gate, env->main_thread, 0x20);
  section("filled");
  EQUAL(task_map(task, THIS_TASK, OBJECT(gate, WSR), MAP | SLOT(THEIR_GATE)), 0);
  for (u64 p = 0x10000; p < (u64)_end; p += PAGE) {
    (void)*(volatile u8 *)p;
    if (p >= ((u64)&shared & ~(PAGE - 1))) *(volatile u8 *)p = *(volatile u8 *)p;
    EQUAL(task_map(task, THIS_TASK, MEMORY(p, 12, MEM_R | MEM_W | MEM_X), MAP | p), 0);
  }
  section("its thread");
  u64 sp = stack_for(&t), ip = (u64)l4_thread_start;
  *(volatile u64 *)sp = (u64)&t;
  /* The argument lies on this stack, which the other task does not have. */
  static struct thread copy;
  copy = t;
  *(volatile u64 *)sp = (u64)&copy;
  for (u64 p = (u64)t.stack; p < sp; p += PAGE) {
    *(volatile u8 *)p = 0;
    task_map(task, THIS_TASK, MEMORY(p, 12, MEM_RW), MAP | p);
  }
  u->mr[0] = 0x1210000;
  u->mr[1] = u->mr[2] = NO_CAP;
  u->mr[3] = u->mr[4] = 0;
  u->mr[5] = 0x70000000;
  put_item(6, 0, MAP, OBJECT(task, WSR));
  EQUAL(status(call(t.cap, TAG(P_THREAD, 6, 1, 0))), 0);
  thread_ex_regs(t.cap, 0, &ip, &sp);
  EQUAL(thread_run(t.cap, 2), 0);
  u64 label, tag = wait_any(&label);
  EQUAL(TAG_LABEL(tag), 0x99);
  EQUAL(label, 0x23);
  EQUAL(u->mr[0], 0x1234);
  EQUAL(shared, 2);
  tag = reply_wait(TAG(0, 0, 0, 0), &label);
  EQUAL(TAG_LABEL(tag), 0x9a);
  EQUAL(u->mr[0], 1);
  section("its slots");
  EQUAL(task_unmap(task, UNMAP_SELF, OBJECT(SLOT(THEIR_GATE), WSR)), 0);
  EQUAL(cap_valid(gate), 1);
  destroy(t.cap);
  destroy(task);
  EQUAL(cap_valid(task), 0);
  EQUAL(shared, 2);
  slot_free(t.cap), slot_free(gate), slot_free(task);
  return finish();
}
