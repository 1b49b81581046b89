/* A server gives its own reference away: the object lives as long as a client's copy does (4.6, 6.5). */
#include "l4.h"

static long lower(cap gate, u64 by) {
  utcb()->mr[0] = 0;
  utcb()->mr[1] = by;
  return status(call(gate, TAG(P_KOBJECT, 2, 0, 0)));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap gate = slot_alloc(), first = slot_alloc(), second = slot_alloc();
  section("copies count");
  make_gate(gate, env->main_thread, 0);
  task_map(THIS_TASK, THIS_TASK, OBJECT(gate, WSR), MAP | first);
  task_map(THIS_TASK, THIS_TASK, OBJECT(gate, WSR), MAP | second);
  EQUAL(lower(gate, 1), 0);
  EQUAL(utcb()->mr[0], 2);
  drop(first);
  EQUAL(cap_valid(gate), 1);
  EQUAL(cap_valid(second), 1);
  section("the last one ends it");
  drop(second);
  EQUAL(cap_valid(gate), 0);
  section("weak copies do not count");
  make_gate(gate, env->main_thread, 0);
  task_map(THIS_TASK, THIS_TASK, OBJECT(gate, WSR), MAP | WEAK | first);
  /* A copy of a weak slot is weak. */
  task_map(THIS_TASK, THIS_TASK, OBJECT(first, WSR), MAP | second);
  EQUAL(lower(gate, 0), 0);
  EQUAL(utcb()->mr[0], 1);
  drop(second);
  EQUAL(cap_valid(gate), 1);
  task_map(THIS_TASK, THIS_TASK, OBJECT(first, WSR), MAP | second);
  drop(gate);
  EQUAL(cap_valid(gate), 0);
  EQUAL(cap_valid(first), 0);
  EQUAL(cap_valid(second), 0);
  slot_free(second);
  slot_free(first);
  slot_free(gate);
  return finish();
}
