/* Deleting an object empties every slot that holds it; without the D right it is a plain release and no error (4.6). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap a = slot_alloc(), copies[3];
  for (int i = 0; i < 3; i++) copies[i] = slot_alloc();
  section("with D");
  make(a, P_SEMAPHORE);
  for (int i = 0; i < 3; i++) task_map(THIS_TASK, THIS_TASK, OBJECT(a, i == 1 ? WSRD : WSR), MAP | copies[i]);
  EQUAL(task_unmap(THIS_TASK, UNMAP_DELETE, OBJECT(copies[1], WSRD)), 0);
  EQUAL(cap_valid(a), 0);
  for (int i = 0; i < 3; i++) EQUAL(cap_valid(copies[i]), 0);
  section("without D");
  make(a, P_SEMAPHORE);
  task_map(THIS_TASK, THIS_TASK, OBJECT(a, WSR), MAP | copies[0]);
  EQUAL(task_unmap(THIS_TASK, UNMAP_DELETE, OBJECT(copies[0], WSRD)), 0);
  EQUAL(cap_valid(copies[0]), 0);
  EQUAL(cap_valid(a), 1);
  section("several in one call");
  for (int i = 0; i < 3; i++) task_map(THIS_TASK, THIS_TASK, OBJECT(a, WSR), MAP | copies[i]);
  struct utcb *u = utcb();
  u->mr[0] = 1;
  u->mr[1] = UNMAP_SELF;
  for (int i = 0; i < 3; i++) u->mr[2 + i] = OBJECT(copies[i], WSR);
  u64 tag = call(THIS_TASK, TAG(P_TASK, 5, 0, 0));
  EQUAL(tag, 5);
  for (int i = 0; i < 3; i++) EQUAL(u->mr[2 + i], OBJECT(copies[i], 0));
  for (int i = 0; i < 3; i++) EQUAL(cap_valid(copies[i]), 0);
  section("last reference");
  drop(a);
  EQUAL(cap_valid(a), 0);
  for (int i = 3; i-- > 0;) slot_free(copies[i]);
  slot_free(a);
  return finish();
}
