/* Dataspaces: made, attached twice as the same memory, cleared, copied, gone (11.1, 11.2). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  cap a = slot_alloc(), b = slot_alloc(), got = NO_CAP;
  section("made");
  EQUAL(dataspace_make(a, 2 * PAGE), 0);
  EQUAL(cap_valid(a), 1);
  u->mr[0] = 2;
  EQUAL(status(call(a, TAG(P_DATASPACE, 1, 0, 0))), 0);
  EQUAL(u->mr[0], 2 * PAGE);
  EQUAL(u->mr[1] & 6, 6);
  section("attached twice");
  u64 first = 0, second = 0;
  EQUAL(rm_attach(&first, 2 * PAGE, RM_SEARCH | MEM_RW, a, 0), 0);
  EQUAL(rm_attach(&second, PAGE, RM_SEARCH | MEM_RW, a, PAGE), 0);
  u64 *one = (u64 *)first, *two = (u64 *)second;
  one[512] = 5;
  EQUAL(two[0], 5);
  two[1] = 6;
  EQUAL(one[513], 6);
  one[0] = 9;
  section("copied");
  EQUAL(dataspace_make(b, PAGE), 0);
  u->mr[0] = 3, u->mr[1] = 0, u->mr[2] = PAGE, u->mr[3] = 16;
  put_item(4, 0, MAP, OBJECT(a, WSR));
  EQUAL(status(call(b, TAG(P_DATASPACE, 4, 1, 0))), 0);
  u64 third = 0;
  EQUAL(rm_attach(&third, PAGE, RM_SEARCH | MEM_RW, b, 0), 0);
  EQUAL(*(u64 *)third, 5);
  EQUAL(((u64 *)third)[1], 6);
  EQUAL(((u64 *)third)[2], 0);
  section("cleared");
  u->mr[0] = 1, u->mr[1] = PAGE, u->mr[2] = PAGE;
  CHECK(status(call(a, TAG(P_DATASPACE, 3, 0, 0))) >= 0);
  EQUAL(two[0], 0);
  EQUAL(one[0], 9);
  section("detached");
  CHECK(rm_detach(second, PAGE, 2, &got) >= 0);
  EQUAL(got, a);
  CHECK(rm_detach(first, 2 * PAGE, 2, &got) >= 0);
  CHECK(rm_detach(third, PAGE, 2, &got) >= 0);
  EQUAL(got, b);
  section("refused");
  EQUAL(dataspace_make(got = slot_alloc(), 1UL << 46), -ENOMEM);
  EQUAL(cap_valid(got), 0);
  slot_free(got), slot_free(b), slot_free(a);
  return finish();
}
