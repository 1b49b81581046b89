/* Runtime of the L4 guests: system call, UTCB, kernel objects, capability slots, threads, L4Re's basic services.
   Written from the ABI notes alone; section numbers are theirs. */
#ifndef L4_H
#define L4_H

#include "text.h"

/* A capability selector: slot index << 12 (2.1). */
typedef u64 cap;
#define SLOT(index) ((cap)(index) << 12)
#define INDEX(c) ((c) >> 12)
#define PAGE 4096UL
/* The calling thread; as a task argument: none (2.1). */
#define NO_CAP (~0UL << 11)
#define SELF NO_CAP
/* The implicit reply capability, in open waits and replies (2.1). */
#define REPLY_CAP (~0UL << 10)
/* A slot of the reply-cap space (2.1). */
#define REPLY_SLOT(index) (SLOT(index) | 0x400)
/* Slots that every program has (12.2). */
#define THIS_TASK SLOT(1)

enum { SEND = 1, RECEIVE = 2, OPEN_WAIT = 4, REPLY = 8, CALL = 3, WAIT = 6, SEND_WAIT = 7, REPLY_WAIT = 15 };

/* Labels (2.2, 11). */
enum {
  P_IRQ = -1, P_PAGE_FAULT = -2, P_EXCEPTION = -5, P_SIGMA0 = -6, P_KOBJECT = -10, P_TASK = -11, P_THREAD = -12,
  P_LOG = -13, P_SCHEDULER = -14, P_FACTORY = -15, P_IRQ_SENDER = -18, P_SEMAPHORE = -20, P_META = -21,
  P_DEBUGGER = -23, P_DATASPACE = 0x4000, P_NAMESPACE = 0x4001, P_PARENT = 0x4002, P_RM = 0x4005, P_ITAS = 0x400a
};

/* Errors of objects, negated in the label (2.5). */
enum {
  EPERM = 1, ENOENT = 2, ENOMEM = 12, EEXIST = 17, ENODEV = 19, EINVAL = 22, ENOSYS = 38, EBADPROTO = 39,
  EADDRNOTAVAIL = 99, EMSGTOOSHORT = 1001
};

/* Errors of the IPC, in the UTCB; bit 0: receive phase (2.4). status() gives -(2000 + error). */
enum { IPC_TIMEOUT = 2, IPC_NOT_EXISTENT = 4, IPC_CANCELED = 6, IPC_OVERFLOW = 8, IPC_NO_REPLY_CAP = 0x13 };
#define FAILED(error) (-(2000L + (error)))
#define WHILE_RECEIVING(error) FAILED((error) | 1)

/* Tag (2.2). */
#define TAG(label, words, items, flags) \
  (((u64)(long)(label) << 16) | (u64)(flags) | ((u64)(items) << 6) | (u64)(words))
#define TAG_WORDS(tag) ((tag) & 63)
#define TAG_ITEMS(tag) ((tag) >> 6 & 63)
#define TAG_LABEL(tag) ((long)(tag) >> 16)
enum { TAG_SCHEDULE = 0x2000, TAG_ERROR = 0x8000 };

/* Timeouts (2.3): receive in the low, send in the high half word. */
#define TIMEOUT(send, receive) ((u64)(send) << 16 | (u64)(receive))
enum { NEVER = 0, POLL = 0x400, BR_TIME = 0x8000 };
/* Microseconds, up to 1023 << 31. */
u64 micros(u64 us);

struct utcb {
  u64 mr[63], address;
  u64 bdr, br[58];
  u64 error, free_marker, user[3];
};
_Static_assert(sizeof(struct utcb) == 1024, "3");
static inline struct utcb *utcb(void) {
  struct utcb *u;
  asm volatile("ld %0, -24(tp)" : "=r"(u));
  return u;
}

