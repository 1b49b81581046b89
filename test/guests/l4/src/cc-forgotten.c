/* An object that its maker only unmaps: a copy that nobody uses keeps it alive (15.4). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap a = slot_alloc(), copy = SLOT(env->first_free_cap - 1);
  make(a, P_SEMAPHORE);
  task_map(THIS_TASK, THIS_TASK, OBJECT(a, WSR), MAP | copy);
  slot_free(a);
  put("copy %ld\n", cap_valid(copy));
  return 0;
}
