/**
 * The page map of a task: guest page -> host page, flags and buddy order.
 *
 * Lies in shared memory (K_ROOT and leaf tables in frames) because wasm reads it. Writers hold the region lock of
 * the task and keep K_MAP_SEQ odd while entries change; readers without the lock retry when it was odd or moved.
 *
 * Orders are exact: an entry's order is the largest o <= MAX_ORDER such that its aligned block of 2^o pages is
 * present, contiguous in host memory and equal in flags. Walking blocks thus finds a window in few steps.
 */

import type { Frames } from './frames.js';
import {
  K_MAP_SEQ,
  K_ROOT,
  K_ROOT_ENTRIES,
  LEAF_BYTES,
  PAGE_SHIFT,
  PAGE_SIZE,
  PTE_FLAGS,
  PTE_ORDER_MASK,
  PTE_ORDER_SHIFT,
} from './layout.js';
import type { Machine } from './machine.js';

export const MAX_ORDER = 15;
/** First address behind what a page map can hold. */
export const GUEST_LIMIT = 2 ** 47;
const LEAF_PAGES = LEAF_BYTES >>> 2;
/** Guest bytes one leaf table maps. */
export const LEAF_SPAN = LEAF_PAGES * PAGE_SIZE;
const LEAF_FRAMES = LEAF_BYTES >>> PAGE_SHIFT;

/** A maximal run of pages contiguous in guest and host memory with equal flags. `length` in bytes. */
export interface Run {
  lo: number;
  length: number;
  host: number;
  flags: number;
}

export class PageMap {
  /** Result of `nextSpan`: guest range, host address of its first page, flags. */
  spanLo = 0;
  spanHi = 0;
  spanHost = 0;
  spanFlags = 0;
  private readonly i32: Int32Array;
  private readonly frames: Frames;
  private readonly root: number;
  private readonly seq: number;

  /** `task` is the address of the task block. */
  constructor(machine: Machine, task: number, frames: Frames) {
    this.frames = frames;
    this.i32 = machine.i32;
    this.root = (task + K_ROOT) >>> 2;
    this.seq = (task + K_MAP_SEQ) >>> 2;
  }

  /** Entry of the page that holds `addr`, as an unsigned number; 0 when the page is not present. */
  lookup(addr: number): number {
    if (!(addr >= 0 && addr < GUEST_LIMIT)) return 0;
    const leaf = this.i32[this.root + Math.floor(addr / LEAF_SPAN)];
    return leaf === 0 ? 0 : this.i32[(leaf >>> 2) + (addr >>> PAGE_SHIFT)] >>> 0;
  }

  /** Makes sure that leaf tables for the range exist. False when there are no frames for them. */
  ensure(addr: number, pages: number): boolean {
    const last = Math.floor((addr + pages * PAGE_SIZE - 1) / LEAF_SPAN);
    for (let k = Math.floor(addr / LEAF_SPAN); k <= last; k++) {
      if (this.i32[this.root + k] !== 0) continue;
      const leaf = this.frames.reserveHigh(LEAF_FRAMES);
      if (leaf === 0) return false;
      this.frames.clean(leaf, LEAF_FRAMES);
      Atomics.store(this.i32, this.root + k, leaf);
    }
    return true;
  }

  /**
   * Maps `pages` pages from `addr` on to contiguous host memory at `host`. Replaces what was there.
   * False, with nothing done, when there are no frames for a leaf table.
   */
  setRange(addr: number, pages: number, host: number, flags: number): boolean {
    if (!this.ensure(addr, pages)) return false;
    this.begin();
    let at = host;
    for (let a = addr, left = pages; left > 0; ) {
      const lo = (a >>> PAGE_SHIFT) & (LEAF_PAGES - 1);
      const n = Math.min(left, LEAF_PAGES - lo);
      const base = this.leafBase(a);
      this.cut(base, lo);
      this.cut(base, lo + n);
      this.fill(base, lo, lo + n, at | flags);
      this.mergeUp(base, lo);
      this.mergeUp(base, lo + n - 1);
      a += n * PAGE_SIZE;
      at += n * PAGE_SIZE;
      left -= n;
    }
    this.end();
    return true;
  }

