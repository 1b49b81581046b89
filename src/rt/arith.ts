// Integer helpers that wasm has no instruction for, counters, and classification of floating-point values.
import { T_INSNS, T_STATS } from '../../kernel/core/layout';
import { fp_class_d, fp_class_s } from './softfloat';

// Nanoseconds since some fixed moment.
@external('env', 'js_clock')
declare function js_clock(): f64;

export function mulhu(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const mid = ah * bl + ((al * bl) >> 32);
  const mid2 = al * bh + (mid & 0xffffffff);
  return ah * bh + (mid >> 32) + (mid2 >> 32);
}

export function mulh(a: i64, b: i64): i64 {
  return <i64>mulhu(<u64>a, <u64>b) - (a < 0 ? b : 0) - (b < 0 ? a : 0);
}

export function mulhsu(a: i64, b: u64): i64 {
  return <i64>mulhu(<u64>a, b) - (a < 0 ? <i64>b : 0);
}

// Strictly increasing per thread, so that two reads never see the same moment.
export function csr_cycle(ts: u32): i64 {
  let now = <i64>js_clock();
  const last = load<i64>(ts + T_STATS);
  if (now <= last) now = last + 1;
  store<i64>(ts + T_STATS, now);
  return now;
}

// 10 MHz, as on common boards.
export function csr_time(ts: u32): i64 {
  return <i64>(js_clock() / 100);
}

export function csr_instret(ts: u32): i64 {
  const counted = load<i64>(ts + T_INSNS);
  return counted != 0 ? counted : csr_cycle(ts);
}

export function class_d(ts: u32, bits: i64): i64 {
  return fp_class_d(bits);
}

export function class_s(ts: u32, bits: i32): i64 {
  return fp_class_s(bits);
}