/* The system call (1). `label` goes out as the sender's label and comes back as the received one; may be NULL. */
static inline u64 ipc(u64 destination, u64 tag, u64 timeouts, u64 *label) {
  register u64 a0 asm("a0") = tag;
  register u64 a1 asm("a1") = destination;
  register u64 a2 asm("a2") = timeouts;
  register u64 a3 asm("a3") = label ? *label : 0;
  asm volatile("ecall" : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3) : : "memory");
  if (label) *label = a3;
  return a0;
}
static inline u64 call(cap to, u64 tag) { return ipc(to | CALL, tag, 0, NULL); }
static inline u64 send(cap to, u64 tag) { return ipc(to | SEND, tag, 0, NULL); }
static inline u64 receive(cap from, u64 timeouts) { return ipc(from | RECEIVE, 0, timeouts, NULL); }
static inline u64 wait_any(u64 *label) { return ipc(REPLY_CAP | WAIT, 0, 0, label); }
static inline u64 reply_wait(u64 tag, u64 *label) {
  return ipc(REPLY_CAP | REPLY_WAIT, tag, TIMEOUT(POLL, NEVER), label);
}
/* Label of a result, or -(2000 + IPC error). */
static inline long status(u64 tag) { return tag & TAG_ERROR ? FAILED(utcb()->error) : TAG_LABEL(tag); }

/* Flexpages (4.1), send items (4.2), receive buffers (4.3). */
enum { W = 1, S = 2, R = 4, D = 8, WS = 3, WSR = 7, WSRD = 15, MEM_X = 1, MEM_W = 2, MEM_R = 4, MEM_RW = 6 };
#define OBJECT(c, rights) (((c) & ~0xfffUL) | 0x30 | (u64)(rights))
#define OBJECTS(c, order, rights) (OBJECT(c, rights) | (u64)(order) << 6)
#define MEMORY(address, order, rights) (((u64)(address) & ~0xfffUL) | (u64)(order) << 6 | 0x10 | (u64)(rights))
#define ALL_MEMORY MEMORY(0, 63, 0)
enum { MAP = 8, GRANT = 10, COMPOUND = 1, WEAK = 0x10, SERVER_RIGHT = 0x20, ALL_OBJECT_RIGHTS = 0xe0 };
#define BUFFER(slot) (((slot) & ~0xfffUL) | 0xa)
#define BUFFER_OR_ID(slot) (((slot) & ~0xfffUL) | 0xe)
#define WINDOW 8UL
/* Writes item `i` behind `words` words. */
void put_item(u64 words, u64 i, u64 control, u64 flexpage);
/* Result of a received item (4.4): 0 mapped, 2 nothing mapped, 4 gate id, 6 flexpage. */
enum { GOT_MAPPING = 0, GOT_NOTHING = 2, GOT_ID = 4, GOT_FLEXPAGE = 6 };
#define GOT(word0) ((word0) & 6)

/* Environment (12.1, 12.3). */
struct env {
  cap parent, rm, mem_alloc, log, main_thread, factory, scheduler, itas, dbg_events;
  u64 first_free_cap, first_free_reply_cap, utcb_area, first_free_utcb;
  struct { cap cap; u64 flags; char name[16]; } *caps;
};
extern struct env *env;
extern u8 *kip;
/* A named capability of the environment, NO_CAP when there is none. */
cap env_cap(const char *name);
/* Microseconds since boot, by the kernel's own code (8). */
u64 now(void);

/* Factory (6.1). Results: 0 or a negative error. */
long make(cap slot, long protocol);
long make_from(cap factory, cap slot, long protocol);
long make_gate(cap slot, cap thread, u64 label);
long make_factory(cap slot, u64 limit);
/* `area` is the UTCB area asked for, 0 for none. */
long make_task(cap slot, u64 area);

/* Task (6.2, 4.6, 4.7). */
enum { UNMAP_SELF = 0x80000000L, UNMAP_DELETE = 0xc0000000L, UNMAP_OTHERS = 0 };
long task_map(cap to, cap from, u64 flexpage, u64 control);
long task_unmap(cap task, u64 mask, u64 flexpage);
long cap_valid(cap c);
long cap_equal(cap a, cap b);
/* Destroys or releases what a slot holds. */
static inline void drop(cap c) { task_unmap(THIS_TASK, UNMAP_SELF, OBJECT(c, WSR)); }
static inline void destroy(cap c) { task_unmap(THIS_TASK, UNMAP_DELETE, OBJECT(c, WSRD)); }

