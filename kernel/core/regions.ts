/**
 * The region table of a task: what is mapped where, sorted by start, in shared memory (K_REGIONS).
 *
 * A record covers pages with equal attributes and either no linear reservation or one that backs all of it; a
 * mapping may thus be several neighbouring records, which `AddressSpace.regions` shows as one.
 * Everything here needs the region lock. Look-ups copy a record out; nobody holds on to a record.
 *
 * | offset | type | field                                                                             |
 * | ------ | ---- | --------------------------------------------------------------------------------- |
 * | 0      | f64  | start, guest address                                                              |
 * | 8      | f64  | end, first address behind it                                                      |
 * | 16     | i32  | prot in bits 0..2, maximal prot in bits 4..6, RF_* from bit 8                     |
 * | 20     | i32  | file id, meaningful with RF_FILE                                                  |
 * | 24     | f64  | file offset of start                                                              |
 * | 32     | u32  | host address of the linear reservation of start, 0 for none                       |
 * | 36     | i32  | shared segment + 1, 0 for private memory                                          |
 * | 40     | i32  | name id                                                                           |
 * | 44     | i32  | pages of the last population step                                                 |
 * | 48     | f64  | address at which the next sequential fault would come                             |
 */

import { K_REGION_COUNT, K_REGION_MAX, K_REGIONS, REGION_SIZE } from './layout.js';
import type { Machine } from './machine.js';

export const RF_FILE = 0x0100;
export const RF_SHARED = 0x0200;
export const RF_STACK = 0x0400;
export const RF_NORESERVE = 0x0800;
export const RF_GROWSDOWN = 0x1000;
export const RF_BRK = 0x2000;
export const RF_SPECIAL = 0x4000;
/** Pages of the record are promised (counted in K_COMMIT_PAGES). */
export const RF_ACCOUNT = 0x8000;
/** Not mapped: frames reserved behind the heap so that it can grow contiguously. */
export const RF_RESERVE = 0x10000;

/** A record, copied out of the table. */
export interface Region {
  start: number;
  end: number;
  prot: number;
  maxProt: number;
  flags: number;
  fileId: number;
  fileOffset: number;
  linHost: number;
  segment: number;
  nameId: number;
  step: number;
  next: number;
}

export function emptyRegion(): Region {
  return {
    start: 0,
    end: 0,
    prot: 0,
    maxProt: 7,
    flags: 0,
    fileId: 0,
    fileOffset: 0,
    linHost: 0,
    segment: 0,
    nameId: 0,
    step: 0,
    next: 0,
  };
}

const RECORD_F64 = REGION_SIZE >>> 3;

export class RegionTable {
  private readonly machine: Machine;
  private readonly base: number;
  private readonly countIndex: number;

  constructor(machine: Machine, task: number) {
    this.machine = machine;
    this.base = task + K_REGIONS;
    this.countIndex = (task + K_REGION_COUNT) >>> 2;
  }

  get count(): number {
    return this.machine.i32[this.countIndex];
  }

  /** Whether `n` more records fit. */
  room(n: number): boolean {
    return this.count + n <= K_REGION_MAX;
  }

  startOf(index: number): number {
    return this.machine.f64[(this.base >>> 3) + index * RECORD_F64];
  }

  endOf(index: number): number {
    return this.machine.f64[(this.base >>> 3) + index * RECORD_F64 + 1];
  }

  flagsOf(index: number): number {
    return this.machine.i32[(this.base >>> 2) + index * 16 + 4] & ~0xff;
  }

