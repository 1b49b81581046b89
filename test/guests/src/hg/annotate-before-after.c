/* A hand-over that only the annotations make known: a plain flag, polled. */
#include "annotate.h"
#include "hg.h"

static volatile int flag;
static long value;

static void *work(void *arg) {
  value = 3;
  ANNOTATE_HAPPENS_BEFORE(&value);
  flag = 1;
  return arg;
}

int main(void) {
  VALGRIND_HG_DISABLE_CHECKING(&flag, sizeof flag);
  pthread_t t = begin(work, NULL);
  while (!flag) nap(2);
  ANNOTATE_HAPPENS_AFTER(&value);
  printf("annotate-before-after: %ld\n", value);
  end(t);
}
