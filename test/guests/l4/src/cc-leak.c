/* Slots that stay: two full ones from one place, one that was never filled, one that was emptied and not freed. */
#include "l4.h"

static cap keeps(void) {
  cap c = slot_alloc();
  make(c, P_SEMAPHORE);
  return c;
}

static void never_fills(void) { slot_alloc(); }

static void empties_only(void) {
  cap c = slot_alloc();
  make(c, P_SEMAPHORE);
  destroy(c);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  for (volatile int i = 0; i < 2; i++) keeps();
  never_fills();
  empties_only();
  put("left\n");
  return 0;
}
