/* Checking is switched off for a word and on again: only the second time counts. */
#include "annotate.h"
#include "hg.h"

static long word;

static void *work(void *arg) {
  word++;
  return arg;
}

static void twice(void) {
  pthread_t a = begin(work, NULL);
  nap(150);
  word++;
  end(a);
}

int main(void) {
  VALGRIND_HG_DISABLE_CHECKING(&word, sizeof word);
  twice();
  VALGRIND_HG_ENABLE_CHECKING(&word, sizeof word);
  twice();
  puts("annotate-checking: done");
}
