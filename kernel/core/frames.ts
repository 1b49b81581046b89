/**
 * The frame allocator: bitmaps over the linear memory, 4 KiB a bit.
 *
 * Three tables, all under G_LOCK_FRAMES:
 * - FRAME_USED: the frame is handed out or belongs to a linear reservation.
 * - FRAME_DIRTY: the frame was given to somebody and may hold anything. Frames never used are zero, and are not
 *   touched before they are needed because touching makes the host commit them. Dirty bits of a frame are changed
 *   by its owner with atomics, without the lock; those of free frames under the lock.
 * - FRAME_REFS: owners beyond the first, so reserving needs no write here.
 *
 * Where the host takes memory back (`Machine.discard`), frames become clean again: long runs before they are freed,
 * short ones once there are many.
 *
 * The allocator's own words lie behind the reference counts (FRAME_WORDS).
 */

import { Mutex } from '../../sync/mutex.js';
import {
  FRAME_DIRTY,
  FRAME_REFS,
  FRAME_USED,
  FRAME_WORDS,
  FRAMES,
  G_LOCK_FRAMES,
  PAGE_SHIFT,
  PAGE_SIZE,
} from './layout.js';
import type { Machine } from './machine.js';

const W_USED = FRAME_WORDS >>> 2;
const W_PEAK = W_USED + 1;
/** Frames with more than one owner; while 0, releasing skips the reference counts. */
const W_SHARED = W_USED + 2;
/** Pages promised to mappings of all tasks. Atomic. */
const W_COMMIT = W_USED + 3;
/** Set once the hints are valid. */
const W_READY = W_USED + 4;
/** Frames freed in short runs since the last look for dirty free ones. */
const W_IDLE = W_USED + 5;
const W_HINTS = W_USED + 8;

/** Class c serves requests of at least this many frames; its hint is a frame below which no such run starts. */
const CLASS_MIN = [1, 16, 64, 256, 1024, 16384] as const;

/** Runs of at least this many frames go back to the host at once: a call of the host costs as much as a few frames. */
const LONG_RUN = 16;
/** Frames freed in short runs until the dirty ones among them go back: 16 MiB. */
const IDLE_LIMIT = 4096;

export class Frames {
  readonly machine: Machine;
  /** Number of frames there are. */
  readonly total: number;
  private readonly lock: Mutex;
  private readonly i32: Int32Array;
  private readonly first: number;
  private readonly end: number;

  constructor(machine: Machine) {
    this.machine = machine;
    this.i32 = machine.i32;
    this.lock = new Mutex(machine.i32, G_LOCK_FRAMES >>> 2, 'frames');
    this.first = FRAMES >>> PAGE_SHIFT;
    this.end = machine.framesEnd >>> PAGE_SHIFT;
    this.total = this.end - this.first;
    this.lock.lock(this.machine.self);
    if (this.i32[W_READY] === 0) {
      this.i32[W_READY] = 1;
      for (let c = 0; c < CLASS_MIN.length; c++) this.i32[W_HINTS + c] = this.first;
    }
    this.lock.unlock(this.machine.self);
  }

  /** Frames handed out or reserved now. */
  get used(): number {
    return Atomics.load(this.i32, W_USED);
  }

  /** Highest value `used` ever had. */
  get peak(): number {
    return Atomics.load(this.i32, W_PEAK);
  }

  /** Pages promised to mappings (all tasks), for strict accounting. */
  get committed(): number {
    return Atomics.load(this.i32, W_COMMIT);
  }

  /** Most pages that may be promised: what is there, less a part for page map leaves and stacks. */
  get commitLimit(): number {
    return this.total - Math.min(8192, this.total >>> 3);
  }

  /** Promises `pages` more; false (and no change) when that is more than the limit. Negative amounts give back. */
  commit(pages: number): boolean {
    const now = Atomics.add(this.i32, W_COMMIT, pages) + pages;
    if (pages <= 0 || now <= this.commitLimit) return true;
    Atomics.sub(this.i32, W_COMMIT, pages);
    return false;
  }

  /** Takes `n` contiguous frames, first fit from the low end. Contents are undefined until `prepare`. 0 if none. */
  reserve(n: number): number {
    let cls = CLASS_MIN.length - 1;
    while (cls > 0 && CLASS_MIN[cls] > n) cls--;
    this.lock.lock(this.machine.self);
    const at = this.search(n, cls);
    if (at !== 0) this.take(at, n);
    this.lock.unlock(this.machine.self);
    return at * PAGE_SIZE;
  }

  /**
   * Takes `n` contiguous frames from the high end, in steps of `n`. For long-lived tables: away from guest memory
   * they neither break its runs nor find their places broken up. 0 if there are none.
   */
  reserveHigh(n: number): number {
    this.lock.lock(this.machine.self);
    let at = this.end - n;
    while (at >= this.first && this.nextUsed(at, at + n) < at + n) at -= n;
    if (at >= this.first) this.take(at, n);
    this.lock.unlock(this.machine.self);
    return at >= this.first ? at * PAGE_SIZE : this.reserve(n);
  }

