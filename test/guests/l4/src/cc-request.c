/* A program that lives on asks for leaks: two places before, none after they were mended. Without a tool it sees none. */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap full = slot_alloc(), empty = slot_alloc();
  make(full, P_SEMAPHORE);
  u64 before = tool_request(CAPCHECK_LEAKS);
  destroy(full);
  slot_free(full);
  slot_free(empty);
  u64 after = tool_request(CAPCHECK_LEAKS);
  put("%s\n", before == after || (before == 2 && after == 0) ? "as it should be" : "wrong");
  return 0;
}
