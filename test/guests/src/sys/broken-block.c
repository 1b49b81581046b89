/* A block with two accesses, the second of which faults: the region manager changes what the first one has read. Where
   blocks are atomic both accesses see the same version, whoever resolves the fault. */
#include "../../../../include/capgrind.h"
#include "mini.h"

enum { ROUNDS = 8 };
static u8 *range;
static volatile u64 version;
static u32 ready;

static void *manage(void *unused) {
  (void)unused;
  CAPGRIND_RM_REGISTER(range, ROUNDS * PAGE);
  CAPGRIND_RM_ATTACH(range, ROUNDS * PAGE, PROT_READ | PROT_WRITE, -1, 0);
  __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
  struct capgrind_fault fault;
  while (CAPGRIND_RM_WAIT(&fault) == 1) {
    u64 page = fault.address & -PAGE;
    u64 next = version + 1;
    sys(SYS_mprotect, page, PAGE, PROT_READ | PROT_WRITE);
    *(volatile u64 *)page = next;
    version = next;
    CAPGRIND_RM_ANSWER(fault.number, 0);
    if (next == ROUNDS) break;
  }
  return NULL;
}

__attribute__((noinline)) static u64 block(const volatile u64 *first, const volatile u64 *second) {
  u64 a, b;
  asm volatile("ld %0, 0(%2)\nld %1, 0(%3)" : "=&r"(a), "=&r"(b) : "r"(first), "r"(second) : "memory");
  return a != b;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  range = pages(ROUNDS * PAGE, PROT_NONE);
  struct thread manager;
  thread_start(&manager, manage, NULL);
  wait_until(&ready, 1);
  if (CAPGRIND_RM_REGISTER(range, PAGE) == CAPGRIND_RM_NONE)
    sys(SYS_mprotect, range, ROUNDS * PAGE, PROT_READ | PROT_WRITE);
  u64 broken = 0;
  for (u64 i = 0; i < ROUNDS; i++) broken += block(&version, (u64 *)(range + i * PAGE));
  thread_join(&manager);
  put("%lu blocks, %lu of them broken into\n", (u64)ROUNDS, broken);
  return 0;
}
