/* A call through a slot that was freed: IPC error 4 (15.4). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap c = slot_alloc();
  make(c, P_SEMAPHORE);
  destroy(c);
  slot_free(c);
  put("up: %ld\n", up(c));
  return 0;
}
