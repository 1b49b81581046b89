// Guest address translation: page map walk, windows, and the slow path for accesses that straddle windows.
import {
  ACCESS_READ,
  ACCESS_WRITE,
  K_MAP_SEQ,
  K_ROOT,
  G_OWN,
  G_THRASH_LIMIT,
  FAULT_STALE,
  FAULT_STRADDLES,
  GROUP_SPAN,
  PTE_COW,
  PTE_ORDER_SHIFT,
  PTE_R,
  PTE_W,
  REGWIN_ENTRY,
  XLAT_THROUGH,
  T_FAULT_ADDR,
  T_FAULT_KIND,
  T_FAULT_SIZE,
  T_MULTI,
  T_REGWIN,
  T_SCRATCH,
  T_TASKPTR,
  T_TLB,
  T_TLB_PAGES,
  T_WIN_DELTA,
  T_WIN_LIM,
  T_WIN_LO,
  TLB_ENTRIES,
  TLB_ENTRY,
  TLB_WAYS,
} from '../../kernel/core/layout';
import { store_watched } from './atomics';
import { alone } from './own';

// Resolves the fault described in T_FAULT_*: 1 = retry, 0 = the guest faults.
@external('env', 'js_page')
export declare function js_page(ts: u32): i32;

// The window of a cell has changed THRASH_LIMIT times: 1 = code was dropped over it, the instruction starts over.
@external('env', 'js_thrash')
declare function js_thrash(ts: u32): i32;

const EXTEND_STEPS: i32 = 40;

// @ts-expect-error: decorator
@inline
export function pte(task: u32, addr: u64): u32 {
  if (addr >> 47) return 0;
  const leaf = load<u32>(task + K_ROOT + (<u32>(addr >> 32) << 2));
  if (leaf == 0) return 0;
  return load<u32>(leaf + ((<u32>(addr >> 12) & 0xfffff) << 2));
}

// @ts-expect-error: decorator
@inline
function allows(e: u32, acc: u32): bool {
  if ((acc & ACCESS_READ) != 0 && (e & PTE_R) == 0) return false;
  if ((acc & ACCESS_WRITE) != 0 && (e & (PTE_W | PTE_COW)) != PTE_W) return false;
  return e != 0;
}

// Computes the maximal window around addr into T_WIN_*; false when the page does not allow the access.
function findWindow(ts: u32, addr: u64, acc: u32): bool {
  const task = load<u32>(ts + T_TASKPTR);
  while (true) {
    const seq = atomic.load<u32>(task + K_MAP_SEQ);
    if (seq & 1) continue;
    const e = pte(task, addr);
    if (!allows(e, acc)) {
      if (atomic.load<u32>(task + K_MAP_SEQ) != seq) continue;
      return false;
    }
    const flags = e & 15;
    let span: u64 = (<u64>4096) << ((e >> PTE_ORDER_SHIFT) & 15);
    let lo = addr & ~(span - 1);
    let hi = lo + span;
    const delta = (e & ~0xfff) - <u32>(addr & ~0xfff);
    for (let i = 0; i < EXTEND_STEPS; i++) {
      const n = pte(task, hi);
      if (n == 0 || (n & 15) != flags || (n & ~0xfff) != <u32>hi + delta) break;
      hi += (<u64>4096) << ((n >> PTE_ORDER_SHIFT) & 15);
    }
    for (let i = 0; i < EXTEND_STEPS; i++) {
      const n = pte(task, lo - 4096);
      if (n == 0 || (n & 15) != flags || (n & ~0xfff) != <u32>(lo - 4096) + delta) break;
      span = (<u64>4096) << ((n >> PTE_ORDER_SHIFT) & 15);
      lo = (lo - 4096) & ~(span - 1);
    }
    if (atomic.load<u32>(task + K_MAP_SEQ) != seq) continue;
    store<u64>(ts + T_WIN_LO, lo);
    store<u64>(ts + T_WIN_LIM, hi - lo);
    store<u32>(ts + T_WIN_DELTA, delta);
    return true;
  }
}

export function fault(ts: u32, addr: u64, size: u32, kind: u32): void {
  store<u64>(ts + T_FAULT_ADDR, addr);
  store<u32>(ts + T_FAULT_KIND, kind);
  store<u32>(ts + T_FAULT_SIZE, size);
}

