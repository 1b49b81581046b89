/* A slot given back without being emptied; the next one who gets it overmaps what is in it (15.4). */
#include "l4.h"

static cap first(void) {
  cap c = slot_alloc();
  make(c, P_SEMAPHORE);
  return c;
}

static cap second(void) {
  cap c = slot_alloc();
  make(c, P_IRQ_SENDER);
  return c;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap a = first();
  slot_free_mapped(a);
  put("fresh slot is %s\n", cap_valid(a) ? "full" : "empty");
  cap b = second();
  put("%s slot\n", a == b ? "same" : "other");
  destroy(b);
  slot_free(b);
  return 0;
}
