/**
 * RISC-V F and D arithmetic with exact fflags: the quick paths, and the whole public set re-exported.
 *
 * Every function takes the address of the guest fcsr (i32: bits 0-4 fflags, 5-7 frm) and ORs in what it
 * raises. `rm` is the instruction's field: 0-4, or 7 for frm; a reserved mode is the caller's illegal
 * instruction. NaN results are canonical; on the quick paths no NaN ever leaves.
 *
 * A quick path runs the host operation (round to nearest even only) and answers when the result is so far
 * from overflow and underflow that NX is the only possible flag. Once NX is set the flags cost nothing;
 * until then inexactness is read from an exact error term, so that programs computing with integers in
 * doubles stay quick too. Everything else goes to the integer routines of `sf-core.ts`.
 */

import { core_add, core_div, core_fma, core_mul, core_sqrt } from './sf-core';
import { bexp, mode_of, NX, RNE, raise, SIGN_D, sig53, widen } from './sf-pack';

export {
  fp_class_d,
  fp_class_s,
  fp_d_to_l,
  fp_d_to_lu,
  fp_d_to_s,
  fp_d_to_w,
  fp_d_to_wu,
  fp_eq_d,
  fp_eq_s,
  fp_l_to_d,
  fp_l_to_s,
  fp_le_d,
  fp_le_s,
  fp_lt_d,
  fp_lt_s,
  fp_lu_to_d,
  fp_lu_to_s,
  fp_max_d,
  fp_max_s,
  fp_min_d,
  fp_min_s,
  fp_s_to_d,
  fp_s_to_l,
  fp_s_to_lu,
  fp_s_to_w,
  fp_s_to_wu,
  fp_w_to_s,
  fp_wu_to_s,
} from './sf-convert';

/** Smallest normal numbers. A result equal to one may have been tiny, so the tests are strict. */
const MIN_D: f64 = 2.2250738585072014e-308;
const MIN_S: f32 = 1.1754943508222875e-38;
const HUGE_D: f64 = 1.7976931348623157e308;
const HUGE_S: f32 = 3.4028234663852886e38;

/** a+b-s exactly, for s = a+b rounded to nearest; NaN when an intermediate overflowed. */
function sum_error(a: f64, b: f64, s: f64): f64 {
  const t = s - a;
  return a - (s - t) + (b - t);
}

/** Finite, not tiny even before rounding, and not the largest number either. */
function safe_d(r: f64): bool {
  const size = abs<f64>(r);
  return size > MIN_D && size < HUGE_D;
}

function safe_s(r: f32): bool {
  const size = abs<f32>(r);
  return size > MIN_S && size < HUGE_S;
}

/**
 * ma*mb - (mp << shift) for the 53-bit significands, aligned so that it is a*b-p in units of the product's
 * last place. All three are normal and p is a*b to nearest, or a is p/b to nearest, or a = b is the root
 * of p: the difference is then below 2^63, so that arithmetic modulo 2^64 gives it exactly.
 */
function residue(a: u64, b: u64, p: u64): i64 {
  const shift = bexp(p) - bexp(a) - bexp(b) + 1075;
  return <i64>(sig53(a) * sig53(b) - (sig53(p) << shift));
}

function slow_add_d(fcsr: usize, mode: i32, a: f64, b: f64): f64 {
  return reinterpret<f64>(core_add(fcsr, mode, reinterpret<u64>(a), reinterpret<u64>(b), false));
}

/** FADD.D */
export function fp_add_d(fcsr: usize, rm: i32, a: f64, b: f64): f64 {
  const f = load<i32>(fcsr);
  const mode = mode_of(f, rm);
  if (mode === RNE) {
    // A sum in the subnormal range is exact, so only overflow needs care.
    const s = a + b;
    if (f & NX) {
      if (abs<f64>(s) < HUGE_D) return s;
    } else {
      const err = sum_error(a, b, s);
      if (err === 0) return s;
      // An intermediate of the error can overflow, but only when the sum was inexact.
      if (abs<f64>(s) < HUGE_D) {
        store<i32>(fcsr, f | NX);
        return s;
      }
    }
  }
  return slow_add_d(fcsr, mode, a, b);
}

