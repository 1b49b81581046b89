/* Lock inversion: two threads take the same two locks in opposite order. */
#include "rare.h"
static struct mutex first, second;
static u64 moved;
static void *forwards(void *me) {
  (void)me;
  work(30);
  mutex_lock(&first);
  mutex_lock(&second);
  moved++;
  mutex_unlock(&second);
  mutex_unlock(&first);
  return NULL;
}
static void *backwards(void *me) {
  (void)me;
  work(30);
  mutex_lock(&second);
  mutex_lock(&first);
  moved++;
  mutex_unlock(&first);
  mutex_unlock(&second);
  return NULL;
}
int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  both(forwards, backwards);
  return VERDICT("rare-inversion", moved == 2);
}
