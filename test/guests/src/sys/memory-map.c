/* mmap, munmap, mprotect, mremap, madvise and brk, with what each leaves in memory.
   With the argument "noreplace" MAP_FIXED_NOREPLACE as well. */
#include "mini.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS, DONTNEED = 4, MAYMOVE = 1, FIXED_MOVE = 3 };

/* 1 when the byte can be read: a write(2) from it into a pipe says so without a fault. */
static i32 ends[2];
static int readable(const void *p) {
  char c;
  if (sys(SYS_write, ends[1], p, 1) != 1) return 0;
  sys(SYS_read, ends[0], &c, 1);
  return 1;
}
static int writable(void *p) {
  sys(SYS_write, ends[1], "w", 1);
  if (sys(SYS_read, ends[0], p, 1) == 1) return 1;
  char c;
  sys(SYS_read, ends[0], &c, 1);
  return 0;
}
static int zero(const u8 *p, u64 n) {
  while (n--)
    if (*p++) return 0;
  return 1;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  sys(SYS_pipe2, ends, 0);

  section("anonymous");
  u8 *p = pages(8 * PAGE, RW);
  EQUAL((u64)p % PAGE, 0);
  CHECK(zero(p, 8 * PAGE));
  for (int i = 0; i < 8; i++) p[i * PAGE] = (u8)(i + 1);
  EQUAL(sys(SYS_mmap, 0, 0, RW, ANON, -1, 0), -EINVAL);
  EQUAL(sys(SYS_mmap, 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), -EINVAL);

  section("hole");
  EQUAL(sys(SYS_munmap, p + 2 * PAGE, PAGE), 0);
  CHECK(readable(p + 2 * PAGE - 1) && !readable(p + 2 * PAGE) && readable(p + 3 * PAGE));
  EQUAL(p[PAGE], 2);
  EQUAL(p[3 * PAGE], 4);
  EQUAL(sys(SYS_munmap, p + 2 * PAGE, PAGE), 0); /* unmapping a hole succeeds */
  EQUAL(sys(SYS_munmap, p + 1, PAGE), -EINVAL);

  section("fixed");
  EQUAL(sys(SYS_mmap, p + 3 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0), (u64)(p + 3 * PAGE));
  CHECK(zero(p + 3 * PAGE, PAGE)); /* replaced by fresh zeroes */
  EQUAL(p[4 * PAGE], 5);
  if (argc > 1 && same(argv[1], "noreplace")) {
    EQUAL(sys(SYS_mmap, p + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), (u64)(p + 2 * PAGE));
    EQUAL(sys(SYS_mmap, p + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), -EEXIST);
  }

  section("protect");
  EQUAL(sys(SYS_mprotect, p + 4 * PAGE, PAGE, PROT_READ), 0);
  CHECK(readable(p + 4 * PAGE) && !writable(p + 4 * PAGE) && writable(p + 5 * PAGE));
  EQUAL(sys(SYS_mprotect, p + 4 * PAGE, PAGE, PROT_NONE), 0);
  CHECK(!readable(p + 4 * PAGE) && !writable(p + 4 * PAGE));
  EQUAL(sys(SYS_mprotect, p + 4 * PAGE, PAGE, RW), 0);
  EQUAL(p[4 * PAGE], 5); /* the content outlives its inaccessibility */
  EQUAL(sys(SYS_munmap, p + 5 * PAGE, PAGE), 0);
  EQUAL(sys(SYS_mprotect, p + 4 * PAGE, 3 * PAGE, PROT_READ), -ENOMEM);
  EQUAL(sys(SYS_mprotect, p + 1, PAGE, PROT_READ), -EINVAL);

  section("discard");
  p[0] = 9;
  EQUAL(sys(SYS_madvise, p, PAGE, DONTNEED), 0);
  CHECK(zero(p, PAGE));
  EQUAL(sys(SYS_madvise, p + 1, PAGE, DONTNEED), -EINVAL);

  section("remap");
  u8 *q = pages(4 * PAGE, RW);
  for (int i = 0; i < 4; i++) q[i * PAGE + 7] = (u8)(0x40 + i);
  EQUAL(sys(SYS_mremap, q, 4 * PAGE, 2 * PAGE, 0), (u64)q); /* shrink in place */
  CHECK(!readable(q + 2 * PAGE));
  u8 *wall = (u8 *)sys(SYS_mmap, q + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
  EQUAL((u64)wall, (u64)(q + 2 * PAGE));
  EQUAL(sys(SYS_mremap, q, 2 * PAGE, 4 * PAGE, 0), -ENOMEM); /* no room to grow in place */
  u8 *r = (u8 *)sys(SYS_mremap, q, 2 * PAGE, 6 * PAGE, MAYMOVE);
  CHECK((u64)r < -4096UL && r != q && !readable(q));
  CHECK(r[7] == 0x40 && r[PAGE + 7] == 0x41 && zero(r + 2 * PAGE, 4 * PAGE));
  u8 *target = pages(2 * PAGE, RW);
  EQUAL(sys(SYS_mremap, r, 2 * PAGE, 2 * PAGE, FIXED_MOVE, target), (u64)target);
  CHECK(target[7] == 0x40 && target[PAGE + 7] == 0x41 && !readable(r) && readable(r + 2 * PAGE));

  section("brk");
  u64 start = (u64)sys(SYS_brk, 0);
  CHECK(start != 0);
  EQUAL(sys(SYS_brk, start + 5 * PAGE), start + 5 * PAGE);
  u8 *heap = (u8 *)start;
  CHECK(zero(heap, 5 * PAGE));
  heap[4 * PAGE] = 3;
  EQUAL(sys(SYS_brk, start + PAGE), start + PAGE);
  EQUAL(sys(SYS_brk, start + 5 * PAGE), start + 5 * PAGE);
  EQUAL(heap[4 * PAGE], 0); /* what was given back comes again as zeroes */
  EQUAL(sys(SYS_brk, 8), start + 5 * PAGE); /* refused: the break stays */
  return finish();
}
