/* What a program finds at its start: arguments (12.3), environment (12.1), slots (12.2), kernel info page (8),
   UTCB (3). */
#include "l4.h"

int guest(int argc, char **argv) {
  section("arguments");
  EQUAL(argc, 3);
  CHECK(same(argv[1], "one"));
  CHECK(same(argv[2], "two words"));
  CHECK(argv[3] == NULL);

  section("environment");
  EQUAL(cap_valid(THIS_TASK), 1);
  EQUAL(cap_valid(env->factory), 1);
  EQUAL(cap_valid(env->main_thread), 1);
  EQUAL(cap_valid(env->log), 1);
  EQUAL(cap_valid(env->scheduler), 1);
  EQUAL(cap_valid(env->rm), 1);
  EQUAL(cap_valid(env->mem_alloc), 1);
  EQUAL(cap_valid(env->parent), 1);
  EQUAL(cap_valid(SLOT(env->first_free_cap)), 0);
  EQUAL(cap_valid(SLOT(env->first_free_cap + 100)), 0);
  CHECK(env->first_free_cap > 0x16);
  /* Special selectors are no slots (4.7). */
  EQUAL(cap_valid(SELF), 0);
  CHECK(env_cap("no such name") == NO_CAP);

  section("kernel info page");
  EQUAL(*(u32 *)kip, 0x4be6344c);
  EQUAL(*(u32 *)(kip + 4) & 0xff00ffff, 0x87004444);
  EQUAL(kip[8], 0x28);
  u64 first = now(), nanos = ((u64(*)(void))(kip + 0x980))();
  CHECK(nanos / 1000 >= first && nanos / 1000 < first + 60000000);
  /* One memory descriptor is the virtual address space: type 1, bit 9 (8). */
  u64 *d = (u64 *)(kip + *(u32 *)(kip + 0x54));
  u64 found = 0;
  for (u32 n = *(u32 *)(kip + 0x58); n--; d += 2)
    if ((d[0] & 0x20f) == 0x201) found = d[1];
  CHECK(found > 0xb3000000);

  section("message area");
  struct utcb *u = utcb();
  EQUAL(u->address, u);
  u64 area = env->utcb_area & ~0xfffUL;
  CHECK((u64)u >= area && (u64)u < area + (1UL << (env->utcb_area >> 6 & 63)));
  CHECK(env->first_free_utcb > (u64)u);
  return finish();
}
