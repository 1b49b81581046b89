/* A factory of limited memory: objects until it is used up, again after some are gone (6.1). */
#include "l4.h"

enum { MOST = 200 };

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  cap factory = slot_alloc();
  cap slots[MOST];
  section("limit");
  EQUAL(make_factory(factory, 4 * 4096), 0);
  long error = 0;
  int made = 0;
  while (made < MOST) {
    slots[made] = slot_alloc();
    error = make_from(factory, slots[made], P_THREAD);
    if (error < 0) break;
    made++;
  }
  EQUAL(error, -ENOMEM);
  CHECK(made > 0 && made < MOST);
  EQUAL(cap_valid(slots[made]), 0);
  section("room again");
  destroy(slots[0]);
  EQUAL(make_from(factory, slots[0], P_THREAD), 0);
  section("words");
  utcb()->mr[0] = (u64)P_FACTORY;
  EQUAL(status(call(env->factory, TAG(P_FACTORY, 1, 0, 0))), -EMSGTOOSHORT);
  for (int i = 0; i < made; i++) destroy(slots[i]);
  for (int i = made; i >= 0; i--) slot_free(slots[i]);
  destroy(factory);
  slot_free(factory);
  return finish();
}
