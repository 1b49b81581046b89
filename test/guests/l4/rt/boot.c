/* What a program of L4Re finds in its environment, for sigma0 and the root task, which get slots only (9.1). */
#include "l4.h"

static struct env given = {
    .parent = NO_CAP,
    .rm = SLOT(4),
    .mem_alloc = NO_CAP,
    .log = SLOT(5),
    .main_thread = SLOT(3),
    .factory = SLOT(2),
    .scheduler = SLOT(7),
    .itas = NO_CAP,
    .dbg_events = NO_CAP,
    .first_free_cap = 0x100,
};

void l4_boot(u8 *info) {
  env = &given;
  kip = info;
  u64 area = (u64)utcb() & ~0xfffUL;
  env->utcb_area = MEMORY(area, 12, MEM_RW);
  env->first_free_utcb = (u64)utcb() + sizeof(struct utcb);
  guest(0, NULL);
  /* The machine runs on; nobody waits for its first programs. */
  for (;;) receive(SELF, 0);
}
