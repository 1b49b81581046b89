/* A gate goes away: senders blocked on it get error 4, the server's deletion IRQ fires, every copy is empty (5, 6.3,
   4.6). */
#include "l4.h"

static cap gate;
static long result;

static void client(void *unused) {
  (void)unused;
  result = status(call(gate, TAG(0, 0, 0, 0)));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t;
  gate = slot_alloc();
  section("blocked sender");
  make_gate(gate, NO_CAP, 0);
  thread_start(&t, client, NULL);
  thread_blocks(&t);
  destroy(gate);
  thread_join(&t);
  EQUAL(result, FAILED(IPC_NOT_EXISTENT));
  EQUAL(cap_valid(gate), 0);

  section("deletion interrupt");
  cap irq = slot_alloc(), copy = slot_alloc();
  EQUAL(make(irq, P_IRQ_SENDER), 0);
  EQUAL(bind(irq, env->main_thread, 0xd0), 0);
  cap thread = slot_alloc();
  make(thread, P_THREAD);
  /* register_del_irq on a thread of our own, 6.3; a second one is refused. */
  u->mr[0] = 5;
  put_item(1, 0, MAP, OBJECT(irq, WSR));
  EQUAL(status(call(thread, TAG(P_THREAD, 1, 1, 0))), 0);
  u->mr[0] = 5;
  put_item(1, 0, MAP, OBJECT(irq, WSR));
  EQUAL(status(call(thread, TAG(P_THREAD, 1, 1, 0))), -16);
  make_gate(gate, thread, 0x100);
  task_map(THIS_TASK, THIS_TASK, OBJECT(gate, WSR), MAP | copy);
  u64 label = 0;
  EQUAL(ipc(irq | RECEIVE, 0, TIMEOUT(NEVER, POLL), &label), TAG_ERROR);
  destroy(gate);
  EQUAL(cap_valid(copy), 0);
  EQUAL(status(ipc(irq | RECEIVE, 0, TIMEOUT(NEVER, micros(1000000)), &label)), 0);
  EQUAL(label, 0xd0);
  destroy(thread);
  slot_free(thread);
  slot_free(copy);
  destroy(irq);
  slot_free(irq);
  slot_free(gate);
  return finish();
}