/* Capability slots: the allocator of L4Re's utility library, under its symbols, with the same meaning (15). */
cap slot_alloc(void) asm("l4re_util_cap_alloc");
void slot_free(cap c) asm("l4re_util_cap_free");
cap cxx_slot_alloc(void *self) asm("_ZN4L4Re4Util10_Cap_alloc5allocEv");
void cxx_slot_free(void *self, cap c, cap task, u32 mask) asm("_ZN4L4Re4Util10_Cap_alloc4freeEN2L43CapIvEEmj");
void cxx_slot_take(void *self, cap c) asm("_ZN4L4Re4Util10_Cap_alloc4takeEN2L43CapIvEE");
void cxx_slot_release(void *self, cap c, cap task, u32 mask)
    asm("_ZN4L4Re4Util10_Cap_alloc7releaseEN2L43CapIvEEmj");
/* Gives the index back and leaves the capability in the slot. */
static inline void slot_free_mapped(cap c) { cxx_slot_free(NULL, c, NO_CAP, 0); }

/* Gates, IRQs, semaphores (6.5 to 6.7). */
long bind(cap object, cap thread, u64 label);
long trigger(cap irq);
long detach(cap irq);
static inline long up(cap semaphore) { return trigger(semaphore); }
long down(cap semaphore, u64 receive_timeout);

/* Threads (6.3, 6.4, 13). */
struct thread {
  cap cap;
  struct utcb *utcb;
  void (*body)(void *);
  void *argument;
  cap done; /* up when the body has returned */
  u8 *stack;
  u32 running; /* 1 once the body runs */
};
/* Starts a thread with the priority; it runs body(argument). 0 or a negative error. Comes back when the body runs. */
long thread_start_at(struct thread *t, int priority, void (*body)(void *), void *argument);
static inline long thread_start(struct thread *t, void (*body)(void *), void *argument) {
  return thread_start_at(t, 2, body, argument);
}
/* Waits for the body to return, then destroys the thread and frees its slots. */
void thread_join(struct thread *t);
/* Destroys a thread wherever it is and frees its slots. */
void thread_kill(struct thread *t);
/* Waits until the thread stands in a system call that does not come back at once: it blocks. */
void thread_blocks(const struct thread *t);
/* The parts of thread_start, for guests that go their own way. */
struct utcb *utcb_alloc(void);
long thread_bind(cap thread, struct utcb *u, cap pager, cap handler);
long thread_ex_regs(cap thread, u64 flags, u64 *ip, u64 *sp);
long thread_run(cap thread, int priority);
enum { EX_CANCEL = 0x10000, EX_TRIGGER = 0x20000 };
/* A stack top that starts body(argument) when a thread runs l4_thread_start on it. */
u64 stack_for(struct thread *t);
extern const u8 l4_thread_start[];

/* Region manager and dataspaces (11.1 to 11.3). */
enum { RM_SEARCH = 0x20000, RM_EAGER = 0x80000, RM_ANONYMOUS = 0x2000, RM_PRIVATE = 0x1000, RM_RESERVED = 0x800 };
long rm_attach(u64 *start, u64 size, u64 flags, cap dataspace, u64 offset);
long rm_detach(u64 address, u64 size, u64 flags, cap *dataspace);
long dataspace_make(cap slot, u64 size);

void sleep_us(u64 us);
void yield(void);
/* Ends the program (11.5). */
void leave(int code) __attribute__((noreturn));

/* A request to the tool that runs the program; 0 where there is none. */
u64 tool_request(u64 number);
enum { CAPCHECK_LEAKS = 0x43430000 };

/* The guest's main function; its result is the exit code. */
int guest(int argc, char **argv);
#endif
