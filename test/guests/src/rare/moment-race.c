/* A race of a moment: an owner lends its buffer for as long as three instructions take. A borrower who looks just then
   writes to it without a lock, and nothing orders that with the owner's own write. One who looks at any other time leaves
   it alone, and then there is nothing to find. The program itself never goes wrong. */
#include "rare.h"
enum { TIMES = 4 };
static volatile u64 buffer, lending;
static u32 lent;
static void *owner(void *me) {
  (void)me;
  buffer = 1;
  for (int i = 0; i < TIMES; i++) {
    work(30);
    __atomic_exchange_n(&lent, 1, __ATOMIC_RELAXED);
    lending++;
    __atomic_exchange_n(&lent, 0, __ATOMIC_RELAXED);
  }
  return NULL;
}
static void *borrower(void *me) {
  (void)me;
  work(30);
  if (LOAD(lent)) buffer = 2;
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  both(owner, borrower);
  return VERDICT("moment-race", lent == 0);
}
