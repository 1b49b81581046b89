/* Random system calls: two tasks at once make them, full of random capabilities, flexpages, tags, selectors and words, also
   against each other; the root task pages them from copies of its own image, starts them anew when they have killed or
   stopped themselves, and finds the kernel in order afterwards. The module's arguments: calls to make, first seed. */
#include "boot.h"

enum { TASKS = 2, PAGES = 512, QUOTA = 4 << 20, LIFE = 2000 };
/* Slots of the fuzzing tasks. */
enum { S_TASK = 1, S_FACTORY, S_THREAD, S_GATE, S_SCHEDULER = 7, S_ICU = 6, S_OTHER_TASK = 8, S_OTHER_THREAD, S_PAGER = 0x20 };
static const u64 board_at = 0x2000000, utcbs = 0x70000000;
extern const u8 _start[], _end[];

/* A page that both sides share. */
struct board { u64 seed, calls, bad_errors; };

static struct fuzzer {
  struct thread thread;
  cap task, pager, gate, factory;
  struct board *board;
  u8 *copies;
  u64 stack, used, seen, idle;
} fuzzers[TASKS];

/* --- in a fuzzing task ------------------------------------------------------------------------------------------- */

static u64 state;
static u64 random_word(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}
static u64 below(u64 n) { return (random_word() >> 11) % n; }

static u64 some_slot(void) { return below(6) ? below(0x40) : below(1 << 20); }
static u64 any_word(void) {
  static const long types[] = {0, -10, -11, -12, -15, -18, -20, -21, 0x4000, -99};
  static const u64 words[] = {0x80001, 0x80003, 0x80081, 0x1210000, 0x10000, 0x20001, 0x80000000, 0xc0000000};
  switch (below(12)) {
    case 0: return below(20);
    case 1: return (u64)types[below(10)];
    case 2: return OBJECTS(SLOT(some_slot()), below(4) ? 0 : below(64), below(16));
    case 3: return MEMORY(below(1 << 16) << 12, below(4) ? 12 : below(64), below(16));
    case 4: return SLOT(some_slot()) | below(4096);
    case 5: return utcbs + below(0x2000);
    case 6: return 8 + below(256);
    case 7: return words[below(8)];
    case 8: return (u64)_start + below(0x20000);
    case 9: return board_at + below(4096);
    case 10: return random_word() >> below(64);
    default: return -below(1 << 16);
  }
}

static int known_error(u64 e) { return (e >= 2 && e <= 0x11) || e == IPC_NO_REPLY_CAP; }

static void fuzz(void *unused) {
  (void)unused;
  static const long labels[] = {0, -1, -2, -5, -6, -8, -10, -11, -12, -13, -14, -15, -16, -18, -20, -21, -23, 0x4000};
  static const u64 spaces[] = {0, 0, 0, 0, 0, 0x400, 0x800, 0xc00, 0x10};
  struct board *board = (struct board *)board_at;
  state = board->seed * 0x9e3779b97f4a7c15 | 1;
  /* Never the thread's own pointer: it may have been told another one. */
  struct utcb *u = (struct utcb *)utcbs;
  for (u32 made = 0; made < LIFE; made++) {
    for (u32 i = 0; i < 14; i++) u->mr[i] = any_word();
    for (u32 i = 0; i < 6; i++) u->br[i] = below(3) ? any_word() : 0;
    u->bdr = below(4) ? 0 : below(1 << 25);
    u64 to = SLOT(some_slot()) | spaces[below(9)] | below(16);
    u64 words = below(5) ? below(9) : below(64), items = below(3) ? below(2) : below(20) ? below(4) : below(64);
    long label = below(8) ? labels[below(18)] : (long)below(65536) - 32768;
    /* Once in a while for ever: somebody has to come and help. */
    u64 timeouts = below(3000) ? below(3) ? 0x4000400 : 0x4010401 : below(2) ? 0 : random_word() & 0xffffffff;
    u64 from = random_word();
    u64 tag = ipc(to, TAG(label, words, items, below(16) << 12), timeouts, &from);
    /* A plain send leaves its own tag. */
    if ((tag & TAG_ERROR) && (to & RECEIVE) && !known_error(u->error)) board->bad_errors++;
    __atomic_fetch_add(&board->calls, 1, __ATOMIC_RELAXED);
  }
  /* By now most capabilities are gone: a fault that nobody resolves asks for a new life. */
  *(volatile u8 *)(board_at + PAGE) = 0;
}

