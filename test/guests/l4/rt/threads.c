/* Threads: a capability, a UTCB, a stack, and a semaphore that is up when the body has returned. */
#include "l4.h"

enum { STACKS = 16, STACK_BYTES = 16384 };
static u8 stacks[STACKS][STACK_BYTES] __attribute__((aligned(4096)));
static u32 stack_taken[STACKS];
static u64 next_utcb, end_utcb;
static u32 utcb_lock;
static struct utcb *free_utcbs;

void yield(void) {
  utcb()->mr[0] = 2;
  call(SELF, TAG(P_THREAD, 1, 0, 0));
}

static void lock(u32 *word) {
  while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE)) yield();
}
static void unlock(u32 *word) { __atomic_store_n(word, 0, __ATOMIC_RELEASE); }

/* Another page of kernel-user memory, at an address that the region manager keeps free (3, 14). */
static int more_utcbs(void) {
  struct utcb *u = utcb();
  u->mr[0] = 3;
  u->mr[1] = 0;
  u->mr[2] = PAGE;
  u->mr[3] = 12UL << 32 | RM_SEARCH | RM_RESERVED;
  if (status(call(env->rm, TAG(P_RM, 4, 0, 0))) < 0) return 0;
  u64 at = u->mr[0];
  u->mr[0] = 3;
  u->mr[1] = MEMORY(at, 12, MEM_RW);
  if (status(call(THIS_TASK, TAG(P_TASK, 2, 0, 0))) < 0) return 0;
  next_utcb = at;
  end_utcb = at + PAGE;
  return 1;
}

struct utcb *utcb_alloc(void) {
  struct utcb *u = NULL;
  lock(&utcb_lock);
  if (free_utcbs && !free_utcbs->free_marker) {
    u = free_utcbs;
    free_utcbs = (struct utcb *)u->user[2];
  } else {
    if (!end_utcb) {
      next_utcb = env->first_free_utcb;
      end_utcb = (env->utcb_area & ~0xfffUL) + (1UL << (env->utcb_area >> 6 & 63));
    }
    if (next_utcb + sizeof *u <= end_utcb || more_utcbs()) {
      u = (struct utcb *)next_utcb;
      next_utcb += sizeof *u;
    }
  }
  unlock(&utcb_lock);
  return u;
}

/* The kernel clears the marker once the thread is gone; until then the UTCB is not handed out again (3). */
static void utcb_free(struct utcb *u) {
  lock(&utcb_lock);
  u->user[2] = (u64)free_utcbs;
  free_utcbs = u;
  unlock(&utcb_lock);
}

long thread_bind(cap thread, struct utcb *at, cap pager, cap handler) {
  struct utcb *u = utcb();
  u->mr[0] = 0x1210000;
  u->mr[1] = pager;
  u->mr[2] = handler;
  u->mr[3] = u->mr[4] = 0;
  u->mr[5] = (u64)at;
  put_item(6, 0, MAP, OBJECT(THIS_TASK, WSR));
  return status(call(thread, TAG(P_THREAD, 6, 1, 0)));
}

/* Where the region manager lives in the task, it binds the thread and is told about it (13). */
static long register_thread(cap thread, struct utcb *at) {
  struct utcb *u = utcb();
  u->mr[0] = 0;
  u->mr[1] = (u64)at;
  put_item(2, 0, MAP, OBJECT(env->main_thread, WSR));
  put_item(2, 1, MAP, OBJECT(thread, WSR));
  return status(call(env->itas, TAG(P_ITAS, 2, 2, 0)));
}

static void unregister_thread(cap thread) {
  if (env->itas & 0x800) return;
  utcb()->mr[0] = 1;
  put_item(1, 0, MAP, OBJECT(thread, WSR));
  call(env->itas, TAG(P_ITAS, 1, 1, 0));
}

