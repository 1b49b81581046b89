/**
 * Exact integer arithmetic behind the quick paths of `softfloat.ts`: all rounding modes, subnormals,
 * overflow, NaNs. Operands are binary64 patterns (binary32 ones widened), results patterns of the target
 * format in the low bits; `rm` is resolved (0-4).
 */

import {
  DZ,
  inf_of,
  is_inf,
  is_nan,
  is_snan,
  is_zero,
  NV,
  nan_of,
  RDN,
  raise,
  round_pack,
  SIGN_D,
  shr_jam,
  sig53,
  sign_of,
  umulh,
  unpack_exp,
  unpack_sig,
  zero_of,
} from './sf-pack';

function invalid(fcsr: usize, single: bool): u64 {
  raise(fcsr, NV);
  return nan_of(single);
}

/** Result of an operation with at least one NaN among its operands. */
function from_nans(fcsr: usize, a: u64, b: u64, single: bool): u64 {
  if (is_snan(a) || is_snan(b)) raise(fcsr, NV);
  return nan_of(single);
}

function repack(fcsr: usize, rm: i32, a: u64, single: bool): u64 {
  return round_pack(fcsr, rm, sign_of(a), unpack_exp(a), unpack_sig(a), single);
}

/** Rounds any binary64 pattern to the target format (the whole of FCVT.S.D). */
export function core_convert(fcsr: usize, rm: i32, a: u64, single: bool): u64 {
  if (is_nan(a)) return from_nans(fcsr, a, a, single);
  if (is_inf(a)) return inf_of(single, sign_of(a));
  if (is_zero(a)) return zero_of(single, sign_of(a));
  return repack(fcsr, rm, a, single);
}

export function core_add(fcsr: usize, rm: i32, a: u64, b: u64, single: bool): u64 {
  if (is_nan(a) || is_nan(b)) return from_nans(fcsr, a, b, single);
  if (is_inf(a)) return is_inf(b) && a !== b ? invalid(fcsr, single) : inf_of(single, sign_of(a));
  if (is_inf(b)) return inf_of(single, sign_of(b));
  const sameSign = ((a ^ b) & SIGN_D) === 0;
  const cancelled = zero_of(single, i32(rm === RDN));
  if (is_zero(b)) {
    if (!is_zero(a)) return repack(fcsr, rm, a, single);
    return sameSign ? zero_of(single, sign_of(a)) : cancelled;
  }
  if (is_zero(a)) return repack(fcsr, rm, b, single);
  if ((a & ~SIGN_D) < (b & ~SIGN_D)) {
    const t = a;
    a = b;
    b = t;
  }
  // Significands have 11 zero bits below, so making room for the carry loses nothing.
  const e = unpack_exp(a);
  const x = unpack_sig(a) >> 1;
  const y = shr_jam(unpack_sig(b) >> 1, e - unpack_exp(b));
  const r = sameSign ? x + y : x - y;
  if (r === 0) return cancelled;
  const z = <i32>clz(r);
  return round_pack(fcsr, rm, sign_of(a), e + 1 - z, r << z, single);
}

export function core_mul(fcsr: usize, rm: i32, a: u64, b: u64, single: bool): u64 {
  if (is_nan(a) || is_nan(b)) return from_nans(fcsr, a, b, single);
  const s = sign_of(a ^ b);
  if (is_inf(a) || is_inf(b)) {
    return is_zero(a) || is_zero(b) ? invalid(fcsr, single) : inf_of(single, s);
  }
  if (is_zero(a) || is_zero(b)) return zero_of(single, s);
  const x = unpack_sig(a);
  const y = unpack_sig(b);
  const r = umulh(x, y) | u64(x * y !== 0);
  const z = <i32>clz(r);
  return round_pack(fcsr, rm, s, unpack_exp(a) + unpack_exp(b) + 1 - z, r << z, single);
}

export function core_div(fcsr: usize, rm: i32, a: u64, b: u64, single: bool): u64 {
  if (is_nan(a) || is_nan(b)) return from_nans(fcsr, a, b, single);
  const s = sign_of(a ^ b);
  if (is_inf(a)) return is_inf(b) ? invalid(fcsr, single) : inf_of(single, s);
  if (is_inf(b)) return zero_of(single, s);
  if (is_zero(b)) {
    if (is_zero(a)) return invalid(fcsr, single);
    raise(fcsr, DZ);
    return inf_of(single, s);
  }
  if (is_zero(a)) return zero_of(single, s);
  // Long division in digits of 11 bits: remainder << 11 still fits 64 bits.
  const y = unpack_sig(b) >> 11;
  let rem = unpack_sig(a) >> 11;
  let q: u64 = u64(rem >= y);
  if (q !== 0) rem -= y;
  for (let i = 0; i < 5; i++) {
    rem <<= 11;
    const digit = rem / y;
    rem -= digit * y;
    q = (q << 11) | digit;
  }
  const z = <i32>clz(q);
  return round_pack(fcsr, rm, s, unpack_exp(a) - unpack_exp(b) + 8 - z, (q << z) | u64(rem !== 0), single);
}

