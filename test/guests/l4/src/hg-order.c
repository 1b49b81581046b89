/* Everything that the kernel orders: start of a thread, call and reply, send and receive (which is a rendezvous: the
   sender goes on only after the receiver was there), gates, interrupts, semaphores, page-fault messages, the end of a
   thread that stands in a call. Plain variables go from hand to hand without a race (5, 6.6, 6.7, 7.1). */
#include "l4.h"

enum { ROUNDS = 20 };
static u64 given, counter, letters[2], receipts[2], signalled, filled;
static cap semaphore, irq;

static void reads_given(void *unused) {
  (void)unused;
  EQUAL(given, 7);
  given = 8;
}

static void serves(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  for (int i = 0; i < ROUNDS; i++) {
    counter++;
    if (i < ROUNDS - 1) reply_wait(TAG(0, 0, 0, 0), &label);
    else ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  }
}

/* Each message comes with a letter, in turn in two places: while one is read the sender may write the other. */
static void receives(void *unused) {
  (void)unused;
  for (u64 i = 0; i < ROUNDS; i++) {
    u64 label;
    wait_any(&label);
    EQUAL(letters[i % 2], i);
    receipts[i % 2] = i;
  }
}

static void waits_for_irq(void *unused) {
  (void)unused;
  u64 label;
  for (int i = 0; i < ROUNDS; i++) {
    ipc(irq | RECEIVE, 0, 0, &label);
    signalled++;
    up(semaphore);
  }
}

static void stays(void *unused) {
  (void)unused;
  given = 9;
  up(semaphore);
  given = 10;
  receive(SELF, 0);
}

static void faults(void *address) {
  EQUAL(*(volatile u64 *)address, 77);
  EQUAL(filled, 1);
  filled = 2;
}

/* Answers one page fault with a page that holds 77. */
static void handles_one_fault(void *page) {
  struct utcb *u = utcb();
  u64 label;
  wait_any(&label);
  u64 address = u->mr[0] & ~0xfffUL;
  filled = 1;
  put_item(0, 0, MAP | address, MEMORY(page, 12, MEM_RW));
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 1, 0), TIMEOUT(POLL, NEVER), NULL);
}

static u8 page[PAGE] __attribute__((aligned(4096)));

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct thread t, other;
  semaphore = slot_alloc();
  make(semaphore, P_SEMAPHORE);
  section("start");
  given = 7;
  thread_start(&t, reads_given, NULL);
  thread_join(&t);
  EQUAL(given, 8);

  section("call");
  cap gate = slot_alloc();
  counter = 100;
  thread_start(&t, serves, NULL);
  make_gate(gate, t.cap, 0x10);
  for (u64 i = 0; i < ROUNDS; i++) {
    call(i % 2 ? gate : t.cap, TAG(0, 0, 0, 0));
    EQUAL(counter++, 101 + 2 * i);
  }
  thread_join(&t);
  slot_free(gate);

  section("send");
  thread_start(&t, receives, NULL);
  for (u64 i = 0; i < ROUNDS; i++) {
    letters[i % 2] = i;
    send(t.cap, TAG(0, 0, 0, 0));
    if (i > 0) EQUAL(receipts[(i - 1) % 2], i - 1);
  }
  thread_join(&t);

  section("interrupt");
  irq = slot_alloc();
  make(irq, P_IRQ_SENDER);
  thread_start(&t, waits_for_irq, NULL);
  bind(irq, t.cap, 0x40);
  for (u64 i = 0; i < ROUNDS; i++) {
    EQUAL(signalled++, 2 * i);
    trigger(irq);
    down(semaphore, NEVER);
  }
  thread_join(&t);
  slot_free(irq);

  section("fault");
  *(u64 *)page = 77;
  thread_start(&other, handles_one_fault, page);
  struct thread f = {.body = faults, .argument = (void *)0x7000000};
  f.cap = slot_alloc(), f.done = slot_alloc();
  make(f.cap, P_THREAD), make(f.done, P_SEMAPHORE);
  f.utcb = utcb_alloc();
  thread_bind(f.cap, f.utcb, other.cap, env->rm);
  u64 ip = (u64)l4_thread_start, sp = stack_for(&f);
  thread_ex_regs(f.cap, 0, &ip, &sp);
  thread_run(f.cap, 2);
  down(f.done, NEVER);
  EQUAL(filled, 2);
  thread_kill(&f);
  thread_join(&other);

  section("end");
  thread_start(&t, stays, NULL);
  down(semaphore, NEVER);
  thread_blocks(&t);
  thread_kill(&t);
  EQUAL(given, 10);
  given = 11;
  slot_free(semaphore);
  return finish();
}