// Makes the window of a cache entry current.
// @ts-expect-error: decorator
@inline
function take(ts: u32, e: u32): void {
  store<u64>(ts + T_WIN_LO, load<u64>(e + 8));
  store<u64>(ts + T_WIN_LIM, load<u64>(e + 16));
  store<u32>(ts + T_WIN_DELTA, load<u32>(e + 24));
}

// @ts-expect-error: decorator
@inline
function keep(ts: u32, e: u32, tag: u64): void {
  store<u64>(e, tag);
  store<u64>(e + 8, load<u64>(ts + T_WIN_LO));
  store<u64>(e + 16, load<u64>(ts + T_WIN_LIM));
  store<u32>(e + 24, load<u32>(ts + T_WIN_DELTA));
}

// Makes the window around addr current (T_WIN_*, length in T_WIN_LIM), calling the pager when needed.
function window(ts: u32, addr: u64, acc: u32, size: u32): bool {
  const set = ts + T_TLB + (acc & 3) * (TLB_WAYS * TLB_ENTRY);
  for (let e = set; e < set + TLB_WAYS * TLB_ENTRY; e += TLB_ENTRY) {
    if (addr - load<u64>(e + 8) < load<u64>(e + 16)) {
      take(ts, e);
      return true;
    }
  }
  return find(ts, addr, acc, size);
}

// The same for a window that is not among those used last.
function find(ts: u32, addr: u64, acc: u32, size: u32): bool {
  const slot = ts + T_TLB_PAGES + ((<u32>(addr >> 12) & (TLB_ENTRIES - 1)) * TLB_ENTRY);
  const tag = ((addr >> 12) << 8) | <u64>acc;
  if (load<u64>(slot) == tag) take(ts, slot);
  else {
    while (!findWindow(ts, addr, acc)) {
      // An access that reads and writes needs what writing needs, and faults as a store.
      fault(ts, addr, size, acc & ACCESS_WRITE ? ACCESS_WRITE : acc);
      // Where blocks may start over, this one does, so that no thread waits for the pager in the middle of a block.
      if (load<u32>(G_OWN) != 0 && !alone(ts)) return false;
      if (!js_page(ts)) return false;
    }
    keep(ts, slot, tag);
  }
  keepRecent(ts, addr, acc);
  return true;
}

// The current window becomes one of those used last.
function keepRecent(ts: u32, addr: u64, acc: u32): void {
  const set = ts + T_TLB + (acc & 3) * (TLB_WAYS * TLB_ENTRY);
  const next = load<u32>(set + 28);
  keep(ts, set + next * TLB_ENTRY, ((addr >> 12) << 8) | <u64>acc);
  store<u32>(set + 28, (next + 1) & (TLB_WAYS - 1));
}

// p = size | access << 8 | XLAT_THROUGH | window cell << 16. Host address of addr, or 0: T_FAULT_* says why. Kind
// 0x100 is set when the access straddles two windows and must be repeated byte by byte.
export function xlat(ts: u32, addr: u64, p: u32): u32 {
  return xlatRange(ts, addr, p, 0, p & 255);
}

// The same for an access that is looked up together with bytes around it: range = bytes below addr | bytes from addr on
// << 16. When they are not all in its window, it is as if it straddled two.
export function xlat_group(ts: u32, addr: u64, p: u32, range: u32): u32 {
  return xlatRange(ts, addr, p, range & 0xffff, range >> 16);
}

function xlatRange(ts: u32, addr: u64, p: u32, below: u64, above: u64): u32 {
  const acc = p & XLAT_THROUGH ? ACCESS_WRITE : (p >> 8) & 7;
  const set = ts + T_TLB + acc * (TLB_WAYS * TLB_ENTRY);
  for (let e = set; e < set + TLB_WAYS * TLB_ENTRY; e += TLB_ENTRY) {
    const lo = load<u64>(e + 8);
    const len = load<u64>(e + 16);
    if (addr - lo < len) return install(ts, addr, p, below, above, lo, len, load<u32>(e + 24));
  }
  if (p & XLAT_THROUGH) return loadThrough(ts, addr, p, below, above);
  if (!find(ts, addr, acc, p & 255)) return 0;
  return installFound(ts, addr, p, below, above);
}

