/* An allocator of one's own: a block goes from thread to thread through a list that is not synchronised as a tool could
   see, and is declared new each time. */
#include "annotate.h"
#include "hg.h"

static long block[4];
static int turn;

static void *work(void *arg) {
  long me = (long)arg;
  while (__atomic_load_n(&turn, __ATOMIC_RELAXED) != me) nap(2);
  if (me & 1) VALGRIND_HG_CLEAN_MEMORY(block, sizeof block);
  else ANNOTATE_NEW_MEMORY(block, sizeof block);
  for (int i = 0; i < 4; i++) block[i] = me;
  __atomic_store_n(&turn, me + 1, __ATOMIC_RELAXED);
  return NULL;
}

int main(void) {
  pthread_t t[3];
  for (long i = 0; i < 3; i++) t[i] = begin(work, (void *)i);
  for (int i = 0; i < 3; i++) end(t[i]);
  printf("annotate-memory: %ld\n", block[3]);
}
