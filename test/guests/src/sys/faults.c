/* faults CASE [catch]: runs into one fault. Without "catch" the process dies of the signal; with it a handler
   on an alternate stack prints signal, si_code and whether si_addr is right, and exits with 0. */
#include "mini.h"

struct siginfo { i32 signo, err, code, pad; u64 addr; u64 rest[13]; };
struct sigaction { void *handler; u64 flags, mask; };
struct sigstack { void *sp; i32 flags, pad; u64 size; };
enum { SA_SIGINFO = 4, SA_ONSTACK = 0x08000000 };

static u64 low, high; /* si_addr must lie in low..high */

static void handler(int signo, struct siginfo *info, void *context) {
  (void)context;
  const char *name = signo == 11 ? "SIGSEGV" : signo == 7 ? "SIGBUS" : signo == 4 ? "SIGILL" : signo == 5 ? "SIGTRAP" : "?";
  put("%s code %d address %s\n", name, info->code, info->addr >= low && info->addr <= high ? "right" : "WRONG");
  sys(SYS_exit_group, info->signo == signo ? 0 : 1);
}

static void expect(const void *from, u64 bytes) {
  low = (u64)from;
  high = low + bytes - 1;
}

static const u64 constant[2] = {1, 2};
static u64 data[2] = {0x0000806700008067, 0}; /* two ret instructions */

static u64 __attribute__((noinline)) deeper(u64 n) {
  volatile u8 frame[1024];
  frame[n % 1024] = (u8)n;
  return n == ~0UL ? 0 : deeper(n + 1) + frame[(n + 1) % 1024];
}

extern const u8 illegal_word[], break_word[], zero_word[];

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  if (argc < 2) return 2;
  const char *which = argv[1];
  if (argc > 2) {
    static u8 other_stack[16384] __attribute__((aligned(16)));
    struct sigstack stack = {other_stack, 0, 0, sizeof other_stack};
    struct sigaction action = {handler, SA_SIGINFO | SA_ONSTACK, 0};
    sys(SYS_sigaltstack, &stack, NULL);
    for (int s = 4; s <= 11; s++)
      if (s != 9) sys(SYS_rt_sigaction, s, &action, NULL, 8);
  }
  u64 sink;
  if (same(which, "null-read")) {
    expect((void *)8, 8);
    asm volatile("ld %0, 8(x0)" : "=r"(sink));
  } else if (same(which, "null-write")) {
    expect((void *)16, 1);
    asm volatile("sb x0, 16(x0)" ::: "memory");
  } else if (same(which, "write-rodata")) {
    expect(constant, 8);
    asm volatile("sd x0, 0(%0)" ::"r"(constant) : "memory");
  } else if (same(which, "write-code")) {
    expect(illegal_word, 4);
    asm volatile("sw x0, 0(%0)" ::"r"(illegal_word) : "memory");
  } else if (same(which, "exec-data")) {
    expect(data, 8);
    ((void (*)(void))data)();
  } else if (same(which, "exec-unmapped")) {
    expect((void *)0x10000000000, 2);
    asm volatile("jalr ra, 0(%0)" ::"r"(0x10000000000) : "ra");
  } else if (same(which, "past-end")) { /* a page of a shared file mapping wholly behind the file's end */
    long fd = sys(SYS_openat, -100, argv[0], 0);
    u64 size = (u64)sys(SYS_lseek, fd, 0, 2);
    u64 whole = (size + PAGE - 1) & ~(PAGE - 1);
    u8 *p = (u8 *)sys(SYS_mmap, 0, whole + PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    expect(p + whole, 1);
    asm volatile("lbu %0, 0(%1)" : "=r"(sink) : "r"(p + whole - 1)); /* the last page's tail is there */
    asm volatile("lbu %0, 0(%1)" : "=r"(sink) : "r"(p + whole));
  } else if (same(which, "stack-overflow")) {
    u64 here = (u64)__builtin_frame_address(0);
    expect((void *)(here - (64UL << 20)), 64UL << 20);
    put("%ld\n", deeper(0));
  } else if (same(which, "illegal")) {
    expect(illegal_word, 4);
    asm volatile(".globl illegal_word\nillegal_word: .word 0xffffffff");
  } else if (same(which, "all-zero")) {
    expect(zero_word, 2);
    asm volatile(".globl zero_word\nzero_word: .half 0, 0"); /* defined to be illegal */
  } else if (same(which, "ebreak")) {
    expect(break_word, 2);
    asm volatile(".globl break_word\nbreak_word: ebreak");
  } else if (same(which, "misaligned-amo")) {
    expect((u8 *)data + 1, 4);
    asm volatile("amoadd.w %0, %0, (%1)" : "=&r"(sink) : "r"((u8 *)data + 1) : "memory");
  } else if (same(which, "misaligned-lr")) {
    expect((u8 *)data + 4, 4);
    asm volatile("lr.d %0, (%1)" : "=&r"(sink) : "r"((u8 *)data + 4) : "memory");
  } else if (same(which, "page-cross")) { /* the second half of a misaligned load is unmapped */
    u8 *p = pages(2 * PAGE, PROT_READ | PROT_WRITE);
    sys(SYS_munmap, p + PAGE, PAGE);
    expect(p + PAGE - 4, 8);
    asm volatile("ld %0, 0(%1)" : "=r"(sink) : "r"(p + PAGE - 4));
  } else if (same(which, "page-cross-store")) { /* and the store must leave the first half as it was */
    u8 *p = pages(2 * PAGE, PROT_READ | PROT_WRITE);
    sys(SYS_munmap, p + PAGE, PAGE);
    expect(p + PAGE - 4, 8);
    asm volatile("sd %0, 0(%1)" ::"r"(-1L), "r"(p + PAGE - 4) : "memory");
  } else {
    return 2;
  }
  put("no fault\n");
  return 3;
}
