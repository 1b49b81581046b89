/* A root task: memory, kernel info page and a gate from sigma0 (9.2), the boot loader's modules (9.3), then two more
   tasks with code of their own at one address, whose faults it resolves and whose messages it answers (6.2, 7.1). */
#include "boot.h"

enum { TASKS = 2 };
/* Slots of the other tasks. */
enum { THEIR_PAGER = 0x20, THEIR_GATE = 0x21 };
static const u64 own_code = 0x1000000, utcbs = 0x70000000;


static u64 ask_sigma0(u64 request, u64 page) {
  struct utcb *u = utcb();
  u->mr[0] = request;
  u->mr[1] = page;
  u->br[0] = WINDOW;
  u->br[1] = ALL_MEMORY;
  u->br[2] = 0;
  u64 tag = call(env->rm, TAG(P_SIGMA0, 2, 0, 0));
  u->br[0] = 0;
  return tag;
}

static void memory(void) {
  struct utcb *u = utcb();
  section("memory");
  u64 tag = ask_sigma0(S0_REQUEST(S0_ANY_RAM), 14 << 6);
  EQUAL(status(tag), 0);
  EQUAL(TAG_ITEMS(tag), 1);
  EQUAL(GOT(u->mr[0]), GOT_MAPPING);
  volatile u64 *at = (u64 *)(u->mr[0] & ~0xfffUL);
  EQUAL((u64)at & 0x3fff, 0);
  for (u64 i = 0; i < 4; i++) EQUAL(at[i * 512], 0);
  for (u64 i = 0; i < 4; i++) at[i * 512] = i + 1;
  for (u64 i = 0; i < 4; i++) EQUAL(at[i * 512], i + 1);
  EQUAL(status(ask_sigma0(S0_REQUEST(S0_ANY_RAM), 36UL << 6)), -ENOMEM);
  EQUAL(status(ask_sigma0(S0_REQUEST(0), 0)), -ENOSYS);

  section("kernel info page");
  tag = ask_sigma0(S0_REQUEST(S0_KIP), 0);
  EQUAL(TAG_ITEMS(tag), 1);
  kip = (u8 *)(u->mr[0] & ~0xfffUL);
  EQUAL(*(u32 *)kip, 0x4be6344c);
  CHECK(now() <= now());
  u32 n = *(u32 *)(kip + 0x58), user = 0;
  struct memory_descriptor *d = (struct memory_descriptor *)(kip + *(u32 *)(kip + 0x54));
  for (u32 i = 0; i < n; i++) {
    u64 type = d[i].start_and_type & MEMORY_TYPE;
    if (d[i].start_and_type & MEMORY_VIRTUAL) user += type == CONVENTIONAL && d[i].last > own_code;
  }
  EQUAL(user, 1);

  section("a gate of sigma0");
  cap gate = slot_alloc();
  EQUAL(make_from(env->rm, gate, P_SIGMA0), 0);
  u->mr[0] = 0;
  EQUAL(status(call(gate, TAG(0x77, 1, 0, 0))), -EBADPROTO);
  slot_free(gate);
}

static void modules(void) {
  section("modules");
  struct modules *list = *(struct modules **)(kip + 0x40);
  struct module *m = (struct module *)list->first;
  EQUAL(list->count, 4);
  for (u32 i = 0; i < list->count; i++) {
    put("%ld %s\n", m[i].flags, (char *)m[i].text);
    if (m[i].flags) continue;
    CHECK(m[i].start < m[i].end);
    emit((char *)m[i].start, m[i].end - m[i].start);
  }
}

/* What both tasks run, in an image that they share; the code at `own_code` is their own. */
static void other(void *argument) {
  u64 n = ((u64(*)(u64))own_code)(1);
  utcb()->mr[0] = n;
  utcb()->mr[1] = (u64)argument;
  call(SLOT(THEIR_GATE), TAG(0x10, 2, 0, 0));
  put("task %ld: got %ld\n", n, utcb()->mr[0]);
  call(SLOT(THEIR_GATE), TAG(0x11, 0, 0, 0));
  for (;;) receive(SELF, 0);
}

static struct other_task {
  struct thread thread;
  cap task, pager, gate;
  u32 *code;
  u64 faults, code_faults;
} others[TASKS];