/* --- in the root task -------------------------------------------------------------------------------------------- */

static u64 take_memory(u64 order) {
  struct utcb *u = utcb();
  u->mr[0] = S0_REQUEST(S0_ANY_RAM);
  u->mr[1] = order << 6;
  u->br[0] = WINDOW;
  u->br[1] = ALL_MEMORY;
  u->br[2] = 0;
  long result = status(call(env->rm, TAG(P_SIGMA0, 2, 0, 0)));
  u->br[0] = 0;
  return result < 0 ? 0 : u->mr[0] & ~0xfffUL;
}

static void give(struct fuzzer *f, cap what, u64 slot) {
  EQUAL(task_map(f->task, THIS_TASK, OBJECT(what, WSR), MAP | ALL_OBJECT_RIGHTS | SLOT(slot)), 0);
}

static void start(struct fuzzer *f, u64 label, u64 seed) {
  struct utcb *u = utcb();
  EQUAL(make_factory(f->factory, QUOTA), 0);
  EQUAL(make_task(f->task, MEMORY(utcbs, 12, MEM_RW)), 0);
  EQUAL(make(f->thread.cap, P_THREAD), 0);
  EQUAL(make_gate(f->pager, env->main_thread, label | 0x40), 0);
  EQUAL(make_gate(f->gate, env->main_thread, label | 0x80), 0);
  give(f, f->task, S_TASK), give(f, f->factory, S_FACTORY), give(f, f->thread.cap, S_THREAD);
  give(f, f->gate, S_GATE), give(f, SLOT(6), S_ICU), give(f, env->scheduler, S_SCHEDULER), give(f, f->pager, S_PAGER);
  f->board->seed = seed;
  f->used = f->idle = 0;
  f->seen = f->board->calls;
  if (!f->stack) f->stack = stack_for(&f->thread);
  u64 sp = f->stack, ip = (u64)l4_thread_start;
  u->mr[0] = 0x1210000;
  u->mr[1] = u->mr[2] = SLOT(S_PAGER);
  u->mr[3] = u->mr[4] = 0;
  u->mr[5] = utcbs;
  put_item(6, 0, MAP, OBJECT(f->task, WSR));
  EQUAL(status(call(f->thread.cap, TAG(P_THREAD, 6, 1, 0))), 0);
  EQUAL(thread_ex_regs(f->thread.cap, 0, &ip, &sp), 0);
  EQUAL(thread_run(f->thread.cap, 2), 0);
}

/* They may reach into each other, as far as both are there. */
static void acquaint(void) {
  for (u64 k = 0; k < TASKS; k++) {
    give(&fuzzers[k], fuzzers[!k].task, S_OTHER_TASK);
    give(&fuzzers[k], fuzzers[!k].thread.cap, S_OTHER_THREAD);
  }
}

static void stop(struct fuzzer *f) {
  destroy(f->thread.cap), destroy(f->task), destroy(f->factory), destroy(f->gate), destroy(f->pager);
}

/* A page of a copy of this task's image as it is now; 0 when there is nothing at the address, or too much was asked for. */
static u64 page_for(struct fuzzer *f, u64 at) {
  if (at == board_at) return (u64)f->board;
  if (at < ((u64)_start & ~(PAGE - 1)) || at >= (u64)_end || f->used == PAGES) return 0;
  u8 *copy = f->copies + f->used++ * PAGE;
  memcpy(copy, (const void *)at, PAGE);
  return (u64)copy;
}

static u64 total(void) {
  u64 n = 0;
  for (u64 k = 0; k < TASKS; k++) n += __atomic_load_n(&fuzzers[k].board->calls, __ATOMIC_RELAXED);
  return n;
}

