#include "mini.h"

void emit(const char *text, u64 bytes) { sys(SYS_write, 1, text, bytes); }

void *pages(u64 bytes, int prot) {
  long p = sys(SYS_mmap, 0, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p < 0 && p > -4096) {
    put("mmap of %lu bytes: %ld\n", bytes, p);
    sys(SYS_exit_group, 99);
  }
  return (void *)p;
}

/* Elf64_Phdr, as the linker left it in the first page of the image. */
struct phdr {
  u32 type, flags;
  u64 offset, vaddr, paddr, filesz, memsz, align;
};
extern const u8 __ehdr_start[] __attribute__((visibility("hidden")));

enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_TLS = 7, DT_RELA = 7, DT_RELASZ = 8, R_RELATIVE = 3 };

static const struct phdr *header(u32 type) {
  const struct phdr *p = (const void *)(__ehdr_start + *(const u64 *)(__ehdr_start + 32));
  for (u32 n = *(const u16 *)(__ehdr_start + 56); n--; p++)
    if (p->type == type) return p;
  return NULL;
}

/* How far from its linked addresses the image was loaded: 0 unless it is position-independent. */
static u64 load_bias(void) { return (u64)__ehdr_start - header(PT_LOAD)->vaddr; }

/* A static PIE has no dynamic linker: it applies its relative relocations itself. */
static void relocate(void) {
  const struct phdr *p = header(PT_DYNAMIC);
  if (!p) return;
  u64 bias = load_bias(), table = 0, bytes = 0;
  for (const u64 *d = (const u64 *)(p->vaddr + bias); d[0]; d += 2) {
    if (d[0] == DT_RELA) table = d[1] + bias;
    if (d[0] == DT_RELASZ) bytes = d[1];
  }
  for (const u64 *r = (const u64 *)table; (u64)r < table + bytes; r += 3)
    if (r[1] == R_RELATIVE) *(u64 *)(r[0] + bias) = r[2] + bias;
}

u64 tls_bytes(void) {
  const struct phdr *p = header(PT_TLS);
  return p ? (p->memsz + 63) & ~63UL : 64;
}

void *tls_new(void *room) {
  const struct phdr *p = header(PT_TLS);
  if (p) {
    memset(room, 0, p->memsz);
    memcpy(room, (const void *)(p->vaddr + load_bias()), p->filesz);
  }
  return room;
}

static void thread_body(struct thread *t) { t->result = t->function(t->argument); }

long mini_clone(u64 flags, void *stack_top, u32 *parent_tid, void *tls, u32 *child_tid, void *function, void *argument);

/* VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID */
#define THREAD_FLAGS 0x3d0f00UL

long thread_start(struct thread *t, void *(*function)(void *), void *argument) {
  t->function = function;
  t->argument = argument;
  t->result = NULL;
  t->stack_bytes = 4 * PAGE + ((tls_bytes() + PAGE - 1) & ~(PAGE - 1));
  t->stack = pages(t->stack_bytes, PROT_READ | PROT_WRITE);
  u8 *top = (u8 *)t->stack + t->stack_bytes - tls_bytes();
  long tid = mini_clone(THREAD_FLAGS, top, &t->tid, tls_new(top), &t->tid, thread_body, t);
  if (tid < 0) sys(SYS_munmap, t->stack, t->stack_bytes);
  return tid < 0 ? tid : 0;
}

void *thread_join(struct thread *t) {
  u32 tid;
  /* The kernel's wake on exit is a shared one: a private wait would never see it. */
  while ((tid = __atomic_load_n(&t->tid, __ATOMIC_ACQUIRE))) sys(SYS_futex, &t->tid, FUTEX_WAIT, tid, NULL);
  sys(SYS_munmap, t->stack, t->stack_bytes);
  return t->result;
}

void mutex_lock(struct mutex *m) {
  u32 free = 0;
  if (__atomic_compare_exchange_n(&m->state, &free, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  while (__atomic_exchange_n(&m->state, 2, __ATOMIC_ACQUIRE))
    sys(SYS_futex, &m->state, FUTEX_WAIT | FUTEX_PRIVATE, 2, NULL);
}

void mutex_unlock(struct mutex *m) {
  if (__atomic_exchange_n(&m->state, 0, __ATOMIC_RELEASE) == 2)
    sys(SYS_futex, &m->state, FUTEX_WAKE | FUTEX_PRIVATE, 1);
}

void barrier_wait(struct barrier *b) {
  u32 round = __atomic_load_n(&b->round, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL) == b->size) {
    __atomic_store_n(&b->arrived, 0, __ATOMIC_RELAXED);
    __atomic_add_fetch(&b->round, 1, __ATOMIC_RELEASE);
    sys(SYS_futex, &b->round, FUTEX_WAKE | FUTEX_PRIVATE, 0x7fffffff);
    return;
  }
  while (__atomic_load_n(&b->round, __ATOMIC_ACQUIRE) == round)
    sys(SYS_futex, &b->round, FUTEX_WAIT | FUTEX_PRIVATE, round, NULL);
}

void wait_until(u32 *word, u32 value) {
  for (u32 n = 1; __atomic_load_n(word, __ATOMIC_ACQUIRE) != value; n++)
    if (n % 256 == 0) sys(SYS_sched_yield);
}

void sleep_ms(u64 ms) {
  struct timespec t = {(i64)(ms / 1000), (i64)(ms % 1000) * 1000000};
  sys(SYS_nanosleep, &t, NULL);
}

void mini_begin(u64 *stack) {
  relocate();
  static u8 first_tls[4096] __attribute__((aligned(64)));
  asm volatile("mv tp, %0" ::"r"(tls_new(first_tls)));
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1);
  char **envp = argv + argc + 1;
  char **end = envp;
  while (*end) end++;
  sys(SYS_exit_group, guest(argc, argv, envp, (u64 *)(end + 1)));
}