export function core_sqrt(fcsr: usize, rm: i32, a: u64, single: bool): u64 {
  if (is_nan(a)) return from_nans(fcsr, a, a, single);
  if (is_zero(a)) return zero_of(single, sign_of(a));
  if (sign_of(a) !== 0) return invalid(fcsr, single);
  if (is_inf(a)) return inf_of(single, 0);
  const e = unpack_exp(a);
  const odd = e & 1;
  const m = unpack_sig(a) >> 11;
  // The host root of the operand scaled to [1,4) is within half an ulp of the true one; the sign of the
  // exact remainder says on which side, and a root never lies on a midpoint.
  const scaled = reinterpret<f64>(((<u64>(1023 + odd)) << 52) | (m & 0x000fffffffffffff));
  const root = sig53(reinterpret<u64>(sqrt<f64>(scaled)));
  const rem = <i64>((m << (52 + odd)) - root * root);
  let sig = root << 11;
  if (rem > 0) sig |= 1;
  if (rem < 0) sig -= 1;
  return round_pack(fcsr, rm, 0, (e - odd) >> 1, sig, single);
}

/** a*b+c with one rounding. inf*0 raises NV even when c is a quiet NaN. */
export function core_fma(fcsr: usize, rm: i32, a: u64, b: u64, c: u64, single: bool): u64 {
  const timesZero = (is_inf(a) && is_zero(b)) || (is_zero(a) && is_inf(b));
  if (timesZero || is_snan(c)) return invalid(fcsr, single);
  if (is_nan(a) || is_nan(b)) return from_nans(fcsr, a, b, single);
  if (is_nan(c)) return nan_of(single);
  const sp = sign_of(a ^ b);
  const sc = sign_of(c);
  if (is_inf(a) || is_inf(b)) {
    return is_inf(c) && sp !== sc ? invalid(fcsr, single) : inf_of(single, sp);
  }
  if (is_inf(c)) return inf_of(single, sc);
  const cancelled = zero_of(single, i32(rm === RDN));
  if (is_zero(a) || is_zero(b)) {
    if (!is_zero(c)) return repack(fcsr, rm, c, single);
    return sp === sc ? zero_of(single, sp) : cancelled;
  }
  // Both addends as 128-bit numbers hi:lo with leading bit 126, value hi:lo * 2^(e-126).
  const x = unpack_sig(a);
  const y = unpack_sig(b);
  let hi = umulh(x, y);
  let lo = x * y;
  let e = unpack_exp(a) + unpack_exp(b);
  if (<i64>hi < 0) {
    // The 22 lowest bits of the product are zero.
    lo = (lo >> 1) | (hi << 63);
    hi >>= 1;
    e++;
  }
  let s = sp;
  if (is_zero(c)) {
    return round_pack(fcsr, rm, s, e, (hi << 1) | (lo >> 63) | u64(lo << 1 !== 0), single);
  }
  let hi2 = unpack_sig(c) >> 1;
  let lo2: u64 = 0;
  let d = e - unpack_exp(c);
  if (d < 0 || (d === 0 && hi < hi2)) {
    const th = hi;
    const tl = lo;
    hi = hi2;
    lo = lo2;
    hi2 = th;
    lo2 = tl;
    e -= d;
    d = -d;
    s = sc;
  }
  if (d > 63) {
    lo2 = shr_jam(hi2 | u64(lo2 !== 0), d - 64);
    hi2 = 0;
  } else if (d > 0) {
    lo2 = (lo2 >> d) | (hi2 << (64 - d)) | u64(lo2 << (64 - d) !== 0);
    hi2 >>= d;
  }
  if (sp === sc) {
    lo += lo2;
    hi += hi2 + u64(lo < lo2);
  } else {
    hi -= hi2 + u64(lo < lo2);
    lo -= lo2;
  }
  if ((hi | lo) === 0) return cancelled;
  if (hi === 0) {
    hi = lo;
    lo = 0;
    e -= 64;
  }
  const z = <i32>clz(hi);
  if (z !== 0) {
    hi = (hi << z) | (lo >> (64 - z));
    lo <<= z;
  }
  return round_pack(fcsr, rm, s, e + 1 - z, hi | u64(lo !== 0), single);
}
