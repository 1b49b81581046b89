// LR/SC, AMO and watched stores. A line that was ever reserved has its filter byte set for good; from then on
// every store to it goes through store_watched and bumps the line's version under the line's lock, so SC sees
// any write in between, ABA included. The value comparison in SC covers the first reservation of a line, when
// a store may have tested the filter just before it was set.
import {
  RES_FILTER,
  RES_LINES,
  RES_VERSIONS,
  T_MULTI,
  T_RES_HOST,
  T_RES_SIZE,
  T_RES_VALUE,
  T_RES_VERSION,
} from '../../kernel/core/layout';
import { nap } from './nap';

// @ts-expect-error: decorator
@inline
function lineOf(h: u32): u32 {
  return (h >> 6) & (RES_LINES - 1);
}

// The compiler merges a narrow atomic access with a widening cast into one zero-extending access; the explicit
// sign extension keeps RISC-V's meaning.
function signed(x: i32): i64 {
  return (<i64>x << 32) >> 32;
}

function lockLine(line: u32): u32 {
  const p = RES_VERSIONS + line * 4;
  let spins = 0;
  while (true) {
    const v = atomic.load<u32>(p);
    if ((v & 1) == 0 && atomic.cmpxchg<u32>(p, v, v + 1) == v) return v;
    if (++spins > 200) {
      nap(p, <i32>(v | 1), 50);
      spins = 0;
    }
  }
}

// @ts-expect-error: decorator
@inline
function unlockLine(line: u32, v: u32): void {
  atomic.store<u32>(RES_VERSIONS + line * 4, v + 2);
}

function watch(line: u32): u32 {
  const f = RES_FILTER + line;
  if (load<u8>(f) == 0) atomic.store<u8>(f, 1);
  const p = RES_VERSIONS + line * 4;
  while (true) {
    const v = atomic.load<u32>(p);
    if ((v & 1) == 0) return v;
  }
}

function reserve(ts: u32, h: u32, v: u32, value: u64, size: u32): void {
  store<u32>(ts + T_RES_HOST, h);
  store<u32>(ts + T_RES_VERSION, v);
  store<u64>(ts + T_RES_VALUE, value);
  store<u32>(ts + T_RES_SIZE, size);
}

export function lr_w(ts: u32, h: u32): i64 {
  const line = lineOf(h);
  while (true) {
    const v = watch(line);
    const x: i32 = atomic.load<i32>(h);
    if (atomic.load<u32>(RES_VERSIONS + line * 4) != v) continue;
    const wide = signed(x);
    reserve(ts, h, v, <u64>wide, 4);
    return wide;
  }
}

export function lr_d(ts: u32, h: u32): i64 {
  const line = lineOf(h);
  while (true) {
    const v = watch(line);
    const x = atomic.load<i64>(h);
    if (atomic.load<u32>(RES_VERSIONS + line * 4) != v) continue;
    reserve(ts, h, v, <u64>x, 8);
    return x;
  }
}

// Takes the line when the reservation still stands; its version is then odd and ours.
function claim(ts: u32, h: u32, size: u32): bool {
  const held = load<u32>(ts + T_RES_HOST);
  store<u32>(ts + T_RES_HOST, 0);
  if (held != h || load<u32>(ts + T_RES_SIZE) != size) return false;
  const v = load<u32>(ts + T_RES_VERSION);
  return atomic.cmpxchg<u32>(RES_VERSIONS + lineOf(h) * 4, v, v + 1) == v;
}

export function sc_w(ts: u32, h: u32, value: i64): i64 {
  if (!claim(ts, h, 4)) return 1;
  const same = signed(atomic.load<i32>(h)) == load<i64>(ts + T_RES_VALUE);
  if (same) atomic.store<i32>(h, <i32>value);
  unlockLine(lineOf(h), load<u32>(ts + T_RES_VERSION));
  return same ? 0 : 1;
}

export function sc_d(ts: u32, h: u32, value: i64): i64 {
  if (!claim(ts, h, 8)) return 1;
  const same = atomic.load<i64>(h) == load<i64>(ts + T_RES_VALUE);
  if (same) atomic.store<i64>(h, value);
  unlockLine(lineOf(h), load<u32>(ts + T_RES_VERSION));
  return same ? 0 : 1;
}

function plain(h: u32, v: u64, size: u32): void {
  if (size == 8) store<u64>(h, v);
  else if (size == 4) store<u32>(h, <u32>v);
  else if (size == 2) store<u16>(h, <u16>v);
  else store<u8>(h, <u8>v);
}

export function store_watched(ts: u32, h: u32, v: u64, size: u32): void {
  const line = lineOf(h);
  const other = lineOf(h + size - 1);
  const version = lockLine(line);
  plain(h, v, size);
  unlockLine(line, version);
  if (other != line) unlockLine(other, lockLine(other));
}

// @ts-expect-error: decorator
@inline
function combine<T>(kind: i32, old: T, v: T): T {
  switch (kind) {
    case 0:
      return v;
    case 1:
      return old + v;
    case 2:
      return old ^ v;
    case 3:
      return old & v;
    case 4:
      return old | v;
    case 5:
      return old < v ? old : v;
    default:
      return old > v ? old : v;
  }
}

function apply32(kind: i32, old: i32, v: i32): i32 {
  if (kind == 7) return <u32>old < <u32>v ? old : v;
  if (kind == 8) return <u32>old > <u32>v ? old : v;
  return combine<i32>(kind, old, v);
}

function apply64(kind: i32, old: i64, v: i64): i64 {
  if (kind == 7) return <u64>old < <u64>v ? old : v;
  if (kind == 8) return <u64>old > <u64>v ? old : v;
  return combine<i64>(kind, old, v);
}

export function amo_w(ts: u32, kind: i32, h: u32, value: i64): i64 {
  const v = <i32>value;
  const line = lineOf(h);
  if (load<u32>(ts + T_MULTI) != 0 && load<u8>(RES_FILTER + line) != 0) {
    const version = lockLine(line);
    const old = atomic.load<i32>(h);
    atomic.store<i32>(h, apply32(kind, old, v));
    unlockLine(line, version);
    return signed(old);
  }
  switch (kind) {
    case 0:
      return signed(atomic.xchg<i32>(h, v));
    case 1:
      return signed(atomic.add<i32>(h, v));
    case 2:
      return signed(atomic.xor<i32>(h, v));
    case 3:
      return signed(atomic.and<i32>(h, v));
    case 4:
      return signed(atomic.or<i32>(h, v));
  }
  while (true) {
    const old = atomic.load<i32>(h);
    if (atomic.cmpxchg<i32>(h, old, apply32(kind, old, v)) == old) return signed(old);
  }
}

export function amo_d(ts: u32, kind: i32, h: u32, v: i64): i64 {
  const line = lineOf(h);
  if (load<u32>(ts + T_MULTI) != 0 && load<u8>(RES_FILTER + line) != 0) {
    const version = lockLine(line);
    const old = atomic.load<i64>(h);
    atomic.store<i64>(h, apply64(kind, old, v));
    unlockLine(line, version);
    return old;
  }
  switch (kind) {
    case 0:
      return atomic.xchg<i64>(h, v);
    case 1:
      return atomic.add<i64>(h, v);
    case 2:
      return atomic.xor<i64>(h, v);
    case 3:
      return atomic.and<i64>(h, v);
    case 4:
      return atomic.or<i64>(h, v);
  }
  while (true) {
    const old = atomic.load<i64>(h);
    if (atomic.cmpxchg<i64>(h, old, apply64(kind, old, v)) == old) return old;
  }
}
