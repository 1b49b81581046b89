/* How long things take: rates KIND COUNT [time]. Each kind does its operation COUNT times and checks what came of it.
   call: call and reply between two threads of a task; tasks: of two tasks; semaphore: up and down in turn;
   fault: pages that a pager of the program's own gives by message; touch: pages of the region manager's memory;
   map, slot: a page, a capability to another task and back; work: no system call at all. */
#include "l4.h"
#include "work.h"

extern const u8 _end[];
static cap ping, pong;
static u64 count;
static struct thread t;
enum { THEIR_GATE = 0x20, THEIR_UTCB = 0x70000000, FAR = 0x30000000 };

static void serve(u64 rounds) {
  u64 label;
  wait_any(&label);
  for (u64 i = 1; i < rounds; i++) {
    utcb()->mr[0]++;
    reply_wait(TAG(0, 1, 0, 0), &label);
  }
  utcb()->mr[0]++;
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 1, 0, 0), TIMEOUT(POLL, NEVER), NULL);
}

static void server(void *unused) {
  (void)unused;
  serve(count);
}

static u64 calls(cap to) {
  u64 value = 0;
  for (u64 i = 0; i < count; i++) {
    utcb()->mr[0] = value;
    call(to, TAG(0, 1, 0, 0));
    value = utcb()->mr[0];
  }
  return value;
}

static void player(void *unused) {
  (void)unused;
  for (u64 i = 0; i < count; i++) {
    down(ping, NEVER);
    up(pong);
  }
}

static u8 page[PAGE] __attribute__((aligned(4096)));

/* One page for every fault, wherever it is. */
static void pager(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  for (u64 i = 1;; i++) {
    put_item(0, 0, MAP | (utcb()->mr[0] & ~0xfffUL), MEMORY(page, 12, MEM_RW));
    if (i == count) break;
    reply_wait(TAG(0, 0, 1, 0), &label);
  }
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 1, 0), TIMEOUT(POLL, NEVER), NULL);
}

static u64 touched;
static void toucher(void *unused) {
  (void)unused;
  for (u64 i = 0; i < count; i++) touched += *(volatile u8 *)(FAR + i * PAGE);
}

/* The clients' thread of a second task that shares this one's memory. */
static void client_task(void *unused) {
  (void)unused;
  utcb()->mr[0] = calls(SLOT(THEIR_GATE));
  call(SLOT(THEIR_GATE), TAG(1, 1, 0, 0));
}

static u64 timed_tasks(void) {
  cap task = slot_alloc(), gate = slot_alloc();
  t.body = client_task;
  t.cap = slot_alloc();
  make_task(task, MEMORY(THEIR_UTCB, 12, MEM_RW));
  make(t.cap, P_THREAD);
  make_gate(gate, env->main_thread, 0x20);
  task_map(task, THIS_TASK, OBJECT(gate, WSR), MAP | SLOT(THEIR_GATE));
  u64 sp = stack_for(&t), ip = (u64)l4_thread_start;
  for (u64 p = 0x10000; p < (u64)_end; p += PAGE) {
    (void)*(volatile u8 *)p;
    if (p >= ((u64)&t & ~(PAGE - 1))) *(volatile u8 *)p = *(volatile u8 *)p;
    task_map(task, THIS_TASK, MEMORY(p, 12, MEM_R | MEM_W | MEM_X), MAP | p);
  }
  struct utcb *u = utcb();
  u->mr[0] = 0x1210000, u->mr[1] = u->mr[2] = NO_CAP, u->mr[3] = u->mr[4] = 0, u->mr[5] = THEIR_UTCB;
  put_item(6, 0, MAP, OBJECT(task, WSR));
  call(t.cap, TAG(P_THREAD, 6, 1, 0));
  thread_ex_regs(t.cap, 0, &ip, &sp);
  thread_run(t.cap, 2);
  u64 start = now();
  serve(count);
  u64 took = now() - start, label, tag = wait_any(&label);
  EQUAL(TAG_LABEL(tag), 1);
  EQUAL(u->mr[0], count);
  destroy(t.cap), destroy(task);
  slot_free(t.cap), slot_free(task), slot_free(gate);
  return took;
}

static u64 timed(const char *kind) {
  u64 start = now(), took;
  cap other = slot_alloc();
  if (same(kind, "call")) {
    thread_start(&t, server, NULL);
    start = now();
    EQUAL(calls(t.cap), count);
    took = now() - start;
    thread_join(&t);
  } else if (same(kind, "tasks")) {
    took = timed_tasks();
  } else if (same(kind, "semaphore")) {
    ping = slot_alloc(), pong = slot_alloc();
    make(ping, P_SEMAPHORE), make(pong, P_SEMAPHORE);
    thread_start(&t, player, NULL);
    start = now();
    for (u64 i = 0; i < count; i++) {
      up(ping);
      down(pong, NEVER);
    }
    took = now() - start;
    thread_join(&t);
    slot_free(ping), slot_free(pong);
  } else if (same(kind, "fault")) {
    struct thread f = {.body = toucher};
    page[0] = 1;
    thread_start(&t, pager, NULL);
    f.cap = slot_alloc(), f.done = slot_alloc();
    make(f.cap, P_THREAD), make(f.done, P_SEMAPHORE);
    f.utcb = utcb_alloc();
    u64 ip = (u64)l4_thread_start, sp = stack_for(&f);
    /* The region manager's pages are there before: all faults that come are the counted ones. */
    for (u64 p = (u64)f.stack; p <= sp; p += PAGE) *(volatile u8 *)p = 0;
    *(u64 *)sp = (u64)&f;
    thread_bind(f.cap, f.utcb, t.cap, env->rm);
    thread_ex_regs(f.cap, 0, &ip, &sp);
    start = now();
    thread_run(f.cap, 2);
    down(f.done, NEVER);
    took = now() - start;
    EQUAL(touched, count);
    thread_kill(&f);
    thread_join(&t);
  } else if (same(kind, "touch")) {
    u64 at = 0;
    EQUAL(rm_attach(&at, count * PAGE, RM_SEARCH | RM_ANONYMOUS | RM_PRIVATE | MEM_RW, NO_CAP, 0), 0);
    start = now();
    for (u64 i = 0; i < count; i++) *(volatile u8 *)(at + i * PAGE) = 1;
    took = now() - start;
  } else if (same(kind, "map") || same(kind, "slot")) {
    u64 what = same(kind, "map") ? MEMORY(page, 12, MEM_RW) : OBJECT(env->log, WSR);
    u64 there = same(kind, "map") ? MEMORY(FAR, 12, MEM_RW) : OBJECT(SLOT(THEIR_GATE), WSR);
    page[0] = 1;
    EQUAL(make_task(other, 0), 0);
    start = now();
    for (u64 i = 0; i < count; i++) {
      task_map(other, THIS_TASK, what, MAP | (there & ~0xfffUL));
      task_unmap(other, UNMAP_SELF, there);
    }
    took = now() - start;
    destroy(other);
  } else if (same(kind, "work")) {
    took = work(count) == 0;
    took = now() - start;
  } else {
    CHECK(0);
    took = 0;
  }
  slot_free(other);
  return took;
}

int guest(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "call";
  count = arg_number(argc, argv, 2, 100);
  section(kind);
  u64 took = timed(kind);
  if (argc > 3) put("%s: %lu in %lu us\n", kind, count, took);
  return finish();
}
