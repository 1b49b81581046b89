/* Handlers, masks, alternate stack, return to the interrupted code, directed and blocked signals. */
#include "mini.h"

struct siginfo { i32 signo, err, code, pad; u64 rest[14]; };
struct sigaction { void *handler; u64 flags, mask; };
struct sigstack { void *sp; i32 flags, pad; u64 size; };
enum { SA_SIGINFO = 4, SA_ONSTACK = 0x08000000, SA_NODEFER = 0x40000000, SA_RESETHAND = (int)0x80000000 };
enum { USR1 = 10, USR2 = 12, SEGV = 11, BLOCK = 0, UNBLOCK = 1, SETMASK = 2, SI_TKILL = -6 };

static volatile int count, depth, deepest, code;
static volatile u64 handler_sp, order;

static void note(int signo, struct siginfo *info, void *context) {
  (void)context;
  count++;
  code = info->code;
  order = order << 8 | (u64)signo;
  handler_sp = (u64)__builtin_frame_address(0);
}

static void raise(int signo) { sys(SYS_tgkill, sys(SYS_getpid), sys(SYS_gettid), signo); }

static void nested(int signo) {
  if (++depth > deepest) deepest = depth;
  if (count++ < 3) raise(signo);
  depth--;
}

/* Skips the four-byte load that faulted: pc is the first register of the saved context. */
static void skip(int signo, struct siginfo *info, u8 *context) {
  (void)signo, (void)info;
  count++;
  *(u64 *)(context + 176) += 4;      /* uc_mcontext lies at 176: pc, then x1.. */
  *(u64 *)(context + 176 + 8 * 10) = 1234; /* x10 */
}

static void on(int signo, void *handler, u64 flags, u64 mask) {
  struct sigaction a = {handler, flags, mask};
  EQUAL(sys(SYS_rt_sigaction, signo, &a, NULL, 8), 0);
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  section("directed");
  on(USR1, note, SA_SIGINFO, 0);
  raise(USR1);
  EQUAL(count, 1);
  EQUAL(code, SI_TKILL);
  struct sigaction old;
  EQUAL(sys(SYS_rt_sigaction, USR1, NULL, &old, 8), 0);
  CHECK(old.handler == note);
  EQUAL(sys(SYS_rt_sigaction, 9, &old, NULL, 8), -EINVAL); /* SIGKILL cannot be caught */

  section("registers survive");
  u64 s = 0x1111;
  double f = 1.5;
  for (int i = 0; i < 20; i++) {
    raise(USR1);
    s = s * 3 + 1;
    f = f * 2;
  }
  EQUAL(s, 0x1111 * 3486784401UL + (3486784401UL - 1) / 2); /* x -> 3x+1 twenty times */
  CHECK(f == 1.5 * 1048576);

  section("blocked");
  u64 set = 1UL << (USR1 - 1) | 1UL << (USR2 - 1), before;
  on(USR2, note, SA_SIGINFO, 0);
  count = 0, order = 0;
  EQUAL(sys(SYS_rt_sigprocmask, BLOCK, &set, &before, 8), 0);
  raise(USR2);
  raise(USR1);
  raise(USR1); /* a standard signal is pending once only */
  EQUAL(count, 0);
  EQUAL(sys(SYS_rt_sigprocmask, SETMASK, &before, NULL, 8), 0);
  EQUAL(count, 2);

  section("nested");
  count = 0;
  on(USR1, nested, SA_NODEFER, 0);
  raise(USR1);
  EQUAL(deepest, 4);
  count = 0, deepest = 0;
  on(USR1, nested, 0, 0); /* without SA_NODEFER the next one waits for the return */
  raise(USR1);
  EQUAL(deepest, 1);
  EQUAL(count, 4);

  section("alternate stack");
  static u8 other[16384] __attribute__((aligned(16)));
  struct sigstack stack = {other, 0, 0, sizeof other};
  EQUAL(sys(SYS_sigaltstack, &stack, NULL), 0);
  on(USR2, note, SA_SIGINFO | SA_ONSTACK, 0);
  raise(USR2);
  CHECK(handler_sp > (u64)other && handler_sp <= (u64)other + sizeof other);
  on(USR2, note, SA_SIGINFO, 0);
  raise(USR2);
  CHECK(handler_sp < (u64)other || handler_sp > (u64)other + sizeof other);

  section("changed context");
  count = 0;
  on(SEGV, skip, SA_SIGINFO, 0);
  u64 seen;
  asm volatile(".option push\n.option norvc\nld a0, 0(x0)\n.option pop\nmv %0, a0" : "=r"(seen)::"a0", "memory");
  EQUAL(seen, 1234);
  EQUAL(count, 1);

  section("ignored and reset");
  on(USR1, (void *)1, 0, 0);
  raise(USR1);
  on(USR1, note, SA_SIGINFO | (u64)(u32)SA_RESETHAND, 0);
  raise(USR1);
  EQUAL(sys(SYS_rt_sigaction, USR1, NULL, &old, 8), 0);
  CHECK(old.handler == NULL);
  return finish();
}
