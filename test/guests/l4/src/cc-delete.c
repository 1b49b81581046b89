/* An object is to be deleted through a capability without the right D: only that capability goes (4.6). */
#include "l4.h"

static void deletes(cap c) { destroy(c); }

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap a = slot_alloc(), copy = slot_alloc();
  make(a, P_SEMAPHORE);
  task_map(THIS_TASK, THIS_TASK, OBJECT(a, WSR), MAP | copy);
  deletes(copy);
  put("copy %ld, original %ld\n", cap_valid(copy), cap_valid(a));
  destroy(a);
  slot_free(copy);
  slot_free(a);
  return 0;
}
