/* Order violation: a thread uses what its creator sets up after creating it. */
#include "rare.h"
static u64 table[4];
static u64 *lookup;
static u32 unset;
static void *reader(void *me) {
  (void)me;
  work(30);
  u64 *at = LOAD(lookup);
  if (at == NULL) STORE(unset, 1);
  else at[0] = 1;
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  static struct thread t;
  if (thread_start(&t, reader, NULL) < 0) return 2;
  STORE(lookup, table);
  thread_join(&t);
  return VERDICT("rare-order", unset == 0);
}
