/*
 * Client requests of capgrind's own: for C and C++ programs of riscv64, with no library behind them. On a plain machine, and
 * under tools that do not know them, each request does nothing and answers 0.
 *
 * Region managers. A thread registers for a range of its program's addresses, which it has reserved (mmap with PROT_NONE),
 * and says what it would attach where. Run with
 *
 *   --region-manager=virtual   (the default) capgrind maps what is attached, and resolves all faults itself
 *   --region-manager=guest     the thread is told of each fault of another thread in the range: of the first access to
 *                              a page, and of accesses that no mapping allows; it maps what it likes, and answers
 *
 *   switch (CAPGRIND_RM_REGISTER(start, length)) {
 *     case CAPGRIND_RM_NONE:    // nobody asks: the program maps everything itself
 *     case CAPGRIND_RM_GUEST:   // this thread is asked; serve until CAPGRIND_RM_WAIT gives something else than 1
 *     case CAPGRIND_RM_VIRTUAL: // CAPGRIND_RM_ATTACH was all there is to do
 *   }
 *
 * Addresses and lengths are whole pages. Where a request fails its answer is a negative error number.
 */
#ifndef CAPGRIND_H
#define CAPGRIND_H

struct capgrind_fault {
  unsigned long number; /* names the fault in the answer */
  unsigned long address;
  unsigned long access; /* 1 read, 2 write, 4 fetch of an instruction */
  unsigned long tid;    /* thread that waits */
};

enum { CAPGRIND_RM_NONE = 0, CAPGRIND_RM_GUEST = 1, CAPGRIND_RM_VIRTUAL = 2 };

static inline long capgrind_request(unsigned long number, unsigned long a, unsigned long b, unsigned long c,
                                    unsigned long d, unsigned long e) {
  unsigned long arguments[6] = {number, a, b, c, d, e};
#ifdef __riscv
  register unsigned long result asm("a3") = 0;
  register unsigned long *at asm("a4") = arguments;
  __asm__ volatile(
      ".option push\n.option norvc\n"
      "srli x0, x0, 3\nsrli x0, x0, 13\nsrli x0, x0, 51\nsrli x0, x0, 61\nor a0, a0, a0\n"
      ".option pop"
      : "+r"(result)
      : "r"(at)
      : "memory");
  return (long)result;
#else
  (void)arguments;
  return 0;
#endif
}

/* Makes the calling thread the region manager of [start, start + length). -EINVAL; -ENOMEM: there are 64 already, or the
   range meets another one. A manager's own faults are never asked about. When it ends, faults that were its business
   become SIGSEGV. */
#define CAPGRIND_RM_REGISTER(start, length) \
  capgrind_request(0x524d0000UL, (unsigned long)(start), (unsigned long)(length), 0, 0, 0)
/* The range of a registration is everybody's again. 0 or -EINVAL. */
#define CAPGRIND_RM_UNREGISTER(start, length) \
  capgrind_request(0x524d0001UL, (unsigned long)(start), (unsigned long)(length), 0, 0, 0)
/* Attaches [start, start + length) of a registered range to private pages of file `fd` from `offset` on, or with fd -1 to
   anonymous ones, with mmap's `prot`. 0, -EINVAL, or an error of mmap. Does nothing where the manager is asked. */
#define CAPGRIND_RM_ATTACH(start, length, prot, fd, offset)                                             \
  capgrind_request(0x524d0002UL, (unsigned long)(start), (unsigned long)(length), (unsigned long)(prot), \
                   (unsigned long)(long)(fd), (unsigned long)(offset))
/* Waits for a fault. 1: *fault is filled in. 0: the thread manages nothing, or is never asked. -EINTR: a signal came. */
#define CAPGRIND_RM_WAIT(fault) capgrind_request(0x524d0003UL, (unsigned long)(fault), 0, 0, 0, 0)
/* Answers a fault: the thread goes on with the same instruction (refuse 0), or gets SIGSEGV (refuse 1). 0, or -ESRCH: it
   does not wait any more. It asks again if nothing that allows the access is mapped. */
#define CAPGRIND_RM_ANSWER(number, refuse) \
  capgrind_request(0x524d0004UL, (unsigned long)(number), (unsigned long)(refuse), 0, 0, 0)

#endif
