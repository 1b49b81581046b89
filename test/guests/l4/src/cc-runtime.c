/* Slots that L4Re's own libraries hold to the end, under the names of the functions that take them; and one of the
   program's own beside them. */
#include "l4.h"

static cap keeps(void) {
  cap c = slot_alloc();
  make(c, P_SEMAPHORE);
  return c;
}

__attribute__((noinline)) cap vcon_stream(void) asm("_ZN4L4Re4Core11Vcon_streamC1EN2L43CapINS2_4VconEEE");
cap vcon_stream(void) { return keeps(); }

__attribute__((noinline)) cap __pthread_initialize_manager(void) {
  destroy(keeps());
  return keeps();
}

__attribute__((noinline)) cap of_the_program(void) { return keeps(); }

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap all = vcon_stream() + __pthread_initialize_manager() + of_the_program();
  put("%s\n", all ? "held" : "none");
  return 0;
}
