/* A sigma0: hands memory out, one to one, to the root task and whoever asks for a gate (9.2). All of memory is in its own
   task from the start. */
#include "boot.h"

static u64 free_low, free_end;

static void find_memory(void) {
  u32 at = *(u32 *)(kip + 0x54), n = *(u32 *)(kip + 0x58);
  struct memory_descriptor *d = (struct memory_descriptor *)(kip + at);
  for (u32 i = 0; i < n; i++) {
    if (d[i].start_and_type & MEMORY_VIRTUAL) continue;
    u64 last = d[i].last + 1;
    if ((d[i].start_and_type & MEMORY_TYPE) == CONVENTIONAL) free_end = last;
    /* Everything special lies below what is handed out. */
    else if (last > free_low) free_low = last;
  }
}

/* Address of a free, aligned block, 0 when there is none. Blocks are taken from the end. */
static u64 take(u64 order) {
  u64 size = 1UL << order, at = (free_end - size) & ~(size - 1);
  if (order < 12 || order > 40 || at < free_low || at > free_end) return 0;
  free_end = at;
  return at;
}

/* The answer's tag; its item is in the message. */
static u64 give(u64 at, u64 order, u64 rights) {
  put_item(0, 0, MAP | at, MEMORY(at, order, rights));
  return TAG(0, 0, 1, 0);
}

static u64 answer(u64 tag) {
  static u64 next_gate = 0x40;
  struct utcb *u = utcb();
  u64 order = u->mr[1] >> 6 & 63;
  switch (TAG_LABEL(tag)) {
    case P_PAGE_FAULT:
      return give(u->mr[0] & ~(PAGE - 1), 12, MEM_R | MEM_W | MEM_X);
    case P_FACTORY:
      if ((long)u->mr[0] != P_SIGMA0) return TAG(-ENODEV, 0, 0, 0);
      if (make_gate(SLOT(next_gate), SLOT(3), next_gate << 4) < 0) return TAG(-ENOMEM, 0, 0, 0);
      put_item(0, 0, MAP, OBJECT(SLOT(next_gate++), WSR));
      return TAG(0, 0, 1, 0);
    case P_SIGMA0:
      if (u->mr[0] == S0_REQUEST(S0_KIP)) return give((u64)kip, 12, MEM_R | MEM_X);
      if (u->mr[0] == S0_REQUEST(S0_RAM)) return give(u->mr[1] & ~(PAGE - 1), order, MEM_R | MEM_W | MEM_X);
      if (u->mr[0] == S0_REQUEST(S0_ANY_RAM)) {
        u64 at = take(order);
        return at ? give(at, order, MEM_R | MEM_W | MEM_X) : TAG(-ENOMEM, 0, 0, 0);
      }
      return TAG(-ENOSYS, 0, 0, 0);
    default:
      return TAG(-EBADPROTO, 0, 0, 0);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  u64 label;
  find_memory();
  put("sigma0: memory from %lx to %lx\n", free_low, free_end);
  u64 tag = wait_any(&label);
  for (;;) tag = reply_wait(answer(tag), &label);
}
