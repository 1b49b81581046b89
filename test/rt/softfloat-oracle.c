/*
 * Runs F/D instructions on the real (or emulated) machine for softfloat.test.ts.
 * "list" as argument: prints the operation names, one a line, in index order.
 * Otherwise: records of 32 bytes {u32 op, u32 mode, u64 a, b, c} from stdin, answers of 16 bytes
 * {u64 result, u64 fflags} to stdout. binary32 values use the low 32 bits, results zero-extended;
 * integers are as they stand in the register.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t u64;
typedef struct {
  uint32_t op, mode;
  u64 a, b, c;
} rec;
typedef struct {
  u64 r, flags;
} ans;

static u64 from_d(double x) {
  u64 r;
  memcpy(&r, &x, 8);
  return r;
}
static u64 from_s(float x) {
  uint32_t r;
  memcpy(&r, &x, 4);
  return r;
}
static double to_d(u64 x) {
  double r;
  memcpy(&r, &x, 8);
  return r;
}
static float to_s(u64 x) {
  uint32_t y = (uint32_t)x;
  float r;
  memcpy(&r, &y, 4);
  return r;
}

#define FN(name) static u64 op_##name(u64 a, u64 b, u64 c)
#define F2(name, insn, K, T)                                                         \
  FN(name) {                                                                         \
    T r;                                                                             \
    (void)c;                                                                         \
    __asm__ volatile(insn " %0, %1, %2" : "=f"(r) : "f"(to_##K(a)), "f"(to_##K(b))); \
    return from_##K(r);                                                              \
  }
#define F3(name, insn, K, T)                                                                            \
  FN(name) {                                                                                            \
    T r;                                                                                                \
    __asm__ volatile(insn " %0, %1, %2, %3" : "=f"(r) : "f"(to_##K(a)), "f"(to_##K(b)), "f"(to_##K(c))); \
    return from_##K(r);                                                                                 \
  }
#define FF(name, insn, K, R, T)                                    \
  FN(name) {                                                       \
    T r;                                                           \
    (void)b, (void)c;                                              \
    __asm__ volatile(insn " %0, %1" : "=f"(r) : "f"(to_##K(a)));   \
    return from_##R(r);                                            \
  }
#define FI(name, insn, R, T)                             \
  FN(name) {                                             \
    T r;                                                 \
    (void)b, (void)c;                                    \
    __asm__ volatile(insn " %0, %1" : "=f"(r) : "r"(a)); \
    return from_##R(r);                                  \
  }
#define IF(name, insn, K)                                        \
  FN(name) {                                                     \
    u64 r;                                                       \
    (void)b, (void)c;                                            \
    __asm__ volatile(insn " %0, %1" : "=r"(r) : "f"(to_##K(a))); \
    return r;                                                    \
  }
#define I2(name, insn, K)                                                            \
  FN(name) {                                                                         \
    u64 r;                                                                           \
    (void)c;                                                                         \
    __asm__ volatile(insn " %0, %1, %2" : "=r"(r) : "f"(to_##K(a)), "f"(to_##K(b))); \
    return r;                                                                        \
  }
#define BOTH(K, T)                  \
  F2(add_##K, "fadd." #K, K, T)     \
  F2(sub_##K, "fsub." #K, K, T)     \
  F2(mul_##K, "fmul." #K, K, T)     \
  F2(div_##K, "fdiv." #K, K, T)     \
  FF(sqrt_##K, "fsqrt." #K, K, K, T) \
  F3(fma_##K, "fmadd." #K, K, T)    \
  F2(min_##K, "fmin." #K, K, T)     \
  F2(max_##K, "fmax." #K, K, T)     \
  I2(eq_##K, "feq." #K, K)          \
  I2(lt_##K, "flt." #K, K)          \
  I2(le_##K, "fle." #K, K)          \
  IF(class_##K, "fclass." #K, K)    \
  IF(K##_to_w, "fcvt.w." #K, K)     \
  IF(K##_to_wu, "fcvt.wu." #K, K)   \
  IF(K##_to_l, "fcvt.l." #K, K)     \
  IF(K##_to_lu, "fcvt.lu." #K, K)   \
  FI(l_to_##K, "fcvt." #K ".l", K, T) \
  FI(lu_to_##K, "fcvt." #K ".lu", K, T)

BOTH(d, double)
BOTH(s, float)
FI(w_to_s, "fcvt.s.w", s, float)
FI(wu_to_s, "fcvt.s.wu", s, float)
FF(s_to_d, "fcvt.d.s", s, d, double)
FF(d_to_s, "fcvt.s.d", d, s, float)

#define E(name) {#name, op_##name}
#define NAMES(K)                                                                                      \
  E(add_##K), E(sub_##K), E(mul_##K), E(div_##K), E(sqrt_##K), E(fma_##K), E(min_##K), E(max_##K),    \
      E(eq_##K), E(lt_##K), E(le_##K), E(class_##K), E(K##_to_w), E(K##_to_wu), E(K##_to_l),          \
      E(K##_to_lu), E(l_to_##K), E(lu_to_##K)

static const struct {
  const char *name;
  u64 (*run)(u64, u64, u64);
} ops[] = {NAMES(d), NAMES(s), E(w_to_s), E(wu_to_s), E(s_to_d), E(d_to_s)};
#define COUNT (sizeof ops / sizeof ops[0])

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "list")) {
    for (size_t i = 0; i < COUNT; i++) puts(ops[i].name);
    return 0;
  }
  static rec in[4096];
  static ans out[4096];
  size_t n;
  while ((n = fread(in, sizeof(rec), 4096, stdin)) > 0) {
    for (size_t i = 0; i < n; i++) {
      if (in[i].op >= COUNT) return 1;
      u64 fcsr = (u64)in[i].mode << 5;
      __asm__ volatile("csrw fcsr, %0" ::"r"(fcsr));
      out[i].r = ops[in[i].op].run(in[i].a, in[i].b, in[i].c);
      __asm__ volatile("csrr %0, fflags" : "=r"(out[i].flags));
    }
    if (fwrite(out, sizeof(ans), n, stdout) != n) return 1;
  }
  return 0;
}
