/* A second capability over the first: the semaphore dies, its copy too (4.5). */
#include "l4.h"

__attribute__((noinline)) static void put_first(cap c) { make(c, P_SEMAPHORE); }
__attribute__((noinline)) static void put_second(cap c) { make(c, P_SEMAPHORE); }

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap c = slot_alloc(), copy = slot_alloc();
  put_first(c);
  task_map(THIS_TASK, THIS_TASK, OBJECT(c, WSR), MAP | copy);
  put_second(c);
  put("copy is %s\n", cap_valid(copy) ? "full" : "empty");
  slot_free(copy);
  destroy(c);
  slot_free(c);
  return 0;
}
