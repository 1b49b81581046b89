/* One slot freed twice. */
#include "l4.h"

static void gives_back(cap c) { slot_free(c); }

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap c = slot_alloc();
  make(c, P_SEMAPHORE);
  destroy(c);
  gives_back(c);
  gives_back(c);
  put("freed twice\n");
  return 0;
}
