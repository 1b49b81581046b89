/* A detached thread, and one that begins when it has long ended: still unordered. */
#include "race.h"

static int shared;

static void *work(void *arg) {
  shared = (int)(intptr_t)arg;
  gate_open(&first);
  return arg;
}

int main(void) {
  first = gate_made();
  pthread_detach(begin(work, (void *)1));
  gate_wait(&first);
  usleep(300000);
  end(begin(work, (void *)2));
  puts("successor: done");
}
