/* Valid and equal (4.7). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap a = slot_alloc(), b = slot_alloc();
  make(a, P_SEMAPHORE);
  section("equal");
  EQUAL(cap_equal(a, a), 1);
  EQUAL(cap_equal(b, b), 1);
  EQUAL(cap_equal(a, b), 0);
  task_map(THIS_TASK, THIS_TASK, OBJECT(a, WSR), MAP | b);
  EQUAL(cap_equal(a, b), 1);
  drop(b);
  /* The rights W and S are compared too. */
  task_map(THIS_TASK, THIS_TASK, OBJECT(a, R | W), MAP | b);
  EQUAL(cap_equal(a, b), 0);
  drop(b);
  section("special selectors");
  EQUAL(cap_equal(SELF, SELF), 1);
  EQUAL(cap_equal(SELF, a), 0);
  EQUAL(cap_valid(NO_CAP), 0);
  section("word counts");
  utcb()->mr[0] = 2;
  EQUAL(status(call(THIS_TASK, TAG(P_TASK, 1, 0, 0))), -EINVAL);
  utcb()->mr[0] = 2;
  EQUAL(status(call(THIS_TASK, TAG(P_TASK, 4, 0, 0))), -EINVAL);
  destroy(a);
  slot_free(b), slot_free(a);
  return finish();
}
