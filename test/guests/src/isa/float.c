/* F and D: rounding modes, flags, NaN boxing, canonical NaNs, min/max, classes, conversions, fused operations.
   All answers are bit patterns by hand. Flags: NV 16, DZ 8, OF 4, UF 2, NX 1. */
#include "mini.h"

enum { NV = 16, DZ = 8, OF = 4, UF = 2, NX = 1, RNE = 0, RTZ = 1, RDN = 2, RUP = 3, RMM = 4 };
#define NAND 0x7ff8000000000000UL
#define SNAND 0x7ff0000000000001UL
#define INFD 0x7ff0000000000000UL
#define NEG 0x8000000000000000UL
#define ONED 0x3ff0000000000000UL
#define MAXD 0x7fefffffffffffffUL
#define BOX 0xffffffff00000000UL

static u64 flags;
#define FLAGS(want) equal_at(__LINE__, "flags", flags, want)
static void rounding(u64 mode) { asm volatile("fsrm %0" ::"r"(mode)); }

/* Register-to-register forms: raw 64-bit patterns in and out, flags collected. */
#define F2(op, a, b) ({ u64 r_; asm volatile("fmv.d.x ft0, %2\nfmv.d.x ft1, %3\nfsflags x0\n" op " ft2, ft0, ft1\nfrflags %1\nfmv.x.d %0, ft2" : "=&r"(r_), "=&r"(flags) : "r"((u64)(a)), "r"((u64)(b)) : "ft0", "ft1", "ft2"); r_; })
#define F1(op, a) ({ u64 r_; asm volatile("fmv.d.x ft0, %2\nfsflags x0\n" op " ft2, ft0\nfrflags %1\nfmv.x.d %0, ft2" : "=&r"(r_), "=&r"(flags) : "r"((u64)(a)) : "ft0", "ft2"); r_; })
#define F3(op, a, b, c) ({ u64 r_; asm volatile("fmv.d.x ft0, %2\nfmv.d.x ft1, %3\nfmv.d.x ft3, %4\nfsflags x0\n" op " ft2, ft0, ft1, ft3\nfrflags %1\nfmv.x.d %0, ft2" : "=&r"(r_), "=&r"(flags) : "r"((u64)(a)), "r"((u64)(b)), "r"((u64)(c)) : "ft0", "ft1", "ft2", "ft3"); r_; })
/* To an integer register (with an optional static rounding mode), from one, and comparisons. */
#define FX(op, a, mode) ({ u64 r_; asm volatile("fmv.d.x ft0, %2\nfsflags x0\n" op " %0, ft0" mode "\nfrflags %1" : "=&r"(r_), "=&r"(flags) : "r"((u64)(a)) : "ft0"); r_; })
#define XF(op, a) ({ u64 r_; asm volatile("fsflags x0\n" op " ft2, %2\nfrflags %1\nfmv.x.d %0, ft2" : "=&r"(r_), "=&r"(flags) : "r"((u64)(a)) : "ft2"); r_; })
#define FC(op, a, b) ({ u64 r_; asm volatile("fmv.d.x ft0, %2\nfmv.d.x ft1, %3\nfsflags x0\n" op " %0, ft0, ft1\nfrflags %1" : "=&r"(r_), "=&r"(flags) : "r"((u64)(a)), "r"((u64)(b)) : "ft0", "ft1"); r_; })