/** FSUB.D */
export function fp_sub_d(fcsr: usize, rm: i32, a: f64, b: f64): f64 {
  return fp_add_d(fcsr, rm, a, -b);
}

/** FMUL.D */
export function fp_mul_d(fcsr: usize, rm: i32, a: f64, b: f64): f64 {
  const f = load<i32>(fcsr);
  const mode = mode_of(f, rm);
  const ia = reinterpret<u64>(a);
  const ib = reinterpret<u64>(b);
  if (mode === RNE) {
    const p = a * b;
    if (safe_d(p)) {
      if (f & NX) return p;
      if (bexp(ia) !== 0 && bexp(ib) !== 0) {
        if (residue(ia, ib, reinterpret<u64>(p)) !== 0) store<i32>(fcsr, f | NX);
        return p;
      }
    } else if (p === 0 && (a === 0 || b === 0)) return p;
  }
  return reinterpret<f64>(core_mul(fcsr, mode, ia, ib, false));
}

/** FDIV.D */
export function fp_div_d(fcsr: usize, rm: i32, a: f64, b: f64): f64 {
  const f = load<i32>(fcsr);
  const mode = mode_of(f, rm);
  const ia = reinterpret<u64>(a);
  const ib = reinterpret<u64>(b);
  if (mode === RNE) {
    const q = a / b;
    if (safe_d(q)) {
      if (f & NX) return q;
      if (bexp(ia) !== 0 && bexp(ib) !== 0) {
        if (residue(reinterpret<u64>(q), ib, ia) !== 0) store<i32>(fcsr, f | NX);
        return q;
      }
    } else if (q === 0 && a === 0) return q;
  }
  return reinterpret<f64>(core_div(fcsr, mode, ia, ib, false));
}

/** FSQRT.D */
export function fp_sqrt_d(fcsr: usize, rm: i32, a: f64): f64 {
  const f = load<i32>(fcsr);
  const mode = mode_of(f, rm);
  const ia = reinterpret<u64>(a);
  if (mode === RNE && a > MIN_D && a < HUGE_D) {
    const r = sqrt<f64>(a);
    const ir = reinterpret<u64>(r);
    if (!(f & NX) && residue(ir, ir, ia) !== 0) store<i32>(fcsr, f | NX);
    return r;
  }
  return reinterpret<f64>(core_sqrt(fcsr, mode, ia, false));
}

/** `r` when the rounding error `err` is zero, else its neighbour with an odd last bit on err's side. */
function to_odd(r: f64, err: f64): f64 {
  const bits = reinterpret<u64>(r);
  if (err === 0 || (bits & 1) !== 0) return r;
  return reinterpret<f64>(err > 0 === r > 0 ? bits + 1 : bits - 1);
}

/**
 * FMADD.D: a*b+c with one rounding. The caller flips signs of a and c for FNMADD and the like.
 *
 * Quick path after Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms
 * using rounding to odd" (IEEE TC 2008); the product error comes from `residue`. The bounds keep every
 * term a multiple of 2^-1074, so that a tiny result can only be exact.
 */
export function fp_fma_d(fcsr: usize, rm: i32, a: f64, b: f64, c: f64): f64 {
  const f = load<i32>(fcsr);
  const mode = mode_of(f, rm);
  const ia = reinterpret<u64>(a);
  const ib = reinterpret<u64>(b);
  if (mode === RNE && abs<f64>(c) < 1e300) {
    const p = a * b;
    const size = abs<f64>(p);
    if (size > 1e-270 && size < 1e300 && bexp(ia) !== 0 && bexp(ib) !== 0) {
      const res = residue(ia, ib, reinterpret<u64>(p));
      if (res === 0) {
        const s = p + c;
        if (!(f & NX) && sum_error(p, c, s) !== 0) store<i32>(fcsr, f | NX);
        return s;
      }
      const unit = ((<u64>(bexp(ia) + bexp(ib) - 1127)) << 52) | ((ia ^ ib) & SIGN_D);
      const pl = <f64>res * reinterpret<f64>(unit);
      const th = c + pl;
      const tl = sum_error(c, pl, th);
      const vh = p + th;
      const vl = sum_error(p, th, vh);
      const w = tl + vl;
      const z = to_odd(w, sum_error(tl, vl, w));
      const r = vh + z;
      // An odd z is never absorbed whole, so its own rounding error shows up here.
      if (!(f & NX) && sum_error(vh, z, r) !== 0) store<i32>(fcsr, f | NX);
      return r;
    }
    if (size === 0 && (a === 0 || b === 0)) return p + c;
  }
  return reinterpret<f64>(core_fma(fcsr, mode, ia, ib, reinterpret<u64>(c), false));
}