  /** Takes exactly the `n` frames at `host` if all are free, to continue an earlier reservation. */
  reserveAt(host: number, n: number): boolean {
    const at = host / PAGE_SIZE;
    if (at < this.first || at + n > this.end) return false;
    this.lock.lock(this.machine.self);
    const free = this.nextUsed(at, at + n) === at + n;
    if (free) this.take(at, n);
    this.lock.unlock(this.machine.self);
    return free;
  }

  /** Gives up one ownership of each of `n` frames; those without owners become free. */
  release(host: number, n: number): void {
    if (n === 0) return;
    const { machine } = this;
    const at = host / PAGE_SIZE;
    if (n >= LONG_RUN) this.vacate(host, n);
    this.lock.lock(this.machine.self);
    if (n < LONG_RUN) this.idle(n);
    if (this.i32[W_SHARED] === 0) {
      this.free(at, n);
    } else {
      const refs = FRAME_REFS >>> 1;
      let from = at;
      for (let f = at; f < at + n; f++) {
        const extra = machine.u16[refs + f];
        if (extra === 0) continue;
        machine.u16[refs + f] = extra - 1;
        if (extra === 1) this.i32[W_SHARED]--;
        if (f > from) this.free(from, f - from);
        from = f + 1;
      }
      if (at + n > from) this.free(from, at + n - from);
    }
    this.lock.unlock(this.machine.self);
  }

  /** Adds one owner to each of `n` frames. */
  share(host: number, n: number): void {
    const base = (FRAME_REFS >>> 1) + host / PAGE_SIZE;
    const { u16 } = this.machine;
    this.lock.lock(this.machine.self);
    for (let k = base; k < base + n; k++) {
      if (u16[k] === 0) this.i32[W_SHARED]++;
      u16[k]++;
    }
    this.lock.unlock(this.machine.self);
  }

  /** The same as `release`: the counterpart of `share`. */
  unshare(host: number, n: number): void {
    this.release(host, n);
  }

  /** Whether any frame has more than one owner. */
  get anyShared(): boolean {
    return Atomics.load(this.i32, W_SHARED) !== 0;
  }

  /** Whether a frame has exactly one owner. Stable only while the caller keeps others from sharing it. */
  isSole(host: number): boolean {
    return this.machine.u16[(FRAME_REFS >>> 1) + host / PAGE_SIZE] === 0;
  }

  /**
   * Makes frames the caller owns read as zero, shadow included, and marks them dirty because a guest gets them.
   * Frames that were never used are left untouched.
   */
  prepare(host: number, n: number): void {
    const { i32 } = this;
    const base = FRAME_DIRTY >>> 2;
    const end = host / PAGE_SIZE + n;
    for (let f = host / PAGE_SIZE; f < end; ) {
      const bit = f & 31;
      const count = Math.min(32 - bit, end - f);
      const mask = (count === 32 ? -1 : (1 << count) - 1) << bit;
      const old = Atomics.or(i32, base + (f >>> 5), mask) & mask;
      for (let k = 0; old !== 0 && k < count; k++) {
        if ((old & (1 << (bit + k))) !== 0) this.wipe((f + k) * PAGE_SIZE);
      }
      f += count;
    }
  }

  /** Like `prepare` for frames the framework keeps for itself and gives back zeroed: they stay clean. */
  clean(host: number, n: number): void {
    const { i32 } = this;
    const base = FRAME_DIRTY >>> 2;
    for (let f = host / PAGE_SIZE; f < host / PAGE_SIZE + n; f++) {
      const mask = 1 << (f & 31);
      if ((Atomics.and(i32, base + (f >>> 5), ~mask) & mask) !== 0) this.wipe(f * PAGE_SIZE);
    }
  }

  /**
   * Gives the host's memory behind those of `n` frames back that the caller alone owns: their contents are lost, and
   * they are clean. Does nothing where the host has no way to take it.
   */
  vacate(host: number, n: number): void {
    const end = host / PAGE_SIZE + n;
    const shared = this.anyShared;
    if (!shared) this.discard(host / PAGE_SIZE, end);
    for (let f = host / PAGE_SIZE; shared && f < end; f++) {
      const from = f;
      while (f < end && this.isSole(f * PAGE_SIZE)) f++;
      this.discard(from, f);
    }
  }