static void modes(void) {
  section("rounding modes");
  /* 1 + 2^-53 is half way between 1 and its successor; (1 + 2^-52) + 2^-53 half way above an odd one. */
  static const u64 half[5] = {ONED, ONED, ONED, ONED + 1, ONED + 1};
  static const u64 odd[5] = {ONED + 2, ONED + 1, ONED + 1, ONED + 2, ONED + 2};
  static const u64 third[5] = {0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555556, 0x3fd5555555555555};
  static const u64 minus_third[5] = {0xbfd5555555555555, 0xbfd5555555555555, 0xbfd5555555555556, 0xbfd5555555555555, 0xbfd5555555555555};
  static const u64 root[5] = {0x3ff6a09e667f3bcd, 0x3ff6a09e667f3bcc, 0x3ff6a09e667f3bcc, 0x3ff6a09e667f3bcd, 0x3ff6a09e667f3bcd};
  static const u64 over[5] = {INFD, MAXD, MAXD, INFD, INFD};
  static const u64 under[5] = {0, 0, 0, 1, 1};
  static const u64 cancel[5] = {0, 0, NEG, 0, 0};
  for (u64 m = 0; m < 5; m++) {
    rounding(m);
    EQUAL(F2("fadd.d", ONED, 0x3ca0000000000000), half[m]);
    FLAGS(NX);
    EQUAL(F2("fadd.d", ONED + 1, 0x3ca0000000000000), odd[m]);
    EQUAL(F2("fdiv.d", ONED, 0x4008000000000000), third[m]);
    FLAGS(NX);
    EQUAL(F2("fdiv.d", NEG | ONED, 0x4008000000000000), minus_third[m]);
    EQUAL(F1("fsqrt.d", 0x4000000000000000), root[m]);
    FLAGS(NX);
    EQUAL(F2("fadd.d", MAXD, MAXD), over[m]);
    FLAGS(OF | NX);
    EQUAL(F2("fmul.d", 1, 0x3fe0000000000000), under[m]); /* half of the smallest subnormal */
    FLAGS(UF | NX);
    EQUAL(F2("fsub.d", ONED, ONED), cancel[m]); /* exact zero: minus only towards minus infinity */
    FLAGS(0);
  }
  rounding(RUP);
  u64 r;
  asm volatile("fmv.d.x ft0, %1\nfmv.d.x ft1, %2\nfadd.d ft2, ft0, ft1, rtz\nfmv.x.d %0, ft2" : "=r"(r) : "r"(ONED), "r"(0x3ca0000000000000) : "ft0", "ft1", "ft2");
  EQUAL(r, ONED); /* a static mode wins over frm */
  rounding(RNE);
}

static void arithmetic(void) {
  section("exceptions");
  EQUAL(F2("fdiv.d", ONED, 0), INFD);
  FLAGS(DZ);
  EQUAL(F2("fdiv.d", ONED, NEG), NEG | INFD);
  FLAGS(DZ);
  EQUAL(F2("fdiv.d", 0, 0), NAND);
  FLAGS(NV);
  EQUAL(F2("fsub.d", INFD, INFD), NAND);
  FLAGS(NV);
  EQUAL(F2("fmul.d", INFD, 0), NAND);
  FLAGS(NV);
  EQUAL(F1("fsqrt.d", NEG | ONED), NAND);
  FLAGS(NV);
  EQUAL(F1("fsqrt.d", NEG), NEG);
  FLAGS(0);
  EQUAL(F2("fadd.d", 0xfff8000000001234, ONED), NAND); /* a payload never survives */
  FLAGS(0);
  EQUAL(F2("fadd.d", SNAND, ONED), NAND);
  FLAGS(NV);
  EQUAL(F2("fmul.d", 0x0010000000000000, 0x3fe0000000000000), 0x0008000000000000); /* exact subnormal: no flag */
  FLAGS(0);
  /* (1 - 2^-27)(1 + 2^-27) 2^-1022: tiny before rounding, not after; RISC-V looks after */
  EQUAL(F2("fmul.d", 0x1ffffffffc000000, 0x2000000002000000), 0x0010000000000000);
  FLAGS(NX);

  section("fused");
  /* (1 + 2^-27)^2 - (1 + 2^-26) = 2^-54 exactly, where a rounded product would leave 0 */
  EQUAL(F3("fmsub.d", 0x3ff0000002000000, 0x3ff0000002000000, 0x3ff0000004000000), 0x3c90000000000000);
  FLAGS(0);
  EQUAL(F3("fmadd.d", 0x4000000000000000, 0x4008000000000000, ONED), 0x401c000000000000);  /* 2*3+1 */
  EQUAL(F3("fmsub.d", 0x4000000000000000, 0x4008000000000000, ONED), 0x4014000000000000);  /* 2*3-1 */
  EQUAL(F3("fnmsub.d", 0x4000000000000000, 0x4008000000000000, ONED), 0xc014000000000000); /* -(2*3)+1 */
  EQUAL(F3("fnmadd.d", 0x4000000000000000, 0x4008000000000000, ONED), 0xc01c000000000000); /* -(2*3)-1 */
  EQUAL(F3("fmadd.d", INFD, 0, NAND), NAND);
  FLAGS(NV); /* infinity times zero is invalid even beside a quiet NaN */
  EQUAL(F3("fmadd.s", BOX | 0x40000000, BOX | 0x40400000, BOX | 0x3f800000), BOX | 0x40e00000);
}

