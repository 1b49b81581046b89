/* Zba, Zbb, Zbs: answers by hand, then a grid against bit-by-bit models. Built with those extensions; the models
   are volatile enough that the compiler cannot turn them into the instructions under test.
   With the argument "all" also CTZW of words whose low half is zero, which qemu 7.2 gets wrong. */
#include "mini.h"

#define RR(op, a, b) ({ u64 r_; asm volatile(op " %0, %1, %2" : "=r"(r_) : "r"((u64)(a)), "r"((u64)(b))); r_; })
#define R1(op, a) ({ u64 r_; asm volatile(op " %0, %1" : "=r"(r_) : "r"((u64)(a))); r_; })
#define RI(op, a, imm) ({ u64 r_; asm volatile(op " %0, %1, " #imm : "=r"(r_) : "r"((u64)(a))); r_; })
#define MIN 0x8000000000000000UL

static u64 hide(u64 v) {
  asm volatile("" : "+r"(v));
  return v;
}
static u64 bit(u64 v, u64 i) { return hide(v >> (i & 63)) & 1; }

static u64 leading(u64 v, u64 bits) {
  u64 n = 0;
  while (n < bits && !bit(v, bits - 1 - n)) n++;
  return n;
}
static u64 trailing(u64 v, u64 bits) {
  u64 n = 0;
  while (n < bits && !bit(v, n)) n++;
  return n;
}
static u64 ones(u64 v, u64 bits) {
  u64 n = 0;
  for (u64 i = 0; i < bits; i++) n += bit(v, i);
  return n;
}
/* Rotation to the left of the low `bits` bits. */
static u64 rotate(u64 v, u64 by, u64 bits) {
  u64 r = 0;
  for (u64 i = 0; i < bits; i++) r |= bit(v, i) << ((i + by) % bits);
  return r;
}
static u64 word(u64 v) { return (u64)(i64)(i32)v; }
static int below(u64 a, u64 b) { return (i64)hide(a) < (i64)hide(b); }

static const u64 edge[] = {0, 1, 2, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fffffff, 0x80000000,
                           0xffffffff, 0x100000000, 0x0100000000000080, 0x123456789abcdef0, MIN - 1, MIN, -1UL, 0x00ff00000100ff00};
enum { EDGES = sizeof edge / sizeof *edge };

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  int all = argc > 1 && same(argv[1], "all");
  section("zba");
  EQUAL(RR("sh1add", 3, 100), 106);
  EQUAL(RR("sh2add", MIN | 3, 100), 112);
  EQUAL(RR("sh3add", 3, -24), 0);
  EQUAL(RR("add.uw", 0xffffffff80000000, 1), 0x80000001);
  EQUAL(RR("sh1add.uw", 0xffffffff80000000, 1), 0x100000001);
  EQUAL(RR("sh2add.uw", 0xffffffff80000000, 1), 0x200000001);
  EQUAL(RR("sh3add.uw", 0xffffffff80000000, 1), 0x400000001);
  EQUAL(RI("slli.uw", 0xffffffff80000001, 4), 0x800000010);
  EQUAL(RI("slli.uw", 3, 63), MIN);

  section("zbb");
  EQUAL(R1("clz", 0), 64);
  EQUAL(R1("ctz", 0), 64);
  EQUAL(R1("clzw", 0xffffffff00000000), 32);
  EQUAL(R1("ctzw", 0xffffffff00000000), 32);
  EQUAL(R1("cpop", -1), 64);
  EQUAL(R1("cpopw", -1), 32);
  EQUAL(R1("sext.b", 0x180), -128);
  EQUAL(R1("sext.h", 0x18000), 0xffffffffffff8000);
  EQUAL(R1("zext.h", 0x18000), 0x8000);
  EQUAL(R1("orc.b", 0x0001000080000300), 0x00ff0000ff00ff00);
  EQUAL(R1("rev8", 0x0102030405060708), 0x0807060504030201);
  EQUAL(RR("andn", 0xff, 0x0f), 0xf0);
  EQUAL(RR("orn", 0, 0xf), -16);
  EQUAL(RR("xnor", 5, 5), -1);
  EQUAL(RI("rori", 0x123456789abcdef0, 4), 0x0123456789abcdef);
  EQUAL(RI("roriw", 0x80000001, 1), 0xffffffffc0000000);

  section("zbs");
  EQUAL(RI("bseti", 0, 63), MIN);
  EQUAL(RI("bclri", -1, 63), MIN - 1);
  EQUAL(RI("binvi", 1, 0), 0);
  EQUAL(RI("bexti", MIN, 63), 1);

  section("grid of one");
  for (int i = 0; i < EDGES; i++) {
    u64 v = edge[i], orc = 0, rev = 0;
    EQUAL(R1("clz", v), leading(v, 64));
    EQUAL(R1("clzw", v), leading(v, 32));
    EQUAL(R1("ctz", v), trailing(v, 64));
    if ((u32)v || all) EQUAL(R1("ctzw", v), trailing(v, 32));
    EQUAL(R1("cpop", v), ones(v, 64));
    EQUAL(R1("cpopw", v), ones(v, 32));
    for (u64 k = 0; k < 8; k++) {
      u64 byte = hide(v >> 8 * k) & 255;
      orc |= (byte ? 255UL : 0UL) << 8 * k;
      rev |= byte << (56 - 8 * k);
    }
    EQUAL(R1("orc.b", v), orc);
    EQUAL(R1("rev8", v), rev);
  }

  section("grid of two");
  for (int i = 0; i < EDGES; i++)
    for (int j = 0; j < EDGES; j++) {
      u64 a = edge[i], b = edge[j], one = 1UL << (b & 63);
      EQUAL(RR("sh1add", a, b), 2 * a + b);
      EQUAL(RR("sh2add.uw", a, b), 4 * (a & 0xffffffff) + b);
      EQUAL(RR("max", a, b), below(a, b) ? b : a);
      EQUAL(RR("min", a, b), below(a, b) ? a : b);
      EQUAL(RR("maxu", a, b), hide(a) < hide(b) ? b : a);
      EQUAL(RR("minu", a, b), hide(a) < hide(b) ? a : b);
      EQUAL(RR("rol", a, b), rotate(a, b & 63, 64));
      EQUAL(RR("ror", a, b), rotate(a, 64 - (b & 63), 64));
      EQUAL(RR("rolw", a, b), word(rotate(a, b & 31, 32)));
      EQUAL(RR("rorw", a, b), word(rotate(a, 32 - (b & 31), 32)));
      EQUAL(RR("bset", a, b), a | hide(one));
      EQUAL(RR("bclr", a, b), a & hide(~one));
      EQUAL(RR("binv", a, b), a ^ hide(one));
      EQUAL(RR("bext", a, b), bit(a, b));
      EQUAL(RR("andn", a, b), a & hide(~b));
      EQUAL(RR("orn", a, b), a | hide(~b));
      EQUAL(RR("xnor", a, b), hide(a ^ b) ^ -1UL);
    }
  return finish();
}
