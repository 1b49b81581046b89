/* What the kernel puts on the first stack: alignment, strings and the auxiliary vector. */
#include "mini.h"

extern const u8 __ehdr_start[];
void _start(void);

static u64 *vector;

static int present(u64 type) {
  for (u64 *a = vector; a[0]; a += 2)
    if (a[0] == type) return 1;
  return 0;
}

static u64 value(u64 type) {
  for (u64 *a = vector; a[0]; a += 2)
    if (a[0] == type) return a[1];
  return 0;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  vector = auxv;
  section("stack");
  EQUAL((u64)(argv - 1) % 16, 0); /* argc lies at the initial sp */
  CHECK(argc >= 1 && argv[argc] == NULL);
  CHECK(argv[0][0] != 0);
  CHECK((u64)envp == (u64)(argv + argc + 1));

  section("auxv");
  EQUAL(value(6), 4096);                                         /* AT_PAGESZ */
  EQUAL(value(3), (u64)__ehdr_start + 64);                       /* AT_PHDR */
  EQUAL(value(4), 56);                                           /* AT_PHENT */
  EQUAL(value(5), *(const u16 *)(__ehdr_start + 56));            /* AT_PHNUM */
  EQUAL(value(9), (u64)_start);                                  /* AT_ENTRY */
  EQUAL(value(7), 0);                                            /* AT_BASE: no interpreter */
  CHECK(present(25) && present(31) && present(11) && present(23)); /* RANDOM EXECFN UID SECURE */
  EQUAL(value(23), 0);
  EQUAL(value(17), 100); /* AT_CLKTCK */
  const u64 imafdc = 1 << 8 | 1 << 12 | 1 << 0 | 1 << 5 | 1 << 3 | 1 << 2;
  EQUAL(value(16) & imafdc, imafdc); /* AT_HWCAP: one bit a letter */

  section("random");
  const u64 *random = (const u64 *)value(25);
  CHECK(random[0] != 0 && random[1] != 0 && random[0] != random[1]);

  section("names");
  CHECK(length((const char *)value(31)) > 0);
  CHECK(value(31) > (u64)auxv); /* strings lie above the vector */
  CHECK(value(25) > (u64)auxv);
  return finish();
}
