/* A barrier that counts arrivals without an atomic: when one is lost, both threads spin for ever. */
#include "rare.h"
static u32 arrived;
static void *arrive(void *me) {
  (void)me;
  work(30);
  STORE(arrived, LOAD(arrived) + 1);
  while (LOAD(arrived) != 2) sys(SYS_sched_yield);
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  STORE(arrived, 0); /* the page is there: no fault between load and store */
  both(arrive, arrive);
  return VERDICT("rare-spin", arrived == 2);
}
