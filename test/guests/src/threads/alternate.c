/* alternate [ROUNDS]: two threads count side by side, ROUNDS times each; with an argument, says how often one of them
   followed the other, which is how often they took turns where only one runs at a time. */
#include "mini.h"
static u64 rounds;
static u32 ready, last, turns;
static void *count(void *me) {
  __atomic_add_fetch(&ready, 1, __ATOMIC_ACQ_REL);
  wait_until(&ready, 2);
  for (u64 i = 0; i < rounds; i++)
    if (__atomic_exchange_n(&last, (u32)(u64)me, __ATOMIC_RELAXED) != (u32)(u64)me)
      __atomic_add_fetch(&turns, 1, __ATOMIC_RELAXED);
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  static struct thread t[2];
  rounds = arg_number(argc, argv, 1, 1000);
  section("alternate");
  for (u64 i = 0; i < 2; i++) EQUAL(thread_start(&t[i], count, (void *)(i + 1)), 0);
  for (u64 i = 0; i < 2; i++) thread_join(&t[i]);
  CHECK(turns >= 2);
  if (argc > 1) put("%u turns\n", turns);
  return finish();
}
