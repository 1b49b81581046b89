/* RV64M: answers by hand, then a grid of edge values against schoolbook models that use no M instruction. */
#include "mini.h"

#define RR(op, a, b) ({ u64 r_; asm volatile(op " %0, %1, %2" : "=r"(r_) : "r"((u64)(a)), "r"((u64)(b))); r_; })
#define MIN 0x8000000000000000UL
#define MAX 0x7fffffffffffffffUL

/* 64 x 64 -> 128 by shifting and adding. */
static void product(u64 a, u64 b, u64 *high, u64 *low) {
  u64 h = 0, l = 0;
  for (int i = 63; i >= 0; i--) {
    h = h << 1 | l >> 63;
    l <<= 1;
    if (b >> i & 1) {
      l += a;
      h += l < a;
    }
  }
  *high = h;
  *low = l;
}

/* Restoring division, b != 0. */
static u64 divide(u64 a, u64 b, u64 *rest) {
  u64 q = 0, r = 0;
  for (int i = 63; i >= 0; i--) {
    u64 carry = r >> 63;
    r = r << 1 | (a >> i & 1);
    q <<= 1;
    if (carry || r >= b) {
      r -= b;
      q |= 1;
    }
  }
  *rest = r;
  return q;
}

static u64 magnitude(u64 v) { return (i64)v < 0 ? -v : v; }
static u64 word(u64 v) { return (u64)(i64)(i32)v; }

static void signed_divide(u64 a, u64 b, u64 *q, u64 *r) {
  u64 rest, quotient = divide(magnitude(a), magnitude(b), &rest);
  *q = (i64)(a ^ b) < 0 ? -quotient : quotient;
  *r = (i64)a < 0 ? -rest : rest;
}

static const u64 edge[] = {0, 1, 2, 3, 7, 10, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x123456789abcdef0,
                           MAX, MIN, -1UL, -2UL, -3UL, -10UL, 0xffffffff80000000, 0xfedcba9876543210, 0x5555555555555555};
enum { EDGES = sizeof edge / sizeof *edge };

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  section("multiply");
  EQUAL(RR("mul", 0x123456789, 0x1000), 0x123456789000);
  EQUAL(RR("mulh", -1, -1), 0);
  EQUAL(RR("mulh", MIN, MIN), 0x4000000000000000);
  EQUAL(RR("mulhu", -1, -1), -2);
  EQUAL(RR("mulhsu", -1, -1), -1);
  EQUAL(RR("mulhsu", 1, -1), 0);
  EQUAL(RR("mulhsu", MIN, -1), 0x8000000000000000); /* -2^63 (2^64 - 1) = -2^127 + 2^63 */
  EQUAL(RR("mulhsu", -1, 1), -1);
  EQUAL(RR("mulw", 0x10000, 0x8000), 0xffffffff80000000);

  section("divide");
  EQUAL(RR("div", -7, 2), -3);
  EQUAL(RR("rem", -7, 2), -1);
  EQUAL(RR("rem", 7, -2), 1);
  EQUAL(RR("divu", -7, 2), 0x7ffffffffffffffc);
  EQUAL(RR("remu", -7, 2), 1);
  EQUAL(RR("divw", 0x80000000, 0x100000002), 0xffffffffc0000000);

  section("by zero");
  EQUAL(RR("div", 5, 0), -1);
  EQUAL(RR("divu", 5, 0), -1);
  EQUAL(RR("rem", -5, 0), -5);
  EQUAL(RR("remu", 5, 0), 5);
  EQUAL(RR("divw", 5, 0x100000000), -1);
  EQUAL(RR("divuw", 5, 0), -1);
  EQUAL(RR("remw", 0x80000005, 0), 0xffffffff80000005);
  EQUAL(RR("remuw", 0x80000005, 0), 0xffffffff80000005);

  section("overflow");
  EQUAL(RR("div", MIN, -1), MIN);
  EQUAL(RR("rem", MIN, -1), 0);
  EQUAL(RR("divw", 0x80000000, 0xffffffff), 0xffffffff80000000);
  EQUAL(RR("remw", 0x80000000, 0xffffffff), 0);

  section("grid");
  for (int i = 0; i < EDGES; i++)
    for (int j = 0; j < EDGES; j++) {
      u64 a = edge[i], b = edge[j], high, low, q, r;
      product(a, b, &high, &low);
      EQUAL(RR("mul", a, b), low);
      EQUAL(RR("mulhu", a, b), high);
      EQUAL(RR("mulhsu", a, b), high - ((i64)a < 0 ? b : 0));
      EQUAL(RR("mulh", a, b), high - ((i64)a < 0 ? b : 0) - ((i64)b < 0 ? a : 0));
      EQUAL(RR("mulw", a, b), word(low));
      if (b != 0) {
        q = divide(a, b, &r);
        EQUAL(RR("divu", a, b), q);
        EQUAL(RR("remu", a, b), r);
        signed_divide(a, b, &q, &r);
        EQUAL(RR("div", a, b), q);
        EQUAL(RR("rem", a, b), r);
      }
      if ((u32)b != 0) {
        q = divide((u32)a, (u32)b, &r);
        EQUAL(RR("divuw", a, b), word(q));
        EQUAL(RR("remuw", a, b), word(r));
        signed_divide(word(a), word(b), &q, &r);
        EQUAL(RR("divw", a, b), word(q));
        EQUAL(RR("remw", a, b), word(r));
      }
    }
  return finish();
}
