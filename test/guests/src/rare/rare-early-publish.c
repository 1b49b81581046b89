/* Early publication: the pointer is stored before what it points to; "set means ready" is then not true. */
#include "rare.h"
static u64 storage, *ready;
static u32 early;
static void *maker(void *me) {
  (void)me;
  work(30);
  STORE(ready, &storage);
  STORE(storage, 42);
  return NULL;
}
static void *user(void *me) {
  (void)me;
  work(30);
  u64 *at = LOAD(ready);
  if (at != NULL && LOAD(*at) != 42) STORE(early, 1);
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  STORE(storage, 0); /* the page is there: no fault between the two stores */
  both(maker, user);
  return VERDICT("rare-early-publish", early == 0);
}