  /** Index of the first record that ends behind `addr`; `count` when there is none. */
  find(addr: number): number {
    let lo = 0;
    let hi = this.count;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.endOf(mid) > addr) hi = mid;
      else lo = mid + 1;
    }
    return lo;
  }

  /** Copies record `index` into `out`. */
  load(index: number, out: Region): Region {
    const { f64, i32, u32 } = this.machine;
    const d = (this.base >>> 3) + index * RECORD_F64;
    const w = (this.base >>> 2) + index * 16;
    const bits = i32[w + 4];
    out.start = f64[d];
    out.end = f64[d + 1];
    out.prot = bits & 7;
    out.maxProt = (bits >>> 4) & 7;
    out.flags = bits & ~0xff;
    out.fileId = i32[w + 5];
    out.fileOffset = f64[d + 3];
    out.linHost = u32[w + 8];
    out.segment = i32[w + 9];
    out.nameId = i32[w + 10];
    out.step = i32[w + 11];
    out.next = f64[d + 6];
    return out;
  }

  /** Overwrites record `index`. */
  store(index: number, r: Region): void {
    const { f64, i32, u32 } = this.machine;
    const d = (this.base >>> 3) + index * RECORD_F64;
    const w = (this.base >>> 2) + index * 16;
    f64[d] = r.start;
    f64[d + 1] = r.end;
    i32[w + 4] = r.prot | (r.maxProt << 4) | r.flags;
    i32[w + 5] = r.fileId;
    f64[d + 3] = r.fileOffset;
    u32[w + 8] = r.linHost;
    i32[w + 9] = r.segment;
    i32[w + 10] = r.nameId;
    i32[w + 11] = r.step;
    f64[d + 6] = r.next;
  }

  /** Adds a record at its place; it must not overlap another, and there must be room. Returns its index. */
  insert(r: Region): number {
    const index = this.find(r.start);
    this.insertAt(index, r);
    return index;
  }

  /** Removes records [from, to). */
  remove(from: number, to: number): void {
    if (from >= to) return;
    const { u8, i32 } = this.machine;
    u8.copyWithin(
      this.base + from * REGION_SIZE,
      this.base + to * REGION_SIZE,
      this.base + this.count * REGION_SIZE,
    );
    i32[this.countIndex] -= to - from;
  }

  /** Makes `addr` a boundary between records, if it lies inside one. Needs room for one record. */
  split(addr: number): void {
    const index = this.find(addr);
    if (index === this.count || this.startOf(index) >= addr) return;
    const upper = this.load(index, scratchA);
    const lower = this.load(index, scratchB);
    const skip = addr - upper.start;
    lower.end = addr;
    upper.start = addr;
    upper.fileOffset += skip;
    if (upper.linHost !== 0) upper.linHost += skip;
    this.store(index, lower);
    this.insertAt(index + 1, upper);
  }

  /** Joins neighbours that touch [lo, hi] wherever their attributes continue each other. */
  merge(lo: number, hi: number): void {
    let index = Math.max(0, this.find(lo) - 1);
    while (index + 1 < this.count && this.startOf(index) <= hi) {
      const a = this.load(index, scratchA);
      const b = this.load(index + 1, scratchB);
      if (continues(a, b) && linear(a, b)) {
        a.end = b.end;
        if (b.next > a.next) {
          a.next = b.next;
          a.step = b.step;
        }
        this.store(index, a);
        this.remove(index + 1, index + 2);
      } else {
        index++;
      }
    }
  }

  private insertAt(index: number, r: Region): void {
    const { u8, i32 } = this.machine;
    u8.copyWithin(
      this.base + (index + 1) * REGION_SIZE,
      this.base + index * REGION_SIZE,
      this.base + this.count * REGION_SIZE,
    );
    i32[this.countIndex]++;
    this.store(index, r);
  }
}

const scratchA = emptyRegion();
const scratchB = emptyRegion();

/** Whether b looks to the guest like the rest of a: only the backing may differ. */
export function continues(a: Region, b: Region): boolean {
  return (
    a.end === b.start &&
    a.prot === b.prot &&
    a.maxProt === b.maxProt &&
    a.flags === b.flags &&
    a.nameId === b.nameId &&
    a.fileId === b.fileId &&
    ((a.flags & RF_FILE) === 0 || b.fileOffset === a.fileOffset + (a.end - a.start))
  );
}

function linear(a: Region, b: Region): boolean {
  if (a.segment !== b.segment) return false;
  return a.linHost === 0 ? b.linHost === 0 : b.linHost === a.linHost + (a.end - a.start);
}