/* Arguments of this program, from the boot loader's list. */
static u64 argument(u32 n, u64 otherwise) {
  struct utcb *u = utcb();
  u->mr[0] = S0_REQUEST(S0_KIP), u->mr[1] = 0, u->br[0] = WINDOW, u->br[1] = ALL_MEMORY, u->br[2] = 0;
  call(env->rm, TAG(P_SIGMA0, 2, 0, 0));
  kip = (u8 *)(u->mr[0] & ~0xfffUL);
  struct modules *list = *(struct modules **)(kip + 0x40);
  struct module *m = (struct module *)list->first;
  for (u32 i = 0; i < list->count; i++) {
    if (m[i].flags != 3) continue;
    const char *s = (const char *)m[i].text;
    for (; n && *s; s++) n -= *s == ' ';
    return *s ? number(s) : otherwise;
  }
  return otherwise;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  u64 calls = argument(1, 10000), seed = argument(2, 1), label;
  struct utcb *u = utcb();
  section("random calls");
  for (u64 k = 0; k < TASKS; k++) {
    struct fuzzer *f = &fuzzers[k];
    f->thread.body = fuzz;
    f->task = slot_alloc(), f->pager = slot_alloc(), f->gate = slot_alloc(), f->factory = slot_alloc();
    f->thread.cap = slot_alloc();
    f->board = (struct board *)take_memory(12);
    f->copies = (u8 *)take_memory(21); /* PAGES of them */
    CHECK(f->board && f->copies);
    start(f, k << 8, seed++);
  }
  acquaint();
  u64 tag = ipc(REPLY_CAP | WAIT, 0, TIMEOUT(NEVER, micros(20000)), &label);
  while (total() < calls) {
    u64 answer = TAG(0, 0, 0, 0), dead = 0;
    struct fuzzer *f = &fuzzers[label >> 8 & 1];
    if (tag & TAG_ERROR) {
      f = 0;
      answer = 0;
    } else if ((label & 0xf0) == 0x40 && TAG_LABEL(tag) == P_PAGE_FAULT && TAG_WORDS(tag) == 2 && !TAG_ITEMS(tag)) {
      u64 at = u->mr[0] & ~(PAGE - 1), from = page_for(f, at);
      if (from) {
        put_item(0, 0, MAP | at, MEMORY(from, 12, MEM_R | MEM_W | MEM_X));
        answer = TAG(0, 0, 1, 0);
      } else {
        dead = 1;
      }
    } else if ((label & 0xf0) == 0x40 && TAG_LABEL(tag) == P_EXCEPTION) {
      dead = 1;
    } else {
      answer = TAG(0, TAG_WORDS(tag) & 7, 0, 0);
    }
    u64 again = dead;
    for (u64 k = 0; k < TASKS; k++) {
      struct fuzzer *g = &fuzzers[k];
      u64 now = __atomic_load_n(&g->board->calls, __ATOMIC_RELAXED);
      if (now != g->seen) g->seen = now, g->idle = 0;
      else if (tag & TAG_ERROR) g->idle++;
      /* Silent while nobody asked for anything: it waits for ever, or is gone. */
      if ((dead && g == f) || g->idle > 2) {
        stop(g);
        start(g, k << 8, seed++);
        again = 1;
      }
    }
    if (again) {
      acquaint();
      tag = ipc(REPLY_CAP | WAIT, 0, TIMEOUT(NEVER, micros(20000)), &label);
    } else {
      u64 op = tag & TAG_ERROR ? WAIT : REPLY_WAIT;
      tag = ipc(REPLY_CAP | op, answer, TIMEOUT(POLL, micros(20000)), &label);
    }
  }
  for (u64 k = 0; k < TASKS; k++) {
    EQUAL(fuzzers[k].board->bad_errors, 0);
    stop(&fuzzers[k]);
  }
  section("in order afterwards");
  cap c = slot_alloc();
  EQUAL(make(c, P_SEMAPHORE), 0);
  EQUAL(up(c), 0);
  EQUAL(down(c, POLL), 0);
  EQUAL(down(c, POLL), WHILE_RECEIVING(IPC_TIMEOUT));
  destroy(c);
  EQUAL(cap_valid(c), 0);
  /* Nothing that the tasks made is charged to anybody any more. */
  EQUAL(make_factory(c, 255UL << 20), 0);
  put("%s\n", finish() ? "failed" : "done");
  return 0;
}
