/* A server hands an object out, lowers its own reference, and the client's release ends it: nobody leaks (4.6). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap server_side = slot_alloc(), client_side = slot_alloc();
  make_gate(server_side, env->main_thread, 0);
  task_map(THIS_TASK, THIS_TASK, OBJECT(server_side, WSR), MAP | client_side);
  utcb()->mr[0] = 0;
  utcb()->mr[1] = 1;
  status(call(server_side, TAG(P_KOBJECT, 2, 0, 0)));
  slot_free(client_side);
  put("server's slot: %ld\n", cap_valid(server_side));
  slot_free(server_side);
  return 0;
}
