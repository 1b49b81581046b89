/* Leaves a slot, then sleeps for the argument's tenths of a second: time to be asked from outside. */
#include "l4.h"

static void keeps(void) {
  cap c = slot_alloc();
  make(c, P_SEMAPHORE);
}

int guest(int argc, char **argv) {
  keeps();
  put("ready\n");
  for (u64 n = arg_number(argc, argv, 1, 1); n > 0; n--) sleep_us(100000);
  return 0;
}