long thread_ex_regs(cap thread, u64 flags, u64 *ip, u64 *sp) {
  struct utcb *u = utcb();
  u->mr[0] = 1 | flags;
  u->mr[1] = *ip;
  u->mr[2] = *sp;
  long result = status(call(thread, TAG(P_THREAD, 3, 0, 0)));
  *ip = u->mr[1];
  *sp = u->mr[2];
  return result;
}

long thread_run(cap thread, int priority) {
  struct utcb *u = utcb();
  u->mr[0] = 1;
  u->mr[1] = 0xff000000;
  u->mr[2] = 1;
  u->mr[3] = (u64)(long)priority;
  u->mr[4] = 0;
  put_item(5, 0, MAP, OBJECT(thread, WSR));
  return status(call(env->scheduler, TAG(P_SCHEDULER, 5, 1, 0)));
}

void l4_thread_body(struct thread *t) {
  __atomic_store_n(&t->running, 1, __ATOMIC_RELEASE);
  t->body(t->argument);
  up(t->done);
  for (;;) receive(SELF, 0);
}

u64 stack_for(struct thread *t) {
  for (u32 i = 0; i < STACKS; i++) {
    if (__atomic_exchange_n(&stack_taken[i], 1, __ATOMIC_ACQUIRE)) continue;
    t->stack = stacks[i];
    u64 *top = (u64 *)(t->stack + STACK_BYTES - 16);
    top[0] = (u64)t;
    return (u64)top;
  }
  return 0;
}

long thread_start_at(struct thread *t, int priority, void (*body)(void *), void *argument) {
  t->body = body;
  t->argument = argument;
  t->cap = slot_alloc();
  t->done = slot_alloc();
  t->utcb = utcb_alloc();
  u64 sp = stack_for(t), ip = (u64)l4_thread_start;
  if (!t->utcb || !sp) return -ENOMEM;
  long error = make(t->cap, P_THREAD);
  if (error >= 0) error = make(t->done, P_SEMAPHORE);
  if (error >= 0) {
    error = env->itas & 0x800 ? thread_bind(t->cap, t->utcb, env->rm, env->rm) : register_thread(t->cap, t->utcb);
  }
  if (error >= 0) error = thread_ex_regs(t->cap, 0, &ip, &sp);
  if (error >= 0) {
    t->utcb->free_marker = 1;
    t->running = 0;
    error = thread_run(t->cap, priority);
  }
  while (error >= 0 && !__atomic_load_n(&t->running, __ATOMIC_ACQUIRE)) sleep_us(500);
  return error < 0 ? error : 0;
}

/* Where the thread is, as ex_regs tells without changing anything (6.3). */
static u64 ip_of(cap thread) {
  u64 ip = ~0UL, sp = ~0UL;
  return thread_ex_regs(thread, 0, &ip, &sp) < 0 ? 0 : ip;
}

void thread_blocks(const struct thread *t) {
  enum { ECALL = 0x73, AT_LEAST_US = 20000 };
  u64 last = 0, since = 0;
  for (;;) {
    u64 ip = __atomic_load_n(&t->running, __ATOMIC_ACQUIRE) ? ip_of(t->cap) : 0;
    /* The kernel says the place of the call or the one behind it. */
    int called = ip && (*(const u32 *)ip == ECALL || *(const u32 *)(ip - 4) == ECALL);
    if (!called || ip != last) since = now();
    else if (now() - since >= AT_LEAST_US) return;
    last = ip;
    sleep_us(2000);
  }
}

void thread_kill(struct thread *t) {
  unregister_thread(t->cap);
  cxx_slot_free(NULL, t->cap, THIS_TASK, UNMAP_DELETE);
  cxx_slot_free(NULL, t->done, THIS_TASK, UNMAP_DELETE);
  utcb_free(t->utcb);
  __atomic_store_n(&stack_taken[(u64)(t->stack - stacks[0]) / STACK_BYTES], 0, __ATOMIC_RELEASE);
}

void thread_join(struct thread *t) {
  down(t->done, NEVER);
  thread_kill(t);
}
