/* A capability over an occupied slot: no error; with D in the old slot the old object dies everywhere, without D it is
   only released (4.5). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap a = slot_alloc(), b = slot_alloc(), copy = slot_alloc();
  section("creator's slot");
  make(a, P_SEMAPHORE);
  task_map(THIS_TASK, THIS_TASK, OBJECT(a, WSR), MAP | copy);
  EQUAL(make(a, P_SEMAPHORE), 0);
  EQUAL(cap_valid(a), 1);
  EQUAL(cap_valid(copy), 0);
  section("slot without D");
  make(b, P_SEMAPHORE);
  task_map(THIS_TASK, THIS_TASK, OBJECT(a, WSR), MAP | copy);
  task_map(THIS_TASK, THIS_TASK, OBJECT(b, WSR), MAP | copy);
  EQUAL(cap_equal(copy, b), 1);
  EQUAL(cap_valid(a), 1);
  section("onto itself");
  task_map(THIS_TASK, THIS_TASK, OBJECT(copy, WSR), MAP | copy);
  EQUAL(cap_valid(copy), 0);
  EQUAL(cap_valid(b), 1);
  section("same object, with D");
  task_map(THIS_TASK, THIS_TASK, OBJECT(b, WSR), MAP | copy);
  task_map(THIS_TASK, THIS_TASK, OBJECT(copy, WSR), MAP | b);
  EQUAL(cap_valid(b), 0);
  EQUAL(cap_valid(copy), 0);
  section("empty source");
  make(b, P_SEMAPHORE);
  EQUAL(task_map(THIS_TASK, THIS_TASK, OBJECT(copy, WSR), MAP | b), 0);
  EQUAL(cap_valid(b), 1);
  destroy(a);
  destroy(b);
  slot_free(copy), slot_free(b), slot_free(a);
  return finish();
}