static void compare(void) {
  section("min and max");
  EQUAL(F2("fmin.d", 0, NEG), NEG);
  EQUAL(F2("fmax.d", NEG, 0), 0);
  EQUAL(F2("fmin.d", NAND, ONED), ONED);
  FLAGS(0);
  EQUAL(F2("fmax.d", ONED, SNAND), ONED);
  FLAGS(NV);
  EQUAL(F2("fmin.d", 0xfff8000000000001, NAND), NAND);
  FLAGS(0);
  EQUAL(F2("fmin.s", BOX | 0xbf800000, BOX | 0x3f800000), BOX | 0xbf800000);

  section("compare");
  EQUAL(FC("feq.d", 0, NEG), 1);
  EQUAL(FC("flt.d", NEG, 0), 0);
  EQUAL(FC("fle.d", NEG | ONED, ONED), 1);
  EQUAL(FC("feq.d", NAND, NAND), 0);
  FLAGS(0);
  EQUAL(FC("feq.d", SNAND, ONED), 0);
  FLAGS(NV);
  EQUAL(FC("flt.d", NAND, ONED), 0);
  FLAGS(NV);
  EQUAL(FC("fle.d", ONED, NAND), 0);
  FLAGS(NV);

  section("class");
  static const u64 each[10] = {NEG | INFD, NEG | ONED, NEG | 1, NEG, 0, 1, ONED, INFD, SNAND, NAND};
  static const u32 each_s[10] = {0xff800000, 0xbf800000, 0x80000001, 0x80000000, 0, 1, 0x3f800000, 0x7f800000, 0x7f800001, 0x7fc00000};
  for (int i = 0; i < 10; i++) {
    EQUAL(FX("fclass.d", each[i], ""), 1UL << i);
    EQUAL(FX("fclass.s", BOX | each_s[i], ""), 1UL << i);
  }

  section("signs");
  EQUAL(F2("fsgnj.d", ONED, NEG), NEG | ONED);
  EQUAL(F2("fsgnjn.d", ONED, NEG), ONED);
  EQUAL(F2("fsgnjx.d", NEG | ONED, NEG), ONED);
  EQUAL(F2("fsgnjn.d", SNAND, SNAND), NEG | SNAND); /* bits only: no flag, nothing made quiet */
  FLAGS(0);
}

static void convert(void) {
  section("to integer");
  static const i64 up[5] = {2, 2, 2, 3, 3}, down[5] = {-2, -2, -3, -2, -3}; /* 2.5 and -2.5 */
  for (u64 m = 0; m < 5; m++) {
    rounding(m);
    EQUAL(FX("fcvt.w.d", 0x4004000000000000, ""), up[m]);
    FLAGS(NX);
    EQUAL(FX("fcvt.l.d", 0xc004000000000000, ""), down[m]);
  }
  rounding(RNE);
  EQUAL(FX("fcvt.w.d", NAND, ""), 0x7fffffff);
  FLAGS(NV);
  EQUAL(FX("fcvt.w.d", NEG | INFD, ""), 0xffffffff80000000);
  EQUAL(FX("fcvt.w.d", 0x41e0000000000000, ""), 0x7fffffff); /* 2^31 */
  FLAGS(NV);
  EQUAL(FX("fcvt.w.d", 0xc1e0000000000000, ""), 0xffffffff80000000); /* -2^31 fits */
  FLAGS(0);
  EQUAL(FX("fcvt.wu.d", NEG | ONED, ""), 0);
  FLAGS(NV);
  EQUAL(FX("fcvt.wu.d", 0x41f0000000000000, ""), -1); /* 2^32: all ones, sign-extended */
  FLAGS(NV);
  EQUAL(FX("fcvt.wu.d", 0x41efffffffe00000, ""), -1); /* 2^32 - 1 fits, and is sign-extended */
  FLAGS(0);
  EQUAL(FX("fcvt.wu.d", 0xbfe0000000000000, ", rtz"), 0); /* -0.5 rounds to a valid 0 */
  FLAGS(NX);
  EQUAL(FX("fcvt.l.d", 0x43e0000000000000, ""), 0x7fffffffffffffff); /* 2^63 */
  FLAGS(NV);
  EQUAL(FX("fcvt.lu.d", 0x43e0000000000000, ""), NEG);
  FLAGS(0);
  EQUAL(FX("fcvt.lu.d", NEG | ONED, ""), 0);
  FLAGS(NV);
  EQUAL(FX("fcvt.lu.d", NAND, ""), -1);
  EQUAL(FX("fcvt.w.s", BOX | 0xcf000000, ""), 0xffffffff80000000);
  FLAGS(0);
  EQUAL(FX("fcvt.l.s", BOX | 0x7fc00000, ""), 0x7fffffffffffffff);
  FLAGS(NV);

  section("from integer");
  EQUAL(XF("fcvt.d.w", 0xffffffff), 0xbff0000000000000); /* the low word, signed */
  EQUAL(XF("fcvt.d.wu", -1), 0x41efffffffe00000);
  FLAGS(0);
  EQUAL(XF("fcvt.d.l", 0x7fffffffffffffff), 0x43e0000000000000);
  FLAGS(NX);
  EQUAL(XF("fcvt.d.lu", -1), 0x43f0000000000000);
  EQUAL(XF("fcvt.s.l", 0x7fffffffffffffff), BOX | 0x5f000000);
  EQUAL(XF("fcvt.s.wu", 0x1000001), BOX | 0x4b800000); /* 2^24 + 1: a tie, to even */
  FLAGS(NX);
  rounding(RTZ);
  EQUAL(XF("fcvt.d.lu", -1), 0x43efffffffffffff);
  EQUAL(XF("fcvt.s.l", 0x7fffffffffffffff), BOX | 0x5effffff);
  rounding(RNE);

  section("between widths");
  EQUAL(F1("fcvt.d.s", BOX | 0x3fc00000), 0x3ff8000000000000);
  EQUAL(F1("fcvt.d.s", BOX | 1), 0x36a0000000000000); /* 2^-149 becomes normal */
  FLAGS(0);
  EQUAL(F1("fcvt.d.s", BOX | 0x7f800001), NAND);
  FLAGS(NV);
  EQUAL(F1("fcvt.s.d", 0x7ff8000000012345), BOX | 0x7fc00000);
  FLAGS(0);
  EQUAL(F1("fcvt.s.d", 0x3ff0000010000000), BOX | 0x3f800000); /* 1 + 2^-24: a tie */
  FLAGS(NX);
  EQUAL(F1("fcvt.s.d", MAXD), BOX | 0x7f800000);
  FLAGS(OF | NX);
  EQUAL(F1("fcvt.s.d", 0x3690000000000000), BOX | 0); /* 2^-150: half of the smallest */
  FLAGS(UF | NX);
}

