/* Missed wake-up: the waiter looks at the flag first and reads the futex word after, so a wake-up between the two is
   one it then waits for, for ever. */
#include "rare.h"
static u32 flag, events;
static void *waiter(void *me) {
  (void)me;
  work(30);
  if (!LOAD(flag)) {
    u32 seen = LOAD(events);
    sys(SYS_futex, &events, FUTEX_WAIT | FUTEX_PRIVATE, seen, NULL);
  }
  return NULL;
}
static void *signaller(void *me) {
  (void)me;
  work(30);
  STORE(flag, 1);
  __atomic_add_fetch(&events, 1, __ATOMIC_RELAXED);
  sys(SYS_futex, &events, FUTEX_WAKE | FUTEX_PRIVATE, 1);
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  both(waiter, signaller);
  return VERDICT("rare-missed-wakeup", flag == 1);
}