  /** Forgets `pages` pages from `addr` on. Returns how many of them were present. */
  clearRange(addr: number, pages: number): number {
    const { i32 } = this;
    let cleared = 0;
    this.begin();
    for (let a = addr, left = pages; left > 0; ) {
      const lo = (a >>> PAGE_SHIFT) & (LEAF_PAGES - 1);
      const n = Math.min(left, LEAF_PAGES - lo);
      const base = this.leafBase(a);
      if (base !== 0) {
        this.cut(base, lo);
        this.cut(base, lo + n);
        for (let k = base + lo; k < base + lo + n; k++) {
          if (i32[k] === 0) continue;
          i32[k] = 0;
          cleared++;
        }
      }
      a += n * PAGE_SIZE;
      left -= n;
    }
    this.end();
    return cleared;
  }

  /**
   * Gives the present pages of the range new flags: of an entry with flags f, `(f & keep) | set`, and when the
   * entry has any flag of `guard`, the flags in `deny` are taken out again (copy-on-write pages stay read-only).
   */
  setFlags(addr: number, pages: number, set: number, keep = 0, guard = 0, deny = 0): void {
    const { i32 } = this;
    this.begin();
    for (let a = addr, left = pages; left > 0; ) {
      const lo = (a >>> PAGE_SHIFT) & (LEAF_PAGES - 1);
      const n = Math.min(left, LEAF_PAGES - lo);
      const base = this.leafBase(a);
      if (base !== 0) {
        this.cut(base, lo);
        this.cut(base, lo + n);
        for (let k = base + lo; k < base + lo + n; k++) {
          const e = i32[k];
          if (e === 0) continue;
          let flags = (e & keep & PTE_FLAGS) | set;
          if ((e & guard) !== 0) flags &= ~deny;
          i32[k] = (e & ~PTE_FLAGS) | flags;
        }
        this.rebuild(base, lo, lo + n);
        this.mergeUp(base, lo);
        this.mergeUp(base, lo + n - 1);
      }
      a += n * PAGE_SIZE;
      left -= n;
    }
    this.end();
  }

  /**
   * Finds the first present span in [lo, hi): pages contiguous on both sides with equal flags, clipped to the range
   * and to 4 GiB. Answers in the span* fields; false when nothing is present.
   */
  nextSpan(lo: number, hi: number): boolean {
    let a = this.nextPresent(lo, hi);
    if (a >= hi) return false;
    const first = this.lookup(a);
    const flags = first & PTE_FLAGS;
    this.spanLo = a;
    this.spanHost = entryHost(first);
    this.spanFlags = flags;
    const limit = Math.min(hi, (Math.floor(a / LEAF_SPAN) + 1) * LEAF_SPAN);
    const delta = this.spanHost - a;
    while (a < limit) {
      const e = this.lookup(a);
      if (e === 0 || (e & PTE_FLAGS) !== flags || entryHost(e) - a !== delta) break;
      a = this.blockEnd(a, e);
    }
    this.spanHi = Math.min(a, limit);
    return true;
  }

  /** First present page in [lo, hi), else hi. */
  nextPresent(lo: number, hi: number): number {
    for (let a = lo; a < hi; ) {
      const next = Math.min(hi, (Math.floor(a / LEAF_SPAN) + 1) * LEAF_SPAN);
      const base = this.leafBase(a);
      if (base !== 0) {
        const start = base + ((a >>> PAGE_SHIFT) & (LEAF_PAGES - 1));
        const end = start + (next - a) / PAGE_SIZE;
        for (let k = start; k < end; k++) if (this.i32[k] !== 0) return a + (k - start) * PAGE_SIZE;
      }
      a = next;
    }
    return hi;
  }

  /** First page in [lo, hi) that is not present, else hi. */
  nextAbsent(lo: number, hi: number): number {
    for (let a = lo; a < hi; ) {
      const e = this.lookup(a);
      if (e === 0) return a;
      a = this.blockEnd(a, e);
    }
    return hi;
  }

  /** The maximal window around `addr`, null when its page is not present. The reference for the wasm one. */
  runAt(addr: number): Run | null {
    const page = addr - (addr % PAGE_SIZE);
    const e = this.lookup(page);
    if (e === 0) return null;
    const flags = e & PTE_FLAGS;
    const delta = entryHost(e) - page;
    let lo = this.blockStart(page, e);
    let hi = this.blockEnd(page, e);
    for (let p = this.lookup(lo - PAGE_SIZE); this.fits(p, lo - PAGE_SIZE, flags, delta); ) {
      lo = this.blockStart(lo - PAGE_SIZE, p);
      p = this.lookup(lo - PAGE_SIZE);
    }
    for (let p = this.lookup(hi); this.fits(p, hi, flags, delta); ) {
      hi = this.blockEnd(hi, p);
      p = this.lookup(hi);
    }
    return { lo, length: hi - lo, host: lo + delta, flags };
  }

