/* Accesses that a thread declares not to count, and one that counts. */
#include "annotate.h"
#include "hg.h"

static long hits, counted;

static void *work(void *arg) {
  ANNOTATE_IGNORE_READS_BEGIN();
  ANNOTATE_IGNORE_WRITES_BEGIN();
  hits++;
  ANNOTATE_IGNORE_WRITES_END();
  ANNOTATE_IGNORE_READS_END();
  nap((long)arg);
  counted++;
  return NULL;
}

int main(void) {
  pthread_t a = begin(work, (void *)1), b = begin(work, (void *)150);
  end(a);
  end(b);
  puts("annotate-ignore: done");
}