// A load through a window for writing that is not among those used last. Memory that can only be read, for now at
// least, is reached without one.
function loadThrough(ts: u32, addr: u64, p: u32, below: u64, above: u64): u32 {
  const size = p & 255;
  if (findWindow(ts, addr, ACCESS_WRITE)) {
    keepRecent(ts, addr, ACCESS_WRITE);
    return installFound(ts, addr, p, below, above);
  }
  if (!window(ts, addr, ACCESS_READ, size)) return 0;
  if (leaves(addr, below, above, load<u64>(ts + T_WIN_LO), load<u64>(ts + T_WIN_LIM))) {
    fault(ts, addr, size, ACCESS_READ | FAULT_STRADDLES);
    return 0;
  }
  if (thrashes(ts, ts + T_REGWIN + (p >> 16) * REGWIN_ENTRY)) {
    fault(ts, addr, size, ACCESS_READ | FAULT_STALE);
    return 0;
  }
  return <u32>addr + load<u32>(ts + T_WIN_DELTA);
}

// Counts a change of the window cell at w. True when that has led to code being dropped: the instruction starts over.
function thrashes(ts: u32, w: u32): bool {
  const changes = load<u32>(w + 20) + 1;
  store<u32>(w + 20, changes);
  const limit = load<u32>(G_THRASH_LIMIT);
  if (limit == 0 || changes < limit) return false;
  store<u32>(w + 20, 0);
  return js_thrash(ts) != 0;
}

// Whether the bytes from addr - below to addr + above are not all in the window, in which addr lies.
// @ts-expect-error: decorator
@inline
function leaves(addr: u64, below: u64, above: u64, lo: u64, len: u64): bool {
  return addr - lo < below || addr - lo + above > len;
}

function installFound(ts: u32, addr: u64, p: u32, below: u64, above: u64): u32 {
  const lo = load<u64>(ts + T_WIN_LO);
  return install(ts, addr, p, below, above, lo, load<u64>(ts + T_WIN_LIM), load<u32>(ts + T_WIN_DELTA));
}

// The window goes into the access's cell, unless the access leaves it.
function install(ts: u32, addr: u64, p: u32, below: u64, above: u64, lo: u64, len: u64, delta: u32): u32 {
  if (leaves(addr, below, above, lo, len)) {
    fault(ts, addr, p & 255, ((p >> 8) & 7) | FAULT_STRADDLES);
    return 0;
  }
  const w = ts + T_REGWIN + (p >> 16) * REGWIN_ENTRY;
  if (load<u64>(w) != lo && thrashes(ts, w)) {
    fault(ts, addr, p & 255, ((p >> 8) & 7) | FAULT_STALE);
    return 0;
  }
  store<u64>(w, lo);
  store<u64>(w + 8, len - 15);
  store<u32>(w + 16, delta);
  store<u64>(w + 24, len - GROUP_SPAN);
  return <u32>addr + delta;
}

export function hostByte(ts: u32, addr: u64, acc: u32): u32 {
  if (!window(ts, addr, acc, 1)) return 0;
  return <u32>addr + load<u32>(ts + T_WIN_DELTA);
}

// The byte-wise path: loads are gathered into the bounce buffer at T_SCRATCH, stores leave it through flush.
export function xlat_slow(ts: u32, addr: u64, p: u32): u32 {
  const size = p & 255;
  const acc = (p >> 8) & 255;
  for (let i: u32 = 0; i < size; i++) {
    const h = hostByte(ts, addr + i, acc);
    if (h == 0) return 0;
    if (acc & ACCESS_READ) store<u8>(ts + T_SCRATCH + i, load<u8>(h));
  }
  fault(ts, addr, size, acc);
  return ts + T_SCRATCH;
}

export function flush(ts: u32): void {
  const addr = load<u64>(ts + T_FAULT_ADDR);
  const size = load<u32>(ts + T_FAULT_SIZE);
  for (let i: u32 = 0; i < size; i++) {
    const h = hostByte(ts, addr + i, ACCESS_WRITE);
    if (h == 0) continue;
    const byte = load<u8>(ts + T_SCRATCH + i);
    if (load<u32>(ts + T_MULTI)) store_watched(ts, h, <u64>byte, 1);
    else store<u8>(h, byte);
  }
}

