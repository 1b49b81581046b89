/* The freestanding guests' runtime: system calls, a small printf, checks, threads and a futex mutex.
   No libc: the ELF stays below 15 KB and every instruction in it is ours. */
#ifndef MINI_H
#define MINI_H

#include "text.h"

enum {
  SYS_getcwd = 17, SYS_fcntl = 25, SYS_mkdirat = 34, SYS_unlinkat = 35, SYS_symlinkat = 36, SYS_ftruncate = 46,
  SYS_openat = 56, SYS_close = 57, SYS_pipe2 = 59, SYS_getdents64 = 61, SYS_lseek = 62, SYS_read = 63,
  SYS_write = 64, SYS_readv = 65, SYS_writev = 66, SYS_pread64 = 67, SYS_pwrite64 = 68, SYS_readlinkat = 78,
  SYS_newfstatat = 79, SYS_fstat = 80, SYS_exit = 93, SYS_exit_group = 94, SYS_set_tid_address = 96,
  SYS_futex = 98, SYS_set_robust_list = 99, SYS_nanosleep = 101, SYS_clock_gettime = 113, SYS_sched_yield = 124,
  SYS_kill = 129, SYS_tgkill = 131, SYS_sigaltstack = 132, SYS_rt_sigaction = 134, SYS_rt_sigprocmask = 135,
  SYS_uname = 160, SYS_getpid = 172, SYS_gettid = 178, SYS_brk = 214, SYS_munmap = 215, SYS_mremap = 216,
  SYS_clone = 220, SYS_mmap = 222, SYS_mprotect = 226, SYS_madvise = 233, SYS_clone3 = 435
};

enum { EPERM = 1, ENOENT = 2, EBADF = 9, EAGAIN = 11, ENOMEM = 12, EFAULT = 14, EEXIST = 17, ENOTDIR = 20,
       EINVAL = 22, ESPIPE = 29, ENOSYS = 38, ETIMEDOUT = 110 };

static inline long sys6(long n, long a, long b, long c, long d, long e, long f) {
  register long r0 asm("a0") = a;
  register long r1 asm("a1") = b;
  register long r2 asm("a2") = c;
  register long r3 asm("a3") = d;
  register long r4 asm("a4") = e;
  register long r5 asm("a5") = f;
  register long r7 asm("a7") = n;
  asm volatile("ecall" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r7) : "memory");
  return r0;
}
/* sys(number, up to six arguments): returns the kernel's value, -errno on failure. */
#define sys(...) SYS_PICK(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define SYS_PICK(n, a, b, c, d, e, f, ...) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* mmap prot and flags */
enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 16, MAP_ANONYMOUS = 32, MAP_FIXED_NOREPLACE = 0x100000 };
#define PAGE 4096UL

/* Anonymous private pages; leaves the process on failure. */
void *pages(u64 bytes, int prot);

/* Threads: clone(2) with a stack and a TLS block of their own; join waits on the cleared tid word. */
struct thread {
  u32 tid; /* set by the kernel before the thread runs, cleared and woken when it is gone */
  void *(*function)(void *);
  void *argument;
  void *result;
  void *stack;
  u64 stack_bytes;
};
/* 0, or -errno of clone. */
long thread_start(struct thread *t, void *(*function)(void *), void *argument);
void *thread_join(struct thread *t);
/* A fresh TLS block, initialised from PT_TLS: what tp has to point to. */
void *tls_new(void *room);
u64 tls_bytes(void);

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE = 4, FUTEX_WAKE_OP = 5,
       FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET = 10, FUTEX_PRIVATE = 128 };
struct timespec { i64 sec, nsec; };

/* Three-state futex mutex: 0 free, 1 held, 2 held and perhaps waited for. */
struct mutex { u32 state; };
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

/* A barrier for a fixed number of threads, by futex. */
struct barrier { u32 size, arrived, round; };
void barrier_wait(struct barrier *b);

/* Spins until *word == value, giving the processor away now and then. */
void wait_until(u32 *word, u32 value);
void sleep_ms(u64 ms);

int guest(int argc, char **argv, char **envp, u64 *auxv);
#endif
