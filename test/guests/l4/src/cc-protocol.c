/* Calls that the object does not understand: the wrong protocol, the wrong operation (6.0). */
#include "l4.h"

static long maps_into(cap not_a_task) { return task_map(not_a_task, THIS_TASK, OBJECT(SLOT(5), R), MAP); }

static long asks_for_more(cap task) {
  utcb()->mr[0] = 77;
  return status(call(task, TAG(P_TASK, 1, 0, 0)));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap c = slot_alloc();
  make(c, P_SEMAPHORE);
  put("wrong protocol: %ld\n", maps_into(c));
  put("wrong operation: %ld\n", asks_for_more(THIS_TASK));
  destroy(c);
  slot_free(c);
  return 0;
}
