/* A pager of one's own: the fault message says where, how and from which pc; the reply's map item resolves it; a reply
   without one makes the instruction try again (7.1). */
#include "l4.h"

static u8 page[2][PAGE] __attribute__((aligned(4096)));
static volatile u64 *where;
static u64 got[2], pc_read;

static void faulting(void *unused) {
  (void)unused;
  asm volatile("la %1, 1f\n1: ld %0, 0(%2)" : "=&r"(got[0]), "=&r"(pc_read) : "r"(where) : "memory");
  where[1] = 77;
  got[1] = where[1];
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t = {.body = faulting};
  cap gate = slot_alloc();
  t.cap = slot_alloc(), t.done = slot_alloc();
  /* An address that the region manager keeps free. */
  u->mr[0] = 3, u->mr[1] = 0, u->mr[2] = PAGE, u->mr[3] = 12UL << 32 | RM_SEARCH | RM_RESERVED;
  EQUAL(status(call(env->rm, TAG(P_RM, 4, 0, 0))), 0);
  where = (u64 *)u->mr[0];
  *(u64 *)page[0] = 4711;
  page[1][0] = 0;
  make(t.cap, P_THREAD), make(t.done, P_SEMAPHORE);
  make_gate(gate, env->main_thread, 0xf0);
  t.utcb = utcb_alloc();
  thread_bind(t.cap, t.utcb, gate, gate);
  u64 ip = (u64)l4_thread_start, sp = stack_for(&t);
  thread_ex_regs(t.cap, 0, &ip, &sp);
  thread_run(t.cap, 2);

  section("faults");
  u64 label, tag = wait_any(&label), reads = 0, writes = 0, retried = 0;
  while (writes < 1) {
    u64 address = u->mr[0] & ~7UL, kind = u->mr[0] & 6;
    EQUAL(TAG_LABEL(tag), P_PAGE_FAULT);
    EQUAL(TAG_WORDS(tag), 2);
    EQUAL(label, 0xf3);
    EQUAL(u->mr[0] & 1, 1);
    u64 items = 0;
    if (address >= (u64)where && address < (u64)where + PAGE) {
      if (kind == 2) {
        writes++;
        EQUAL(address, (u64)where + 8);
      } else {
        EQUAL(address, where);
        EQUAL(kind, 0);
        reads++;
      }
      if (reads == 1 && !retried) {
        retried = 1; /* no item: the same fault comes again */
      } else {
        items = 1;
        put_item(0, 0, MAP | (u64)where, MEMORY(page[0], 12, writes ? MEM_RW : MEM_R));
      }
    } else if (kind == 2) {
      *(volatile u8 *)address = *(volatile u8 *)address;
    } else {
      (void)*(volatile u8 *)address;
    }
    if (writes) {
      ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, items, 0), TIMEOUT(POLL, NEVER), NULL);
      break;
    }
    tag = reply_wait(TAG(0, 0, items, 0), &label);
  }
  down(t.done, NEVER);
  EQUAL(reads, 2);
  EQUAL(writes, 1);
  EQUAL(got[0], 4711);
  EQUAL(got[1], 77);
  section("one memory");
  EQUAL(((u64 *)page[0])[1], 77);
  destroy(t.cap), destroy(t.done), destroy(gate);
  slot_free(t.done), slot_free(t.cap), slot_free(gate);
  return finish();
}
