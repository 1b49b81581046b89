/* IRQ objects: bound label unchanged, hits merged, one remembered while unbound, detach says what was there (6.6). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  cap irq = slot_alloc(), copy = slot_alloc();
  u64 label = 0;
  make(irq, P_IRQ_SENDER);
  section("unbound");
  EQUAL(detach(irq), -ENOENT);
  EQUAL(trigger(irq), 0);
  section("remembered");
  EQUAL(bind(irq, env->main_thread, 0xabcd0), 0);
  u->mr[0] = 0x5555;
  u64 tag = ipc(REPLY_CAP | WAIT, 0, TIMEOUT(NEVER, micros(1000000)), &label);
  EQUAL(tag, 0);
  EQUAL(label, 0xabcd0);
  EQUAL(u->mr[0], 0x5555);
  section("merged");
  for (int i = 0; i < 5; i++) trigger(irq);
  EQUAL(ipc(irq | RECEIVE, 0, TIMEOUT(NEVER, micros(1000000)), &label) & TAG_ERROR, 0);
  EQUAL(ipc(irq | RECEIVE, 0, TIMEOUT(NEVER, POLL), &label), TAG_ERROR);
  EQUAL(u->error, IPC_TIMEOUT | 1);
  section("label with any bits");
  task_map(THIS_TASK, THIS_TASK, OBJECT(irq, R), MAP | copy);
  EQUAL(bind(copy, env->main_thread, 0x123), -EPERM);
  drop(copy);
  EQUAL(bind(irq, env->main_thread, 0x123), 0);
  trigger(irq);
  wait_any(&label);
  EQUAL(label, 0x123);
  section("detach");
  EQUAL(detach(irq), 0);
  EQUAL(detach(irq), -ENOENT);
  bind(irq, env->main_thread, 8);
  trigger(irq);
  EQUAL(detach(irq), 1);
  EQUAL(ipc(REPLY_CAP | WAIT, 0, TIMEOUT(NEVER, POLL), &label), TAG_ERROR);
  section("deleted with a hit pending");
  bind(irq, env->main_thread, 8);
  trigger(irq);
  destroy(irq);
  EQUAL(ipc(REPLY_CAP | WAIT, 0, TIMEOUT(NEVER, POLL), &label), TAG_ERROR);
  EQUAL(trigger(irq), FAILED(IPC_NOT_EXISTENT));
  slot_free(copy), slot_free(irq);
  return finish();
}
