/* Capabilities put into slots that nobody allocated: a constant, and a stale index (15.4). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap first = slot_alloc();
  cap constant = first + SLOT(500);
  make(constant, P_SEMAPHORE);
  cap stale = slot_alloc();
  slot_free(stale);
  make(stale, P_SEMAPHORE);
  put("filled %ld %ld\n", cap_valid(constant), cap_valid(stale));
  destroy(stale);
  destroy(constant);
  slot_free(first);
  return 0;
}