// ---- binary32: binary64 holds products exactly and has more than twice the precision plus two, so
// rounding twice is harmless for the other operations.

/** FADD.S */
export function fp_add_s(fcsr: usize, rm: i32, a: f32, b: f32): f32 {
  const f = load<i32>(fcsr);
  const mode = mode_of(f, rm);
  if (mode === RNE) {
    const s = <f64>a + <f64>b;
    const r = <f32>s;
    if (abs<f32>(r) < HUGE_S) {
      if (!(f & NX) && (<f64>r !== s || sum_error(<f64>a, <f64>b, s) !== 0)) store<i32>(fcsr, f | NX);
      return r;
    }
  }
  const x = widen(reinterpret<u32>(a));
  return reinterpret<f32>(<u32>core_add(fcsr, mode, x, widen(reinterpret<u32>(b)), true));
}

/** FSUB.S */
export function fp_sub_s(fcsr: usize, rm: i32, a: f32, b: f32): f32 {
  return fp_add_s(fcsr, rm, a, -b);
}

/** FMUL.S */
export function fp_mul_s(fcsr: usize, rm: i32, a: f32, b: f32): f32 {
  const mode = mode_of(load<i32>(fcsr), rm);
  if (mode === RNE) {
    const p = <f64>a * <f64>b;
    const r = <f32>p;
    if (safe_s(r)) {
      if (<f64>r !== p) raise(fcsr, NX);
      return r;
    }
    if (p === 0) return r;
  }
  const x = widen(reinterpret<u32>(a));
  return reinterpret<f32>(<u32>core_mul(fcsr, mode, x, widen(reinterpret<u32>(b)), true));
}

/** FDIV.S */
export function fp_div_s(fcsr: usize, rm: i32, a: f32, b: f32): f32 {
  const mode = mode_of(load<i32>(fcsr), rm);
  if (mode === RNE) {
    const r = <f32>(<f64>a / <f64>b);
    if (safe_s(r)) {
      if (<f64>r * <f64>b !== <f64>a) raise(fcsr, NX);
      return r;
    }
    if (a === 0 && r === 0) return r;
  }
  const x = widen(reinterpret<u32>(a));
  return reinterpret<f32>(<u32>core_div(fcsr, mode, x, widen(reinterpret<u32>(b)), true));
}

/** FSQRT.S */
export function fp_sqrt_s(fcsr: usize, rm: i32, a: f32): f32 {
  const mode = mode_of(load<i32>(fcsr), rm);
  if (mode === RNE && a > 0 && a < HUGE_S) {
    const r = <f32>sqrt<f64>(<f64>a);
    if (<f64>r * <f64>r !== <f64>a) raise(fcsr, NX);
    return r;
  }
  return reinterpret<f32>(<u32>core_sqrt(fcsr, mode, widen(reinterpret<u32>(a)), true));
}

/** FMADD.S: a*b+c with one rounding; signs as for `fp_fma_d`. */
export function fp_fma_s(fcsr: usize, rm: i32, a: f32, b: f32, c: f32): f32 {
  const mode = mode_of(load<i32>(fcsr), rm);
  if (mode === RNE) {
    const p = <f64>a * <f64>b;
    const s = p + <f64>c;
    // Rounding the exact product plus c to odd first makes the second rounding correct.
    const odd = to_odd(s, sum_error(p, <f64>c, s));
    const r = <f32>odd;
    if (safe_s(r)) {
      if (<f64>r !== odd) raise(fcsr, NX);
      return r;
    }
    if (s === 0) return r;
  }
  const x = widen(reinterpret<u32>(a));
  const y = widen(reinterpret<u32>(b));
  return reinterpret<f32>(<u32>core_fma(fcsr, mode, x, y, widen(reinterpret<u32>(c)), true));
}
