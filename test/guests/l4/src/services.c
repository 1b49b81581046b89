/* Other services: name space, log, scheduler, debugger (11.4, 6.9, 6.4, 6.10). */
#include "l4.h"

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  struct utcb *u = utcb();
  section("name space");
  cap rom = env_cap("rom"), slot = slot_alloc();
  CHECK(rom != NO_CAP);
  u->mr[0] = 0;
  u->mr[1] = 8;
  u->mr[2] = 0x0065636e6f6e6f6e; /* "nononce" */
  u->br[0] = BUFFER(slot), u->br[1] = 0;
  EQUAL(status(call(rom, TAG(P_NAMESPACE, 3, 0, 0))), -ENOENT);
  u->br[0] = 0;
  EQUAL(cap_valid(slot), 0);
  u->mr[0] = 99;
  EQUAL(status(call(rom, TAG(P_NAMESPACE, 1, 0, 0))), -ENOSYS);
  EQUAL(status(call(rom, TAG(0x77, 1, 0, 0))), -EBADPROTO);
  u->mr[0] = 2;
  u->mr[1] = P_NAMESPACE;
  EQUAL(status(call(rom, TAG(P_META, 2, 0, 0))), 1);
  section("scheduler");
  u->mr[0] = 0, u->mr[1] = 0;
  EQUAL(status(call(env->scheduler, TAG(P_SCHEDULER, 2, 0, 0))), 0);
  CHECK(u->mr[0] & 1);
  CHECK(u->mr[1] >= 1);
  u->mr[0] = 1;
  EQUAL(status(call(env->scheduler, TAG(P_SCHEDULER, 5, 0, 0))), -EINVAL);
  section("long line");
  char text[460];
  for (u64 i = 0; i < sizeof text; i++) text[i] = (char)('a' + i % 26);
  text[sizeof text - 1] = '\n';
  emit(text, sizeof text);
  slot_free(slot);
  return finish();
}
