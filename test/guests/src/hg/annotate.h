/* Requests to helgrind, in the encoding that Valgrind defines for riscv64: no-ops anywhere else. */
#ifndef HG_ANNOTATE_H
#define HG_ANNOTATE_H

#define HG_TOOL 0x48470000UL

static inline unsigned long hg_request(unsigned long otherwise, unsigned long number, unsigned long a,
                                       unsigned long b, unsigned long c) {
  volatile unsigned long words[6] = {number, a, b, c, 0, 0};
  register unsigned long answer asm("a3") = otherwise;
  register volatile unsigned long *at asm("a4") = words;
  asm volatile(
      ".option push\n.option norvc\n"
      "srli x0, x0, 3\nsrli x0, x0, 13\nsrli x0, x0, 51\nsrli x0, x0, 61\nor a0, a0, a0\n"
      ".option pop"
      : "+r"(answer)
      : "r"(at)
      : "memory");
  return answer;
}

#define HG_DO(number, a, b) ((void)hg_request(0, (number), (unsigned long)(a), (unsigned long)(b), 0))
#define HG_ASK(otherwise, number, a, b) hg_request((otherwise), (number), (unsigned long)(a), (unsigned long)(b), 0)

#define VALGRIND_HG_CLEAN_MEMORY(at, size) HG_DO(HG_TOOL + 0, at, size)
#define VALGRIND_HG_CLEAN_MEMORY_HEAPBLOCK(at) ((long)HG_ASK(-2, HG_TOOL + 0x12a, at, 0))
#define VALGRIND_HG_DISABLE_CHECKING(at, size) HG_DO(HG_TOOL + 0x127, at, size)
#define VALGRIND_HG_ENABLE_CHECKING(at, size) HG_DO(HG_TOOL + 0x128, at, size)
#define VALGRIND_HG_GET_ABITS(at, bits, size) ((long)hg_request(-2, HG_TOOL + 0x12e, (unsigned long)(at), (unsigned long)(bits), (size)))

#define VALGRIND_HG_MUTEX_INIT_POST(m, recursive) HG_DO(HG_TOOL + 0x103, m, recursive)
#define VALGRIND_HG_MUTEX_LOCK_PRE(m, trying) HG_DO(HG_TOOL + 0x107, m, trying)
#define VALGRIND_HG_MUTEX_LOCK_POST(m) HG_DO(HG_TOOL + 0x108, m, 0)
#define VALGRIND_HG_MUTEX_UNLOCK_PRE(m) HG_DO(HG_TOOL + 0x105, m, 0)
#define VALGRIND_HG_MUTEX_UNLOCK_POST(m) HG_DO(HG_TOOL + 0x106, m, 0)
#define VALGRIND_HG_MUTEX_DESTROY_PRE(m) HG_DO(HG_TOOL + 0x104, m, 0)
#define VALGRIND_HG_SEM_INIT_POST(s, value) HG_DO(HG_TOOL + 0x114, s, value)
#define VALGRIND_HG_SEM_WAIT_POST(s) HG_DO(HG_TOOL + 0x117, s, 0)
#define VALGRIND_HG_SEM_POST_PRE(s) HG_DO(HG_TOOL + 0x116, s, 0)
#define VALGRIND_HG_SEM_DESTROY_PRE(s) HG_DO(HG_TOOL + 0x115, s, 0)
#define VALGRIND_HG_BARRIER_INIT_PRE(b, count, resizable) ((void)hg_request(0, HG_TOOL + 0x118, (unsigned long)(b), (count), (resizable)))
#define VALGRIND_HG_BARRIER_WAIT_PRE(b) HG_DO(HG_TOOL + 0x119, b, 0)
#define VALGRIND_HG_BARRIER_DESTROY_PRE(b) HG_DO(HG_TOOL + 0x11a, b, 0)

#define ANNOTATE_HAPPENS_BEFORE(at) HG_DO(HG_TOOL + 0x121, at, 0)
#define ANNOTATE_HAPPENS_AFTER(at) HG_DO(HG_TOOL + 0x122, at, 0)
#define ANNOTATE_HAPPENS_BEFORE_FORGET_ALL(at) HG_DO(HG_TOOL + 0x123, at, 0)
#define ANNOTATE_NEW_MEMORY(at, size) VALGRIND_HG_CLEAN_MEMORY(at, size)
#define ANNOTATE_BENIGN_RACE_SIZED(at, size, why) VALGRIND_HG_DISABLE_CHECKING(at, size)
#define ANNOTATE_BENIGN_RACE(at, why) VALGRIND_HG_DISABLE_CHECKING(at, sizeof *(at))
/* Helgrind's own header has nothing for these; DRD's has. The argument says whether accesses count from now on. */
#define ANNOTATE_IGNORE_READS_BEGIN() HG_DO(0x44520006UL, 0, 0)
#define ANNOTATE_IGNORE_READS_END() HG_DO(0x44520006UL, 1, 0)
#define ANNOTATE_IGNORE_WRITES_BEGIN() HG_DO(0x44520007UL, 0, 0)
#define ANNOTATE_IGNORE_WRITES_END() HG_DO(0x44520007UL, 1, 0)
#define ANNOTATE_RWLOCK_CREATE(lock) HG_DO(HG_TOOL + 0x10e, lock, 0)
#define ANNOTATE_RWLOCK_DESTROY(lock) HG_DO(HG_TOOL + 0x10f, lock, 0)
#define ANNOTATE_RWLOCK_ACQUIRED(lock, writes) HG_DO(HG_TOOL + 0x111, lock, writes)
#define ANNOTATE_RWLOCK_RELEASED(lock, writes) HG_DO(HG_TOOL + 0x112, lock, writes)
#define ANNOTATE_UNIMPLEMENTED(name) HG_DO(HG_TOOL + 0x120, name, 0)

#endif
