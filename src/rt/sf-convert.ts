/**
 * RISC-V F/D conversions, comparisons, min/max and classification.
 *
 * Float to integer needs no integer path: rounding a binary64 to an integral value with the host
 * instructions is exact in the wanted direction, and both the range and "did it change" can be read off
 * the rounded value. Facts: RISC-V unprivileged ISA, table of FCVT domains and results, FMIN/FMAX of F 2.2.
 */

import { core_convert } from './sf-core';
import {
  bexp,
  FRAC_D,
  is_nan,
  is_snan,
  mode_of,
  NV,
  NX,
  QNAN_D,
  QUIET_D,
  RDN,
  RNE,
  RTZ,
  RUP,
  raise,
  round_pack,
  SIGN_D,
  widen,
} from './sf-pack';

// ---- float -> integer -------------------------------------------------------------------------------

const TWO_63: f64 = 4294967296.0 * 2147483648.0;

function to_integral(mode: i32, a: f64): f64 {
  if (mode === RTZ) return trunc<f64>(a);
  if (mode === RNE) return nearest<f64>(a);
  if (mode === RDN) return floor<f64>(a);
  if (mode === RUP) return ceil<f64>(a);
  const t = trunc<f64>(a);
  // The fraction a-t is exact; infinities give NaN here and keep t.
  return abs<f64>(a - t) >= 0.5 ? t + copysign<f64>(1, a) : t;
}

/** FCVT.W.D: i32 result, sign-extended; out of range saturates and raises NV, NaN counts as +large. */
export function fp_d_to_w(fcsr: usize, rm: i32, a: f64): i64 {
  const r = to_integral(mode_of(load<i32>(fcsr), rm), a);
  if (r >= -2147483648.0 && r <= 2147483647.0) {
    if (r !== a) raise(fcsr, NX);
    return <i64>(<i32>r);
  }
  raise(fcsr, NV);
  return r < 0 ? -0x80000000 : 0x7fffffff;
}

/** FCVT.WU.D: u32 result, sign-extended from bit 31 as RV64 keeps 32-bit values. */
export function fp_d_to_wu(fcsr: usize, rm: i32, a: f64): i64 {
  const r = to_integral(mode_of(load<i32>(fcsr), rm), a);
  if (r >= 0 && r <= 4294967295.0) {
    if (r !== a) raise(fcsr, NX);
    return <i64>(<i32>(<u32>r));
  }
  raise(fcsr, NV);
  return r < 0 ? 0 : -1;
}

/** FCVT.L.D */
export function fp_d_to_l(fcsr: usize, rm: i32, a: f64): i64 {
  const r = to_integral(mode_of(load<i32>(fcsr), rm), a);
  if (r >= -TWO_63 && r < TWO_63) {
    if (r !== a) raise(fcsr, NX);
    return <i64>r;
  }
  raise(fcsr, NV);
  return r < 0 ? i64.MIN_VALUE : i64.MAX_VALUE;
}

/** FCVT.LU.D: the u64 result as i64. */
export function fp_d_to_lu(fcsr: usize, rm: i32, a: f64): i64 {
  const r = to_integral(mode_of(load<i32>(fcsr), rm), a);
  if (r >= 0 && r < TWO_63 * 2) {
    if (r !== a) raise(fcsr, NX);
    return <i64>(<u64>r);
  }
  raise(fcsr, NV);
  return r < 0 ? 0 : -1;
}

/** FCVT.W.S */
export function fp_s_to_w(fcsr: usize, rm: i32, a: f32): i64 {
  return fp_d_to_w(fcsr, rm, <f64>a);
}

/** FCVT.WU.S */
export function fp_s_to_wu(fcsr: usize, rm: i32, a: f32): i64 {
  return fp_d_to_wu(fcsr, rm, <f64>a);
}

/** FCVT.L.S */
export function fp_s_to_l(fcsr: usize, rm: i32, a: f32): i64 {
  return fp_d_to_l(fcsr, rm, <f64>a);
}

/** FCVT.LU.S */
export function fp_s_to_lu(fcsr: usize, rm: i32, a: f32): i64 {
  return fp_d_to_lu(fcsr, rm, <f64>a);
}

