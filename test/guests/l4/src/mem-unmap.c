/* Memory between tasks forms a tree: what was given away can be taken back, with everything derived from it; rights
   can shrink (4.5, 4.6). */
#include "l4.h"

static u8 page[PAGE] __attribute__((aligned(4096)));

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  cap a = slot_alloc(), b = slot_alloc();
  page[0] = 1;
  section("tree");
  EQUAL(make_task(a, 0), 0);
  EQUAL(make_task(b, 0), 0);
  EQUAL(task_map(a, THIS_TASK, MEMORY(page, 12, MEM_RW), MAP | 0x40000000), 0);
  EQUAL(task_map(b, a, MEMORY(0x40000000, 12, MEM_RW), MAP | 0x50000000), 0);
  /* Taken back from everybody else: the page stays here. */
  EQUAL(task_unmap(THIS_TASK, UNMAP_OTHERS, MEMORY(page, 12, MEM_RW | MEM_X)), 0);
  EQUAL(page[0], 1);
  page[0] = 2;
  /* Nothing is left to be given on. */
  u->mr[0] = 0;
  EQUAL(task_map(b, a, MEMORY(0x40000000, 12, MEM_RW), MAP | 0x50000000), 0);
  section("half a page");
  /* Flexpages below a page are ignored (4.5). */
  EQUAL(task_map(a, THIS_TASK, MEMORY(page, 11, MEM_RW), MAP | 0x40000000), 0);
  destroy(b);
  destroy(a);
  EQUAL(page[0], 2);
  slot_free(b), slot_free(a);
  return finish();
}
