/* Use after free: a new object is published and the old one freed at once, although a reader may still hold it. */
#include "rare.h"
enum { TIMES = 3, POISON = 0xdead };
static struct object { u64 used, twice; } object[2], *current = &object[0];
static u32 stale;
static void *writer(void *me) {
  (void)me;
  for (u64 i = 1; i <= TIMES; i++) {
    struct object *old = current, *fresh = &object[i & 1];
    work(30);
    fresh->used = i;
    fresh->twice = 2 * i;
    __atomic_store_n(&current, fresh, __ATOMIC_RELEASE);
    old->used = POISON; /* free(old) */
    old->twice = POISON;
  }
  return NULL;
}
static void *reader(void *me) {
  (void)me;
  for (int i = 0; i < TIMES; i++) {
    work(30);
    struct object *now = __atomic_load_n(&current, __ATOMIC_ACQUIRE);
    if (LOAD(now->used) == POISON) STORE(stale, 1);
  }
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  both(writer, reader);
  return VERDICT("rare-use-after-free", stale == 0);
}