// ---- integer -> float -------------------------------------------------------------------------------

function from_u64(fcsr: usize, rm: i32, s: i32, mag: u64, single: bool): u64 {
  if (mag === 0) return 0;
  const z = <i32>clz(mag);
  return round_pack(fcsr, mode_of(load<i32>(fcsr), rm), s, 63 - z, mag << z, single);
}

function from_i64(fcsr: usize, rm: i32, v: i64, single: bool): u64 {
  return from_u64(fcsr, rm, i32(v < 0), <u64>(v < 0 ? -v : v), single);
}

/** FCVT.D.L */
export function fp_l_to_d(fcsr: usize, rm: i32, v: i64): f64 {
  const r = <f64>v;
  // At or below 2^53 every integer is exact; a rounded 2^53 came from something larger.
  if (abs<f64>(r) < 9007199254740992.0) return r;
  return reinterpret<f64>(from_i64(fcsr, rm, v, false));
}

/** FCVT.D.LU: `v` is a u64. */
export function fp_lu_to_d(fcsr: usize, rm: i32, v: i64): f64 {
  if (<u64>v <= 0x20000000000000) return <f64>v;
  return reinterpret<f64>(from_u64(fcsr, rm, 0, <u64>v, false));
}

/** FCVT.S.L */
export function fp_l_to_s(fcsr: usize, rm: i32, v: i64): f32 {
  if (<u64>(v + 0x1000000) <= 0x2000000) return <f32>v;
  return reinterpret<f32>(<u32>from_i64(fcsr, rm, v, true));
}

/** FCVT.S.LU: `v` is a u64. */
export function fp_lu_to_s(fcsr: usize, rm: i32, v: i64): f32 {
  if (<u64>v <= 0x1000000) return <f32>v;
  return reinterpret<f32>(<u32>from_u64(fcsr, rm, 0, <u64>v, true));
}

/** FCVT.S.W: the low 32 bits of `v`, signed. */
export function fp_w_to_s(fcsr: usize, rm: i32, v: i64): f32 {
  return fp_l_to_s(fcsr, rm, <i64>(<i32>v));
}

/** FCVT.S.WU: the low 32 bits of `v`, unsigned. */
export function fp_wu_to_s(fcsr: usize, rm: i32, v: i64): f32 {
  return fp_l_to_s(fcsr, rm, v & 0xffffffff);
}

// ---- between the formats ----------------------------------------------------------------------------

/** FCVT.D.S: exact; NaNs become canonical, a signalling one raises NV. */
export function fp_s_to_d(fcsr: usize, a: f32): f64 {
  if (abs<f32>(a) <= Infinity) return <f64>a;
  return reinterpret<f64>(core_convert(fcsr, RNE, widen(reinterpret<u32>(a)), false));
}

/** FCVT.S.D */
export function fp_d_to_s(fcsr: usize, rm: i32, a: f64): f32 {
  const f = load<i32>(fcsr);
  const mode = mode_of(f, rm);
  if (mode === RNE) {
    const r = <f32>a;
    const size = abs<f32>(r);
    if (size > 1.1754943508222875e-38 && size < f32.MAX_VALUE) {
      if (<f64>r !== a) raise(fcsr, NX);
      return r;
    }
  }
  return reinterpret<f32>(<u32>core_convert(fcsr, mode, reinterpret<u64>(a), true));
}

// ---- comparisons ------------------------------------------------------------------------------------

/** Whether neither operand is a NaN. */
function ordered<T>(a: T, b: T): bool {
  return a <= b || a > b;
}

/** FEQ.D: 1 or 0; only signalling NaNs raise NV. */
export function fp_eq_d(fcsr: usize, a: f64, b: f64): i32 {
  if (!ordered(a, b)) {
    if (is_snan(reinterpret<u64>(a)) || is_snan(reinterpret<u64>(b))) raise(fcsr, NV);
    return 0;
  }
  return i32(a === b);
}

/** FLT.D: any NaN raises NV. */
export function fp_lt_d(fcsr: usize, a: f64, b: f64): i32 {
  if (!ordered(a, b)) raise(fcsr, NV);
  return i32(a < b);
}

