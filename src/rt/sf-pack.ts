/**
 * Ground floor of the RISC-V F/D arithmetic: flag bits, field access and the one rounding routine.
 *
 * Both formats share one working form: a finite nonzero number is (-1)^s * sig * 2^(e-63) with bit 63 of
 * `sig` set; bit 0 is sticky ("something nonzero was cut off below"). Every binary32 value is a normal
 * binary64 value, so the integer routines take binary64 patterns only and the target format matters when
 * the result is rounded (`round_pack`).
 *
 * Facts: RISC-V unprivileged ISA, chapters F and D (fcsr layout, canonical NaN, tininess after rounding).
 */

export const NX: i32 = 1;
export const UF: i32 = 2;
export const OF: i32 = 4;
export const DZ: i32 = 8;
export const NV: i32 = 16;

export const RNE: i32 = 0;
export const RTZ: i32 = 1;
export const RDN: i32 = 2;
export const RUP: i32 = 3;
export const RMM: i32 = 4;

export const SIGN_D: u64 = 0x8000000000000000;
export const INF_D: u64 = 0x7ff0000000000000;
export const QNAN_D: u64 = 0x7ff8000000000000;
export const FRAC_D: u64 = 0x000fffffffffffff;
export const HIDDEN_D: u64 = 0x0010000000000000;
export const QUIET_D: u64 = 0x0008000000000000;

/** ORs `flags` into the fflags of the guest fcsr. */
export function raise(fcsr: usize, flags: i32): void {
  store<i32>(fcsr, load<i32>(fcsr) | flags);
}

/** The rounding mode in force: `rm`, or frm of the fcsr value `f` when rm is 7. */
export function mode_of(f: i32, rm: i32): i32 {
  return rm === 7 ? (f >> 5) & 7 : rm;
}

/** Biased exponent field of a binary64 pattern. */
export function bexp(x: u64): i32 {
  return <i32>(x >> 52) & 0x7ff;
}

/** 53-bit significand of a normal binary64 pattern. */
export function sig53(x: u64): u64 {
  return (x & FRAC_D) | HIDDEN_D;
}

export function is_nan(x: u64): bool {
  return (x & ~SIGN_D) > INF_D;
}

export function is_snan(x: u64): bool {
  return is_nan(x) && (x & QUIET_D) === 0;
}

export function is_inf(x: u64): bool {
  return (x & ~SIGN_D) === INF_D;
}

export function is_zero(x: u64): bool {
  return (x & ~SIGN_D) === 0;
}

export function sign_of(x: u64): i32 {
  return <i32>(x >> 63);
}

/** Left-justified significand (bit 63 set) of a finite nonzero binary64 pattern. */
export function unpack_sig(x: u64): u64 {
  const frac = x & FRAC_D;
  if (bexp(x) !== 0) return (frac | HIDDEN_D) << 11;
  return frac << clz(frac);
}

/** Unbiased exponent that belongs to `unpack_sig(x)`. */
export function unpack_exp(x: u64): i32 {
  const be = bexp(x);
  // A subnormal with its top bit at position 51 has 12 leading zeros and exponent -1023.
  return be !== 0 ? be - 1023 : -1011 - <i32>clz(x & FRAC_D);
}

/** `x >> n` with every bit shifted out folded into bit 0; any n >= 0. */
export function shr_jam(x: u64, n: i32): u64 {
  if (n === 0) return x;
  if (n > 63) return u64(x !== 0);
  return (x >> n) | u64(x << (64 - n) !== 0);
}

/** Bits 64-127 of the 128-bit product. */
export function umulh(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const mid = ah * bl + ((al * bl) >> 32);
  const mid2 = al * bh + (mid & 0xffffffff);
  return ah * bh + (mid >> 32) + (mid2 >> 32);
}

/** The binary64 pattern of a binary32 pattern; unlike f64.promote it keeps signalling NaNs signalling. */
export function widen(x: u32): u64 {
  if ((x & 0x7fffffff) > 0x7f800000) {
    return ((<u64>(x >> 31)) << 63) | INF_D | ((<u64>(x & 0x7fffff)) << 29);
  }
  return reinterpret<u64>(<f64>reinterpret<f32>(x));
}

/** Canonical NaN of the target format. */
export function nan_of(single: bool): u64 {
  return single ? 0x7fc00000 : QNAN_D;
}

/** Infinity of the target format with sign `s`. */
export function inf_of(single: bool, s: i32): u64 {
  return single ? ((<u64>s) << 31) | 0x7f800000 : ((<u64>s) << 63) | INF_D;
}

/** Zero of the target format with sign `s`. */
export function zero_of(single: bool, s: i32): u64 {
  return (<u64>s) << (single ? 31 : 63);
}

/** Whether the magnitude goes up, given the kept lowest bit and the cut-off part against its half. */
function goes_up(rm: i32, s: i32, odd: u64, rest: u64, half: u64): bool {
  if (rm === RNE) return rest > half || (rest === half && odd !== 0);
  if (rm === RTZ) return false;
  if (rm === RMM) return rest >= half;
  return rest !== 0 && (rm === RDN) === (s !== 0);
}

/**
 * Rounds (-1)^s * sig * 2^(e-63) to the target format, raises NX, UF and OF, returns the pattern.
 * `rm` is already resolved (0-4), bit 63 of `sig` is set.
 */
export function round_pack(fcsr: usize, rm: i32, s: i32, e: i32, sig: u64, single: bool): u64 {
  const drop = single ? 40 : 11;
  const emin = single ? -126 : -1022;
  const emax = single ? 127 : 1023;
  const mbits = single ? 23 : 52;
  const mask = ((<u64>1) << drop) - 1;
  const half = (<u64>1) << (drop - 1);
  const inf = inf_of(single, 0);
  let tiny = false;
  if (e < emin) {
    // Not tiny only if rounding with an unbounded exponent would reach the smallest normal number.
    const q = sig >> drop;
    tiny = e < emin - 1 || ~sig >> drop !== 0 || !goes_up(rm, s, q & 1, sig & mask, half);
    sig = shr_jam(sig, emin - e);
    e = emin;
  }
  const rest = sig & mask;
  let q = sig >> drop;
  q += u64(goes_up(rm, s, q & 1, rest, half));
  // The hidden bit of a normal significand, or a carry out of it, adds one to the exponent field.
  const r = e > emax ? inf : ((<u64>(e - emin)) << mbits) + q;
  const sign = zero_of(single, s);
  if (r >= inf) {
    raise(fcsr, OF | NX);
    const toInf = rm === RNE || rm === RMM || (rm !== RTZ && (rm === RDN) === (s !== 0));
    return sign | (toInf ? inf : inf - 1);
  }
  if (rest !== 0) raise(fcsr, tiny ? NX | UF : NX);
  return sign | r;
}
