/* A call through an allocated slot whose object was destroyed elsewhere (4.6). */
#include "l4.h"

static void destroys(cap c) { destroy(c); }

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap a = slot_alloc(), copy = slot_alloc();
  make(a, P_SEMAPHORE);
  task_map(THIS_TASK, THIS_TASK, OBJECT(a, WSR), MAP | copy);
  destroys(a);
  slot_free(a);
  put("down: %ld\n", down(copy, POLL));
  slot_free(copy);
  return 0;
}