/** FLE.D: any NaN raises NV. */
export function fp_le_d(fcsr: usize, a: f64, b: f64): i32 {
  if (!ordered(a, b)) raise(fcsr, NV);
  return i32(a <= b);
}

/** FEQ.S */
export function fp_eq_s(fcsr: usize, a: f32, b: f32): i32 {
  if (!ordered(a, b)) {
    if (is_snan(widen(reinterpret<u32>(a))) || is_snan(widen(reinterpret<u32>(b)))) raise(fcsr, NV);
    return 0;
  }
  return i32(a === b);
}

/** FLT.S */
export function fp_lt_s(fcsr: usize, a: f32, b: f32): i32 {
  if (!ordered(a, b)) raise(fcsr, NV);
  return i32(a < b);
}

/** FLE.S */
export function fp_le_s(fcsr: usize, a: f32, b: f32): i32 {
  if (!ordered(a, b)) raise(fcsr, NV);
  return i32(a <= b);
}

// ---- minimum and maximum ----------------------------------------------------------------------------

/** The operand that FMIN/FMAX returns when at least one is a NaN (binary64 patterns, canonical NaN). */
function pick_number(fcsr: usize, a: u64, b: u64): u64 {
  if (is_snan(a) || is_snan(b)) raise(fcsr, NV);
  if (!is_nan(a)) return a;
  return is_nan(b) ? QNAN_D : b;
}

/** FMIN.D: IEEE 754-2019 minimumNumber, -0 below +0. */
export function fp_min_d(fcsr: usize, a: f64, b: f64): f64 {
  if (ordered(a, b)) return min<f64>(a, b);
  return reinterpret<f64>(pick_number(fcsr, reinterpret<u64>(a), reinterpret<u64>(b)));
}

/** FMAX.D: IEEE 754-2019 maximumNumber, -0 below +0. */
export function fp_max_d(fcsr: usize, a: f64, b: f64): f64 {
  if (ordered(a, b)) return max<f64>(a, b);
  return reinterpret<f64>(pick_number(fcsr, reinterpret<u64>(a), reinterpret<u64>(b)));
}

/** FMIN.S */
export function fp_min_s(fcsr: usize, a: f32, b: f32): f32 {
  if (ordered(a, b)) return min<f32>(a, b);
  return pick_number_s(fcsr, a, b);
}

/** FMAX.S */
export function fp_max_s(fcsr: usize, a: f32, b: f32): f32 {
  if (ordered(a, b)) return max<f32>(a, b);
  return pick_number_s(fcsr, a, b);
}

function pick_number_s(fcsr: usize, a: f32, b: f32): f32 {
  const r = pick_number(fcsr, widen(reinterpret<u32>(a)), widen(reinterpret<u32>(b)));
  // A host demotion keeps the canonical NaN only by convention, so it is spelled out.
  return is_nan(r) ? reinterpret<f32>(0x7fc00000) : <f32>reinterpret<f64>(r);
}

// ---- classification ---------------------------------------------------------------------------------

/** FCLASS from sign bit, "exponent all ones", "exponent zero", "fraction zero", "quiet bit". */
function class_mask(neg: bool, top: bool, bottom: bool, fracZero: bool, quiet: bool): i64 {
  if (top) {
    if (!fracZero) return quiet ? 1 << 9 : 1 << 8;
    return neg ? 1 << 0 : 1 << 7;
  }
  if (!bottom) return neg ? 1 << 1 : 1 << 6;
  if (!fracZero) return neg ? 1 << 2 : 1 << 5;
  return neg ? 1 << 3 : 1 << 4;
}

/** FCLASS.D of a binary64 pattern: one of ten bits. */
export function fp_class_d(bits: i64): i64 {
  const x = <u64>bits;
  const be = bexp(x);
  return class_mask((x & SIGN_D) !== 0, be === 0x7ff, be === 0, (x & FRAC_D) === 0, (x & QUIET_D) !== 0);
}

/** FCLASS.S of a binary32 pattern: one of ten bits. */
export function fp_class_s(bits: i32): i64 {
  const be = (bits >> 23) & 0xff;
  return class_mask(bits < 0, be === 0xff, be === 0, (bits & 0x7fffff) === 0, (bits & 0x400000) !== 0);
}