static void start(u64 k) {
  struct other_task *o = &others[k];
  struct utcb *u = utcb();
  o->task = slot_alloc(), o->pager = slot_alloc(), o->gate = slot_alloc(), o->thread.cap = slot_alloc();
  o->thread.body = other;
  o->thread.argument = (void *)(k * 100);
  EQUAL(make_task(o->task, MEMORY(utcbs, 12, MEM_RW)), 0);
  EQUAL(make(o->thread.cap, P_THREAD), 0);
  EQUAL(make_gate(o->pager, env->main_thread, k << 8 | 0x40), 0);
  EQUAL(make_gate(o->gate, env->main_thread, k << 8 | 0x80), 0);
  EQUAL(task_map(o->task, THIS_TASK, OBJECT(o->pager, WSR), MAP | SLOT(THEIR_PAGER)), 0);
  EQUAL(task_map(o->task, THIS_TASK, OBJECT(o->gate, WSR), MAP | SLOT(THEIR_GATE)), 0);
  EQUAL(task_map(o->task, THIS_TASK, OBJECT(env->log, WSR), MAP | env->log), 0);
  ask_sigma0(S0_REQUEST(S0_ANY_RAM), 12 << 6);
  o->code = (u32 *)(u->mr[0] & ~0xfffUL);
  o->code[0] = 0x00050513 | (u32)(k + 1) << 20; /* addi a0, a0, k + 1 */
  o->code[1] = 0x00008067;                      /* ret */
  u64 sp = stack_for(&o->thread), ip = (u64)l4_thread_start;
  u->mr[0] = 0x1210000;
  u->mr[1] = u->mr[2] = SLOT(THEIR_PAGER);
  u->mr[3] = u->mr[4] = 0;
  u->mr[5] = utcbs;
  put_item(6, 0, MAP, OBJECT(o->task, WSR));
  EQUAL(status(call(o->thread.cap, TAG(P_THREAD, 6, 1, 0))), 0);
  EQUAL(thread_ex_regs(o->thread.cap, 0, &ip, &sp), 0);
  EQUAL(thread_run(o->thread.cap, 2), 0);
}

/* The answer to a fault: the page of its own at `own_code`, this task's page everywhere else. */
static u64 resolve(struct other_task *o) {
  u64 at = utcb()->mr[0] & ~(PAGE - 1);
  o->faults++;
  if (at == own_code) o->code_faults++;
  u64 from = at == own_code ? (u64)o->code : at;
  if (from == at) *(volatile u8 *)at = *(volatile u8 *)at;
  put_item(0, 0, MAP | at, MEMORY(from, 12, MEM_R | MEM_W | MEM_X));
  return TAG(0, 0, 1, 0);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  put("root task\n");
  memory();
  modules();
  section("other tasks");
  for (u64 k = 0; k < TASKS; k++) start(k);
  u64 label, done = 0, tag = wait_any(&label);
  while (done < TASKS) {
    struct utcb *u = utcb();
    u64 k = label >> 8, answer = TAG(0, 0, 0, 0);
    if ((label & 0xf0) == 0x40) {
      EQUAL(TAG_LABEL(tag), P_PAGE_FAULT);
      answer = resolve(&others[k]);
    } else if (TAG_LABEL(tag) == 0x10) {
      EQUAL(u->mr[0], k + 2);
      EQUAL(u->mr[1], k * 100);
      u->mr[0] = u->mr[0] * 10;
      answer = TAG(0, 1, 0, 0);
    } else if (++done == TASKS) {
      break;
    }
    tag = reply_wait(answer, &label);
  }
  for (u64 k = 0; k < TASKS; k++) {
    CHECK(others[k].faults > 2);
    EQUAL(others[k].code_faults, 1);
  }
  section("gone");
  for (u64 k = 0; k < TASKS; k++) {
    struct other_task *o = &others[k];
    destroy(o->thread.cap), destroy(o->task);
    EQUAL(cap_valid(o->task), 0);
    /* Its memory is still this task's. */
    EQUAL(o->code[1], 0x00008067);
    EQUAL(cap_valid(o->gate), 1);
    destroy(o->gate), destroy(o->pager);
  }
  put("root task: %s\n", finish() ? "failed" : "done");
  return 0;
}