  /** Makes [from, end) clean by giving back what lies between the first and the last dirty frame of it. */
  private discard(from: number, end: number): void {
    const { machine, i32 } = this;
    const lo = this.nextDirty(from, end);
    if (lo === end) return;
    const hi = this.lastDirty(lo, end) + 1;
    const host = lo * PAGE_SIZE;
    const bytes = (hi - lo) * PAGE_SIZE;
    const scale = machine.shadowScale;
    if (!machine.discard(machine.u8, host, bytes)) return;
    if (scale > 0 && !machine.discard(machine.u8, machine.shadowOf(host), bytes * scale)) return;
    for (let f = lo; f < hi; ) {
      const bit = f & 31;
      const count = Math.min(32 - bit, hi - f);
      Atomics.and(i32, (FRAME_DIRTY >>> 2) + (f >>> 5), ~((count === 32 ? -1 : (1 << count) - 1) << bit));
      f += count;
    }
  }

  /** `n` more frames come back in short runs: now and then all that are free and dirty go back to the host. */
  private idle(n: number): void {
    const { i32 } = this;
    i32[W_IDLE] += n;
    if (i32[W_IDLE] < IDLE_LIMIT) return;
    i32[W_IDLE] = 0;
    for (let f = this.nextFree(this.first); f < this.end; ) {
      const stop = this.nextUsed(f, this.end);
      this.discard(f, stop);
      f = this.nextFree(stop);
    }
  }

  private wipe(host: number): void {
    const { machine } = this;
    machine.zero(host, PAGE_SIZE);
    const scale = machine.shadowScale;
    if (scale > 0) machine.zero(machine.shadowOf(host), PAGE_SIZE * scale);
  }

  /** First run of `n` free frames, 0 if there is none. Moves the class hint up. */
  private search(n: number, cls: number): number {
    const min = CLASS_MIN[cls];
    let hint = -1;
    let at = this.i32[W_HINTS + cls];
    while (at + n <= this.end) {
      at = this.nextFree(at);
      if (at >= this.end) break;
      const stop = this.nextUsed(at, Math.min(this.end, at + n));
      if (hint < 0 && stop - at >= min) hint = at;
      if (stop - at >= n) {
        this.i32[W_HINTS + cls] = hint === at ? at + n : hint;
        return at;
      }
      at = stop;
    }
    if (hint >= 0) this.i32[W_HINTS + cls] = hint;
    return 0;
  }

  private nextFree(from: number): number {
    const { i32 } = this;
    const base = FRAME_USED >>> 2;
    let f = from;
    while (f < this.end) {
      const free = ~i32[base + (f >>> 5)] >>> (f & 31);
      if (free !== 0) return Math.min(this.end, f + 31 - Math.clz32(free & -free));
      f = (f | 31) + 1;
    }
    return this.end;
  }

  private nextUsed(from: number, limit: number): number {
    const { i32 } = this;
    const base = FRAME_USED >>> 2;
    let f = from;
    while (f < limit) {
      const used = i32[base + (f >>> 5)] >>> (f & 31);
      if (used !== 0) return Math.min(limit, f + 31 - Math.clz32(used & -used));
      f = (f | 31) + 1;
    }
    return limit;
  }

  private nextDirty(from: number, limit: number): number {
    const base = FRAME_DIRTY >>> 2;
    for (let f = from; f < limit; f = (f | 31) + 1) {
      const dirty = Atomics.load(this.i32, base + (f >>> 5)) >>> (f & 31);
      if (dirty !== 0) return Math.min(limit, f + 31 - Math.clz32(dirty & -dirty));
    }
    return limit;
  }

  /** The last dirty frame below `limit`; `from` is dirty. */
  private lastDirty(from: number, limit: number): number {
    const base = FRAME_DIRTY >>> 2;
    for (let f = limit - 1; f > from; f = (f & ~31) - 1) {
      const dirty = Atomics.load(this.i32, base + (f >>> 5)) << (31 - (f & 31));
      if (dirty !== 0) return Math.max(from, f - Math.clz32(dirty));
    }
    return from;
  }

  private take(at: number, n: number): void {
    this.mark(at, n, true);
    const used = this.i32[W_USED] + n;
    Atomics.store(this.i32, W_USED, used);
    if (used > this.i32[W_PEAK]) this.i32[W_PEAK] = used;
  }

  private free(at: number, n: number): void {
    this.mark(at, n, false);
    Atomics.store(this.i32, W_USED, this.i32[W_USED] - n);
    for (let c = 0; c < CLASS_MIN.length; c++) {
      // A run that starts below at - min + 1 was long enough before this release, so the hint is already below it.
      const low = Math.max(this.first, at - CLASS_MIN[c] + 1);
      if (low < this.i32[W_HINTS + c]) this.i32[W_HINTS + c] = low;
    }
  }

  private mark(at: number, n: number, used: boolean): void {
    const { i32 } = this;
    const base = FRAME_USED >>> 2;
    const end = at + n;
    for (let f = at; f < end; ) {
      const bit = f & 31;
      const count = Math.min(32 - bit, end - f);
      const mask = (count === 32 ? -1 : (1 << count) - 1) << bit;
      if (used) i32[base + (f >>> 5)] |= mask;
      else i32[base + (f >>> 5)] &= ~mask;
      f += count;
    }
  }
}
