/* The region manager: anonymous memory, look-up, detach, reserved areas (11.3). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  section("anonymous memory");
  u64 at = 0;
  EQUAL(rm_attach(&at, 4 * PAGE, RM_SEARCH | RM_ANONYMOUS | RM_PRIVATE | MEM_RW, NO_CAP, 0), 0);
  EQUAL(at & (PAGE - 1), 0);
  u64 *word = (u64 *)at, sum = 0;
  for (u64 i = 0; i < 4 * PAGE / 8; i += 512) sum |= word[i], word[i] = i;
  EQUAL(sum, 0);
  for (u64 i = 0; i < 4 * PAGE / 8; i += 512) EQUAL(word[i], i);
  section("another place");
  u64 second = 0;
  EQUAL(rm_attach(&second, PAGE, RM_SEARCH | RM_ANONYMOUS | RM_PRIVATE | MEM_RW, NO_CAP, 0), 0);
  CHECK(second >= at + 4 * PAGE || second + PAGE <= at);
  section("find");
  u->mr[0] = 2, u->mr[1] = at + PAGE + 5, u->mr[2] = 1;
  CHECK(status(call(env->rm, TAG(P_RM, 3, 0, 0))) >= 0);
  EQUAL(u->mr[0], at);
  EQUAL(u->mr[1], 4 * PAGE);
  section("taken");
  u64 same_place = at;
  EQUAL(rm_attach(&same_place, PAGE, RM_ANONYMOUS | RM_PRIVATE | MEM_RW, NO_CAP, 0), -EADDRNOTAVAIL);
  section("detach");
  CHECK(rm_detach(second, PAGE, 2, NULL) >= 0);
  EQUAL(rm_detach(second, PAGE, 2, NULL), -ENOENT);
  CHECK(rm_detach(at, 1, 2, NULL) >= 0);
  EQUAL(u->mr[0], at);
  EQUAL(u->mr[1], 4 * PAGE);
  section("area");
  u->mr[0] = 3, u->mr[1] = 0, u->mr[2] = 16 * PAGE, u->mr[3] = 12UL << 32 | RM_SEARCH;
  EQUAL(status(call(env->rm, TAG(P_RM, 4, 0, 0))), 0);
  u64 area = u->mr[0];
  /* Attaching into it needs the in-area flag; searching stays outside. */
  u64 inside = area + PAGE;
  EQUAL(rm_attach(&inside, PAGE, 0x40000 | RM_ANONYMOUS | RM_PRIVATE | MEM_RW, NO_CAP, 0), 0);
  *(u64 *)inside = 1;
  EQUAL(inside, area + PAGE);
  CHECK(rm_detach(inside, PAGE, 2, NULL) >= 0);
  u->mr[0] = 4, u->mr[1] = area;
  EQUAL(status(call(env->rm, TAG(P_RM, 2, 0, 0))), 0);
  return finish();
}
