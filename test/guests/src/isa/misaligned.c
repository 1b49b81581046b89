/* Misaligned loads and stores of every width at every offset across a page boundary, and across a boundary whose
   two pages lie apart in memory order of first touch. */
#include "mini.h"

static u64 bytes_at(const volatile u8 *p, u64 n) {
  u64 v = 0;
  for (u64 i = 0; i < n; i++) v |= (u64)p[i] << 8 * i;
  return v;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  u8 *p = pages(3 * PAGE, PROT_READ | PROT_WRITE);
  p[2 * PAGE] = 1; /* touch them out of order */
  p[0] = 1;
  volatile u8 *edge = p + PAGE;
  for (i64 at = -16; at < 16; at++) edge[at] = (u8)(0xa0 + at);

  section("loads");
  for (i64 at = -8; at <= 0; at++) {
    u64 d, w, wu, h, hu;
    asm volatile("ld %0, 0(%5)\nlw %1, 0(%5)\nlwu %2, 0(%5)\nlh %3, 0(%5)\nlhu %4, 0(%5)"
                 : "=&r"(d), "=&r"(w), "=&r"(wu), "=&r"(h), "=&r"(hu) : "r"(edge + at) : "memory");
    EQUAL(d, bytes_at(edge + at, 8));
    EQUAL(w, (i32)bytes_at(edge + at, 4));
    EQUAL(wu, bytes_at(edge + at, 4));
    EQUAL(h, (i16)bytes_at(edge + at, 2));
    EQUAL(hu, bytes_at(edge + at, 2));
    u64 f, fw;
    asm volatile("fld ft0, 0(%2)\nflw ft1, 0(%2)\nfmv.x.d %0, ft0\nfmv.x.w %1, ft1" : "=&r"(f), "=&r"(fw) : "r"(edge + at) : "ft0", "ft1", "memory");
    EQUAL(f, bytes_at(edge + at, 8));
    EQUAL(fw, (i32)bytes_at(edge + at, 4));
  }

  section("stores");
  for (i64 at = -8; at <= 0; at++)
    for (u64 width = 2; width <= 8; width *= 2) {
      for (i64 i = -16; i < 16; i++) edge[i] = (u8)(0xa0 + i);
      u64 v = 0x1122334455667788;
      if (width == 2) asm volatile("sh %0, 0(%1)" ::"r"(v), "r"(edge + at) : "memory");
      else if (width == 4) asm volatile("sw %0, 0(%1)" ::"r"(v), "r"(edge + at) : "memory");
      else asm volatile("sd %0, 0(%1)" ::"r"(v), "r"(edge + at) : "memory");
      for (i64 i = -16; i < 16; i++)
        EQUAL(edge[i], i >= at && i < at + (i64)width ? (u8)(v >> 8 * (i - at)) : (u8)(0xa0 + i));
    }
  return finish();
}
