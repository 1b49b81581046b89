/* Races that were declared to be harmless. */
#include "annotate.h"
#include "hg.h"

static long hits, both[2];

static void *work(void *arg) {
  hits++;
  both[0]++;
  both[1]++;
  return arg;
}

int main(void) {
  ANNOTATE_BENIGN_RACE(&hits, "a statistic");
  ANNOTATE_BENIGN_RACE_SIZED(both, sizeof both, "statistics");
  pthread_t a = begin(work, NULL), b = begin(work, NULL);
  end(a);
  end(b);
  puts("annotate-benign: done");
}
