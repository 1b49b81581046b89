/* A region manager of the program's own, and pager of a thread: dataspaces are attached and detached through its gate
   (11.3), faults come to it as messages (7.1). When it is asked for a page it changes what the faulting block has read before;
   a kernel that knows what is attached need not ask (--region-manager=virtual). */
#include "l4.h"

enum { ROUNDS = 8, RM_LABEL = 0xe0, PAGER_LABEL = 0xf0, MR_ITEM = 10 };
static cap rm, dataspace;
static volatile u64 version;
static u64 where, view, broken, after;
static u8 other[PAGE] __attribute__((aligned(4096)));
static long attached = -1, detached = -1;

static u64 block(const volatile u64 *first, const volatile u64 *second) {
  u64 a, b;
  asm volatile("ld %0, 0(%2)\nld %1, 0(%3)" : "=&r"(a), "=&r"(b) : "r"(first), "r"(second) : "memory");
  return a != b;
}

static void client(void *unused) {
  (void)unused;
  struct utcb *u = utcb();
  const u64 request[MR_ITEM] = {0, where, ROUNDS * PAGE, MEM_RW, 0, 12, dataspace, 1};
  memcpy(u->mr, request, sizeof request);
  put_item(MR_ITEM, 0, MAP, OBJECT(dataspace, WSR));
  attached = status(call(rm, TAG(P_RM, MR_ITEM, 1, 0)));
  for (u64 i = 0; i < ROUNDS; i++) broken += block(&version, (u64 *)(where + i * PAGE));
  for (u64 i = 0; i < ROUNDS; i++) ((volatile u64 *)(where + i * PAGE))[1] = 100 + i;
  u->mr[0] = 1, u->mr[1] = where, u->mr[2] = ROUNDS * PAGE, u->mr[3] = 2;
  detached = status(call(rm, TAG(P_RM, 4, 0, 0)));
  after = *(volatile u64 *)(where + 2 * PAGE);
  call(rm, TAG(0, 0, 0, 0));
}

/* A page for the client: word count and items of the answer. */
static u64 page_in(u64 address, u64 kind, int is_attached) {
  u64 page = address & -PAGE, source = (u64)other;
  if (page < where || page >= where + ROUNDS * PAGE) {
    /* The program's own memory: it is there once this thread has touched it. */
    if (kind & 2) *(volatile u8 *)address = *(volatile u8 *)address;
    else (void)*(volatile u8 *)address;
    return TAG(0, 0, 0, 0);
  }
  if (is_attached) {
    source = view + (page - where);
    if (!*(u64 *)source) *(u64 *)source = version + 1, version++;
  }
  put_item(0, 0, MAP | page, MEMORY(source, 12, MEM_RW));
  return TAG(0, 0, 1, 0);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t = {.body = client};
  cap given = slot_alloc(), pager = slot_alloc();
  rm = slot_alloc(), dataspace = slot_alloc();
  t.cap = slot_alloc(), t.done = slot_alloc();
  EQUAL(dataspace_make(dataspace, ROUNDS * PAGE), 0);
  EQUAL(rm_attach(&view, ROUNDS * PAGE, RM_SEARCH | MEM_RW, dataspace, 0), 0);
  u->mr[0] = 3, u->mr[1] = 0, u->mr[2] = ROUNDS * PAGE, u->mr[3] = 12UL << 32 | RM_SEARCH | RM_RESERVED;
  EQUAL(status(call(env->rm, TAG(P_RM, 4, 0, 0))), 0);
  where = u->mr[0];
  *(u64 *)other = 4711;
  make(t.cap, P_THREAD), make(t.done, P_SEMAPHORE);
  make_gate(rm, env->main_thread, RM_LABEL), make_gate(pager, env->main_thread, PAGER_LABEL);
  t.utcb = utcb_alloc();
  thread_bind(t.cap, t.utcb, pager, pager);
  u64 ip = (u64)l4_thread_start, sp = stack_for(&t);
  thread_ex_regs(t.cap, 0, &ip, &sp);
  thread_run(t.cap, 2);

  section("protocol");
  int is_attached = 0, refused = 0;
  u64 label;
  u->bdr = 0, u->br[0] = BUFFER(given), u->br[1] = 0;
  for (u64 tag = wait_any(&label); TAG_LABEL(tag);) {
    u64 answer = TAG(0, 0, 0, 0);
    if (TAG_LABEL(tag) == P_PAGE_FAULT) {
      EQUAL(label & ~0xfUL, PAGER_LABEL);
      u64 address = u->mr[0] & ~7UL;
      if (!is_attached && address >= where && address < where + ROUNDS * PAGE) refused++;
      answer = page_in(address, u->mr[0] & 6, is_attached);
    } else {
      EQUAL(label & ~0xfUL, RM_LABEL);
      EQUAL(TAG_LABEL(tag), P_RM);
      if (u->mr[0] == 0) {
        EQUAL(TAG_ITEMS(tag), 1);
        EQUAL(cap_equal(given, dataspace), 1);
        is_attached = 1;
        u->mr[0] = where;
        answer = TAG(0, 1, 0, 0);
      } else {
        is_attached = 0;
        for (u64 i = 0; i < ROUNDS; i++) task_unmap(THIS_TASK, UNMAP_OTHERS, MEMORY(view + i * PAGE, 12, MEM_RW));
        u->mr[0] = where, u->mr[1] = ROUNDS * PAGE, u->mr[2] = dataspace;
        answer = TAG(8, 3, 0, 0);
      }
    }
    tag = reply_wait(answer, &label);
  }
  ipc(REPLY_CAP | REPLY | SEND, TAG(0, 0, 0, 0), TIMEOUT(POLL, NEVER), NULL);
  down(t.done, NEVER);
  EQUAL(attached, 0);
  EQUAL(detached, 8);
  section("same memory");
  for (u64 i = 0; i < ROUNDS; i++) EQUAL(((u64 *)(view + i * PAGE))[1], 100 + i);
  section("detached");
  EQUAL(refused, 1);
  EQUAL(after, 4711);
  u->br[0] = 0;
  drop(given), destroy(t.cap), destroy(t.done), destroy(rm), destroy(pager);
  EQUAL(rm_detach(view, ROUNDS * PAGE, 2, NULL) & 3, 0);
  drop(dataspace);
  slot_free(given), slot_free(t.cap), slot_free(t.done), slot_free(rm), slot_free(pager), slot_free(dataspace);
  int status = finish();
  put("%lu blocks, %lu of them broken into\n", (u64)ROUNDS, broken);
  return status;
}