  /** Gives the leaf tables back. Every page must have been cleared, and no thread may use the map any more. */
  destroy(): void {
    for (let k = 0; k < K_ROOT_ENTRIES; k++) {
      const leaf = this.i32[this.root + k] >>> 0;
      if (leaf === 0) continue;
      this.i32[this.root + k] = 0;
      this.frames.release(leaf, LEAF_FRAMES);
    }
  }

  private fits(e: number, addr: number, flags: number, delta: number): boolean {
    return e !== 0 && (e & PTE_FLAGS) === flags && entryHost(e) - addr === delta;
  }

  private blockStart(addr: number, e: number): number {
    return addr - (addr % (PAGE_SIZE << ((e & PTE_ORDER_MASK) >>> PTE_ORDER_SHIFT)));
  }

  private blockEnd(addr: number, e: number): number {
    return this.blockStart(addr, e) + (PAGE_SIZE << ((e & PTE_ORDER_MASK) >>> PTE_ORDER_SHIFT));
  }

  private leafBase(addr: number): number {
    return this.i32[this.root + Math.floor(addr / LEAF_SPAN)] >>> 2;
  }

  private begin(): void {
    Atomics.add(this.i32, this.seq, 1);
  }

  private end(): void {
    Atomics.add(this.i32, this.seq, 1);
  }

  /** Writes pages [lo, hi) of a leaf as one run that starts with `value`, with the orders of the run alone. */
  private fill(base: number, lo: number, hi: number, value: number): void {
    const { i32 } = this;
    let v = value & ~PTE_ORDER_MASK;
    for (let k = lo; k < hi; ) {
      const align = k === 0 ? MAX_ORDER : 31 - Math.clz32(k & -k);
      const o = Math.min(align, 31 - Math.clz32(hi - k), MAX_ORDER);
      const end = k + (1 << o);
      v |= o << PTE_ORDER_SHIFT;
      for (; k < end; k++, v += PAGE_SIZE) i32[base + k] = v;
      v &= ~PTE_ORDER_MASK;
    }
  }

  /** Splits the block that crosses the boundary in front of page `k`, if one does. */
  private cut(base: number, k: number): void {
    if (k === 0 || k === LEAF_PAGES) return;
    const e = this.i32[base + k];
    if (e === 0) return;
    const size = 1 << ((e & PTE_ORDER_MASK) >>> PTE_ORDER_SHIFT);
    const lo = k & -size;
    if (lo === k) return;
    this.fill(base, lo, k, this.i32[base + lo]);
    this.fill(base, k, lo + size, e);
  }

  /** Finds the runs in [lo, hi) afresh and writes their orders. */
  private rebuild(base: number, lo: number, hi: number): void {
    const { i32 } = this;
    for (let k = lo; k < hi; ) {
      const first = i32[base + k];
      let next = k + 1;
      if (first !== 0) {
        let want = (first & ~PTE_ORDER_MASK) + PAGE_SIZE;
        while (next < hi && (i32[base + next] & ~PTE_ORDER_MASK) === (want | 0)) {
          next++;
          want += PAGE_SIZE;
        }
        this.fill(base, k, next, first);
      }
      k = next;
    }
  }

  /** Joins the block of page `k` with its buddies as far up as they match. */
  private mergeUp(base: number, k: number): void {
    const { i32 } = this;
    const e = i32[base + k];
    if (e === 0) return;
    const order = (e & PTE_ORDER_MASK) >>> PTE_ORDER_SHIFT;
    let o = order;
    let lo = k & -(1 << o);
    let first = i32[base + lo] & ~PTE_ORDER_MASK;
    while (o < MAX_ORDER) {
      const buddy = lo ^ (1 << o);
      const other = i32[base + buddy];
      if (other === 0 || (other & PTE_ORDER_MASK) >>> PTE_ORDER_SHIFT !== o) break;
      const bytes = (buddy - lo) * PAGE_SIZE;
      if ((other & ~PTE_ORDER_MASK) !== ((first + bytes) | 0)) break;
      if (buddy < lo) {
        lo = buddy;
        first = other & ~PTE_ORDER_MASK;
      }
      o++;
    }
    if (o > order) this.fill(base, lo, lo + (1 << o), first);
  }
}

/** Host page address of an entry. */
export function entryHost(entry: number): number {
  return (entry & -PAGE_SIZE) >>> 0;
}
