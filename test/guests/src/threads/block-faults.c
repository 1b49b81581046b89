/* Basic blocks that fault in the middle, with a second thread there: what the block did before the fault happens once,
 * whether the page is then given, the signal is handled, or the access lies in two mappings. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 4096
#define TURNS 2000

static atomic_int done;
static long handled, wrong;
static long counter;
static char *none;

static void *other(void *arg) {
  long n = 0;
  while (!atomic_load(&done)) n++;
  return (void *)(n & 0) + (arg != NULL);
}

/* The faulting load is 4 bytes long; a0 and *counter have been incremented before it. */
static void on_segv(int sig, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  long a0 = uc->uc_mcontext.__gregs[REG_A0];
  handled++;
  if (sig != SIGSEGV || info->si_addr != none || a0 != handled || counter != handled) wrong++;
  uc->uc_mcontext.__gregs[REG_PC] += 4;
}

/* One block: adds 1 to a register and to memory, then loads eight bytes from `at`. */
__attribute__((always_inline)) static inline long block(long value, char *at) {
  register long a0 asm("a0") = value;
  register long a1 asm("a1");
  asm volatile(".option push\n.option norvc\n"
               "ld a1, 0(%2)\naddi a0, a0, 1\naddi a1, a1, 1\nsd a1, 0(%2)\nld a1, 0(%3)\nadd a0, a0, zero\n"
               ".option pop"
               : "+r"(a0), "=&r"(a1) : "r"(&counter), "r"(at) : "memory");
  return a0;
}

static void check(const char *what, int ok) { printf("%s: %s\n", what, ok ? "ok" : "failed"); }

int main(void) {
  struct sigaction sa = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};
  pthread_t t;
  long value = 0;
  setbuf(stdout, NULL);
  pthread_create(&t, NULL, other, NULL);

  char *fresh = mmap(NULL, (long)TURNS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  /* From the end, so that nothing is given ahead. */
  for (long i = TURNS - 1; i >= 0; i--) value = block(value, fresh + i * PAGE);
  check("pages not there yet", value == TURNS && counter == TURNS);

  none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  sigaction(SIGSEGV, &sa, NULL);
  value = counter = 0;
  for (long i = 0; i < TURNS; i++) value = block(value, none);
  check("handled", value == TURNS && counter == TURNS && handled == TURNS && wrong == 0);

  /* Two pages that change places in host memory: an access across the boundary lies in two windows. */
  char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  two[PAGE] = 1;
  mprotect(two + PAGE, PAGE, PROT_READ);
  two[0] = 1;
  value = counter = 0;
  for (long i = 0; i < TURNS; i++) value = block(value, two + PAGE - 4);
  check("across two mappings", value == TURNS && counter == TURNS);

  atomic_store(&done, 1);
  pthread_join(t, NULL);
  return 0;
}
