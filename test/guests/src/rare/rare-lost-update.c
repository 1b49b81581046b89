/* Lost update: two threads add to a counter without a lock; between load and store the other one's sum is lost. */
#include "rare.h"
enum { TIMES = 3 };
static u64 counter;
static void *add(void *me) {
  (void)me;
  for (int i = 0; i < TIMES; i++) {
    work(30);
    STORE(counter, LOAD(counter) + 1);
  }
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  STORE(counter, 0); /* the page is there: no fault between load and store */
  both(add, add);
  return VERDICT("rare-lost-update", counter == 2 * TIMES);
}