static void boxing(void) {
  section("boxing");
  EQUAL(F2("fadd.s", BOX | 0x3f800000, BOX | 0x40000000), BOX | 0x40400000);
  EQUAL(F2("fadd.s", 0x3f800000, BOX | 0x40000000), BOX | 0x7fc00000); /* not boxed: a quiet NaN */
  FLAGS(0);
  EQUAL(F2("fsgnj.s", 0x00000001bf800000, BOX | 0x3f800000), BOX | 0x7fc00000);
  EQUAL(FX("fclass.s", 0x3f800000, ""), 1 << 9);
  EQUAL(FX("fmv.x.w", 0x12345678bf800000, ""), 0xffffffffbf800000); /* moves take the bits as they are */
  EQUAL(XF("fmv.w.x", 0x123456783f800000), BOX | 0x3f800000);
  static u32 word[2] = {0x7f800001, 0};
  u64 r;
  asm volatile("flw ft0, 0(%1)\nfmv.x.d %0, ft0\nfsw ft0, 4(%1)" : "=&r"(r) : "r"(word) : "ft0", "memory");
  EQUAL(r, BOX | 0x7f800001); /* loads keep signalling NaNs */
  EQUAL(word[1], 0x7f800001);
  asm volatile("fmv.d.x ft0, %0\nfsw ft0, 4(%1)" ::"r"(0x1111111122222222), "r"(word) : "ft0", "memory");
  EQUAL(word[1], 0x22222222);
}

static void control(void) {
  section("fcsr");
  u64 r;
  asm volatile("fscsr x0, %1\nfrcsr %0" : "=r"(r) : "r"(0xffffffffUL));
  EQUAL(r, 0xff);
  asm volatile("fscsr x0, x0\nfsflagsi 31\nfsrmi 3\nfrcsr %0" : "=r"(r));
  EQUAL(r, 0x7f);
  asm volatile("csrrci %0, fflags, 5" : "=r"(r));
  EQUAL(r, 31);
  asm volatile("csrrw %0, frm, x0" : "=r"(r));
  EQUAL(r, 3);
  asm volatile("frcsr %0" : "=r"(r));
  EQUAL(r, 26);
  asm volatile("fscsr %0, x0" : "=r"(r));
  EQUAL(r, 26);
  /* flags accumulate */
  asm volatile("fmv.d.x ft0, %1\nfmv.d.x ft1, x0\nfdiv.d ft2, ft0, ft1\nfdiv.d ft2, ft1, ft1\nfrflags %0" : "=r"(r) : "r"(ONED) : "ft0", "ft1", "ft2");
  EQUAL(r, NV | DZ);
  asm volatile("fscsr x0, x0");
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)argc, (void)argv, (void)envp, (void)auxv;
  modes();
  arithmetic();
  compare();
  convert();
  boxing();
  control();
  return finish();
}
