/* What was said to happen before is forgotten again: the access behind it is a race. */
#include "annotate.h"
#include "hg.h"

static long value, word;

static void *work(void *arg) {
  value = 3;
  ANNOTATE_HAPPENS_BEFORE(&word);
  ANNOTATE_HAPPENS_BEFORE_FORGET_ALL(&word);
  return arg;
}

int main(void) {
  pthread_t t = begin(work, NULL);
  nap(250);
  ANNOTATE_HAPPENS_AFTER(&word);
  printf("annotate-forget: %ld\n", value);
  end(t);
}
