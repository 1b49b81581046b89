/* Several slots at once: where they land depends on both sizes, the receive window and the hot spot (4.5). */
#include "l4.h"

static cap source;
static u64 control, page;

static void giver(void *unused) {
  (void)unused;
  u64 label;
  wait_any(&label);
  for (;;) {
    put_item(0, 0, control, page);
    reply_wait(TAG(0, 0, 1, 0), &label);
  }
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  struct thread t;
  /* Two aligned groups of eight slots behind the allocator's. */
  source = SLOT((env->first_free_cap + 2048 + 7) & ~7UL);
  cap target = source + SLOT(8);
  for (u64 i = 0; i < 4; i++) make(source + SLOT(i), P_SEMAPHORE);
  thread_start(&t, giver, NULL);
  u->br[0] = WINDOW;
  u->br[2] = 0;

  section("equal sizes");
  u->br[1] = OBJECTS(target, 2, 0);
  control = MAP, page = OBJECTS(source, 2, WSR);
  call(t.cap, TAG(0, 0, 0, 0));
  for (u64 i = 0; i < 4; i++) EQUAL(cap_equal(source + SLOT(i), target + SLOT(i)), 1);
  EQUAL(cap_valid(target + SLOT(4)), 0);
  task_unmap(THIS_TASK, UNMAP_SELF, OBJECTS(target, 3, WSR));
  for (u64 i = 0; i < 4; i++) EQUAL(cap_valid(target + SLOT(i)), 0);

  section("small into large");
  u->br[1] = OBJECTS(target, 3, 0);
  control = MAP | SLOT(5), page = OBJECT(source + SLOT(1), WSR);
  call(t.cap, TAG(0, 0, 0, 0));
  for (u64 i = 0; i < 8; i++) EQUAL(cap_valid(target + SLOT(i)), i == 5);
  EQUAL(cap_equal(source + SLOT(1), target + SLOT(5)), 1);
  drop(target + SLOT(5));

  section("large into small");
  u->br[1] = OBJECT(target + SLOT(3), 0);
  control = MAP | SLOT(2), page = OBJECTS(source, 2, WSR);
  call(t.cap, TAG(0, 0, 0, 0));
  EQUAL(cap_equal(source + SLOT(2), target + SLOT(3)), 1);
  for (u64 i = 0; i < 8; i++) EQUAL(cap_valid(target + SLOT(i)), i == 3);
  drop(target + SLOT(3));

  u->br[0] = 0;
  thread_kill(&t);
  task_unmap(THIS_TASK, UNMAP_DELETE, OBJECTS(source, 2, WSRD));
  EQUAL(cap_valid(source), 0);
  return finish();
}
