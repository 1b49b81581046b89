/**
 * How mappings are made, taken away, narrowed and moved: the inside of the region manager.
 *
 * Everything here runs under the region lock; `AddressSpace` takes it and checks plain argument errors.
 */

import { EACCES, EEXIST, EFAULT, EINVAL, ENOMEM, EPERM } from './errors.js';
import { K_MMAP_TOP, PAGE_SIZE } from './layout.js';
import { applyProt, type Pager } from './pager.js';
import {
  continues,
  emptyRegion,
  type Region,
  RF_ACCOUNT,
  RF_BRK,
  RF_FILE,
  RF_GROWSDOWN,
  RF_NORESERVE,
  RF_RESERVE,
  RF_SHARED,
  RF_SPECIAL,
  RF_STACK,
} from './regions.js';
import { PIECE, plenty, reserveNear } from './reservations.js';
import type { SegmentPiece } from './segments.js';
import {
  type FileReader,
  PROT_READ,
  PROT_WRITE,
  pageDown,
  pageUp,
  type RegionView,
  type Space,
} from './space.js';

/** First address a Linux program cannot have under Sv39. */
export const USER_TOP = 0x4000000000;
export const STACK_TOP = 0x3ffffff000;
export const PIE_BASE = 0x2aaaaaa000;
/** Where top-down placement starts unless K_MMAP_TOP says otherwise: 128 MiB below the stack's top. */
export const MMAP_TOP = STACK_TOP - 0x8000000;
/** Lowest address that may be mapped (vm.mmap_min_addr). */
export const USER_BOTTOM = 0x10000;

/** What to map. Addresses and lengths in bytes. */
export interface MapRequest {
  /** Wanted address; 0 for anywhere. */
  addr?: number;
  length: number;
  /** Lowest address allowed with `fixed` or `noReplace`; USER_BOTTOM by default. */
  lowest?: number;
  /** PROT_* bits. */
  prot: number;
  maxProt?: number;
  /** At exactly `addr`, replacing what is there, or with `noReplace` failing with EEXIST. */
  fixed?: boolean;
  noReplace?: boolean;
  kind: 'anon' | 'file';
  shared?: boolean;
  noreserve?: boolean;
  stack?: boolean;
  growsDown?: boolean;
  special?: boolean;
  populate?: boolean;
  name?: string;
  /** `offset` must be a multiple of the page size; the reader serves this worker, see `SpaceHooks.fileReader`. */
  file?: FileReader & { id: number; offset: number };
}

export class Mappings {
  private readonly space: Space;
  private readonly pager: Pager;

  constructor(space: Space, pager: Pager) {
    this.space = space;
    this.pager = pager;
  }

  map(q: MapRequest): number {
    const { space } = this;
    const length = pageUp(q.length);
    if (!(q.length > 0) || (q.prot & ~7) !== 0 || (q.kind === 'file') !== (q.file !== undefined))
      return -EINVAL;
    if (q.file !== undefined && (q.file.offset < 0 || q.file.offset % PAGE_SIZE !== 0)) return -EINVAL;
    if (length > USER_TOP) return -ENOMEM;
    const at = this.place(q, length);
    if (at < 0) return at;
    const pages = length / PAGE_SIZE;
    const r = this.record(q, at, length);
    const promised = (r.flags & RF_ACCOUNT) !== 0 ? pages : 0;
    if (!space.table.room(4) || !space.commit(promised)) return -ENOMEM;
    let pieces: SegmentPiece[] | null = null;
    if (q.shared) {
      if (q.file === undefined) r.fileId = space.segments.anonymousId();
      pieces = space.segments.acquire(r.fileId, r.fileOffset / PAGE_SIZE, pages);
      if (pieces === null || !space.table.room(4 + pieces.length)) {
        for (const p of pieces ?? []) space.segments.drop(p.segment, p.pages);
        space.commit(-promised);
        return -ENOMEM;
      }
    }
    if (q.file !== undefined) space.setReader(q.file.id, q.file);
    if (q.fixed) this.unmap(at, at + length);
    this.insert(r, pieces);
    space.hooks.onMap(this.view(r));
    if (q.populate) this.pager.populateLocked(at, at + length);
    return at;
  }

  /** Puts `r` into the table, cut where its segments change. */
  private insert(r: Region, pieces: SegmentPiece[] | null): void {
    const { table } = this.space;
    if (pieces === null) table.insert(r);
    let at = r.start;
    for (const p of pieces ?? []) {
      const end = at + p.pages * PAGE_SIZE;
      const fileOffset = r.fileOffset + (at - r.start);
      table.insert({ ...r, start: at, end, fileOffset, linHost: p.host, segment: p.segment + 1 });
      at = end;
    }
    table.merge(r.start, r.end);
  }

  /** Takes [lo, hi) away. False, with nothing done, when the table has no room for the cuts. */
  unmap(lo: number, hi: number): boolean {
    const { space } = this;
    const { table, frames, segments } = space;
    if (!table.room(2)) return false;
    table.split(lo);
    table.split(hi);
    const from = table.find(lo);
    let to = from;
    const r = emptyRegion();
    const owned: number[] = [];
    let cleared = 0;
    for (; to < table.count && table.startOf(to) < hi; to++) {
      table.load(to, r);
      this.collectOwned(r, r.start, r.end, owned);
    }
    if (from === to) return true;
    for (let k = from; k < to; k++) {
      table.load(k, r);
      cleared += space.map.clearRange(r.start, (r.end - r.start) / PAGE_SIZE);
    }
    space.addTouched(-cleared);
    if (cleared > 0) space.retire();
    space.hooks.onUnmap(lo, hi);
    this.writeBack(lo, hi);
    for (let k = from; k < to; k++) {
      table.load(k, r);
      const pages = (r.end - r.start) / PAGE_SIZE;
      space.commit(-this.accounted(r));
      if (r.segment !== 0) segments.drop(r.segment - 1, pages);
      else if (r.linHost !== 0) frames.release(r.linHost, pages);
    }
    for (let k = 0; k < owned.length; k += 2) frames.release(owned[k], owned[k + 1]);
    table.remove(from, to);
    return true;
  }

  protect(lo: number, hi: number, prot: number): number {
    const { space } = this;
    const { table } = space;
    if (!this.covered(lo, hi)) return -ENOMEM;
    const r = emptyRegion();
    let promised = 0;
    for (let k = table.find(lo); k < table.count && table.startOf(k) < hi; k++) {
      table.load(k, r);
      if ((prot & ~r.maxProt) !== 0) return -EACCES;
      if (this.needsAccount(r, prot)) promised += (Math.min(hi, r.end) - Math.max(lo, r.start)) / PAGE_SIZE;
    }
    if (!table.room(3) || !space.commit(promised)) return -ENOMEM;
    if (prot !== 0) this.reserveArena(lo, hi);
    table.split(lo);
    table.split(hi);
    let narrowed = false;
    for (let k = table.find(lo); k < table.count && table.startOf(k) < hi; k++) {
      table.load(k, r);
      if (this.needsAccount(r, prot)) r.flags |= RF_ACCOUNT;
      if ((r.prot & ~prot) !== 0) narrowed = true;
      r.prot = prot;
      table.store(k, r);
      applyProt(space, r, r.start, r.end);
    }
    table.merge(lo, hi);
    if (narrowed && space.map.nextPresent(lo, hi) < hi) space.retire();
    space.hooks.onProtect(lo, hi, prot);
    return 0;
  }

  remap(addr: number, from: number, to: number, mayMove: boolean, fixedAt?: number): number {
    const { space } = this;
    const { table } = space;
    const view = this.viewAt(addr);
    if (view === undefined || view.end < addr + from) return -EFAULT;
    if (fixedAt === undefined) {
      if (to < from && !this.unmap(addr + to, addr + from)) return -ENOMEM;
      if (to <= from) return addr;
      if (view.end === addr + from && this.isFree(view.end, addr + to)) {
        const failed = this.extend(view.end, to - from);
        return failed === 0 ? addr : failed;
      }
      if (!mayMove) return -ENOMEM;
    }
    const at = fixedAt ?? this.findGap(to, alignFor(to));
    if (at < 0) return -ENOMEM;
    if (fixedAt !== undefined && !this.unmap(at, at + to)) return -ENOMEM;
    if (to < from && !this.unmap(addr + to, addr + from)) return -ENOMEM;
    const moved = Math.min(from, to);
    if (!table.room(8) || !space.map.ensure(at, moved / PAGE_SIZE)) return -ENOMEM;
    // Growth comes first, at the new place: it is what can fail.
    if (to > from) {
      const last = table.load(table.find(addr + from - 1), emptyRegion());
      const failed = this.extend(at + moved, to - from, last, last.fileOffset + (addr + from - last.start));
      if (failed !== 0) return failed;
    }
    this.move(addr, addr + moved, at - addr);
    table.merge(at, at + to);
    space.retire();
    space.hooks.onUnmap(addr, addr + from);
    const now = this.viewAt(at);
    if (now !== undefined) space.hooks.onMap({ ...now, start: at, end: at + to });
    return at;
  }

  /** Gives the private pages of [lo, hi) back; the next touch sees fresh ones. */
  discard(lo: number, hi: number): void {
    const { space } = this;
    const { table } = space;
    const r = emptyRegion();
    const owned: number[] = [];
    let cleared = 0;
    for (let k = table.find(lo); k < table.count && table.startOf(k) < hi; k++) {
      table.load(k, r);
      if (r.segment !== 0) continue;
      const a = Math.max(lo, r.start);
      const b = Math.min(hi, r.end);
      this.collectOwned(r, a, b, owned);
      cleared += space.map.clearRange(a, (b - a) / PAGE_SIZE);
    }
    space.addTouched(-cleared);
    if (cleared > 0) space.retire();
    for (let k = 0; k < owned.length; k += 2) space.frames.release(owned[k], owned[k + 1]);
    // Reservations keep their frames, but not what the host has behind them.
    for (let k = table.find(lo); k < table.count && table.startOf(k) < hi && cleared > 0; k++) {
      table.load(k, r);
      if (r.segment !== 0 || r.linHost === 0) continue;
      const a = Math.max(lo, r.start);
      space.frames.vacate(r.linHost + (a - r.start), (Math.min(hi, r.end) - a) / PAGE_SIZE);
    }
  }

  /** Writes pages of shared files that may have changed back, never past the end of the file. */
  writeBack(lo: number, hi: number): void {
    const { space } = this;
    const { table, segments, machine } = space;
    const r = emptyRegion();
    for (let k = table.find(lo); k < table.count && table.startOf(k) < hi; k++) {
      table.load(k, r);
      if (r.segment === 0 || (r.flags & RF_FILE) === 0) continue;
      const writer = space.hooks.fileWriter(r.fileId);
      if (writer === undefined) continue;
      for (let a = Math.max(lo, r.start); a < Math.min(hi, r.end); a += PAGE_SIZE) {
        const host = r.linHost + (a - r.start);
        if (!segments.isDirty(r.segment - 1, host)) continue;
        const offset = r.fileOffset + (a - r.start);
        const bytes = Math.min(PAGE_SIZE, writer.size - offset);
        if (bytes > 0) writer.write(offset, machine.u8.subarray(host, host + bytes));
      }
    }
  }

  /** Whether [lo, hi) is mapped without holes. */
  covered(lo: number, hi: number): boolean {
    const { table } = this.space;
    let at = lo;
    for (let k = table.find(lo); at < hi; k++) {
      if (k === table.count || table.startOf(k) > at || (table.flagsOf(k) & RF_RESERVE) !== 0) return false;
      at = table.endOf(k);
    }
    return true;
  }

  /** Pages of `r` that were promised. */
  accounted(r: Region): number {
    return (r.flags & RF_ACCOUNT) !== 0 ? (r.end - r.start) / PAGE_SIZE : 0;
  }

  heapRecord(start: number, end: number): Region {
    const nameId = this.space.names.intern('[heap]');
    return { ...emptyRegion(), start, end, prot: PROT_READ | PROT_WRITE, flags: RF_BRK | RF_ACCOUNT, nameId };
  }

  view(r: Region): RegionView {
    const { start, end, prot, maxProt, flags, fileId, fileOffset } = r;
    return { start, end, prot, maxProt, flags, fileId, fileOffset, name: this.space.names.text(r.nameId) };
  }

  viewAt(addr: number): RegionView | undefined {
    const { table } = this.space;
    const index = table.find(addr);
    if (index === table.count || table.startOf(index) > addr) return undefined;
    const a = emptyRegion();
    const b = emptyRegion();
    let lo = index;
    while (lo > 0 && continues(table.load(lo - 1, a), table.load(lo, b))) lo--;
    let hi = index + 1;
    while (hi < table.count && continues(table.load(hi - 1, a), table.load(hi, b))) hi++;
    return this.views(lo, hi)[0];
  }

  /** Records [from, to) as mappings. */
  views(from: number, to: number): RegionView[] {
    const { table } = this.space;
    const result: RegionView[] = [];
    let last: Region | undefined;
    for (let k = from; k < to; k++) {
      const r = table.load(k, emptyRegion());
      if ((r.flags & RF_RESERVE) !== 0) continue;
      if (last !== undefined && continues(last, r)) {
        last.end = r.end;
        result[result.length - 1].end = r.end;
      } else {
        result.push(this.view(r));
        last = r;
      }
    }
    return result;
  }

  private record(q: MapRequest, start: number, length: number): Region {
    let flags = q.file === undefined ? 0 : RF_FILE;
    if (q.shared) flags |= RF_SHARED;
    if (q.noreserve) flags |= RF_NORESERVE;
    if (q.stack) flags |= RF_STACK;
    if (q.growsDown) flags |= RF_GROWSDOWN;
    if (q.special) flags |= RF_SPECIAL;
    const r = emptyRegion();
    r.start = start;
    r.end = start + length;
    r.prot = q.prot;
    r.maxProt = q.maxProt ?? 7;
    r.flags = flags;
    r.fileId = q.file?.id ?? 0;
    r.fileOffset = q.file?.offset ?? 0;
    r.nameId = this.space.names.intern(q.name ?? '');
    if (this.needsAccount(r, q.prot)) r.flags |= RF_ACCOUNT;
    return r;
  }

  /** Whether giving `r` the protection `prot` promises its pages for the first time. */
  private needsAccount(r: Region, prot: number): boolean {
    if ((r.flags & RF_ACCOUNT) !== 0) return false;
    if ((r.flags & RF_SHARED) !== 0) return (r.flags & RF_FILE) === 0;
    return (prot & PROT_WRITE) !== 0 && (r.flags & (RF_NORESERVE | RF_STACK)) === 0;
  }

  /** Where a new mapping goes, or a negative error number. */
  private place(q: MapRequest, length: number): number {
    const addr = q.addr ?? 0;
    if (q.fixed || q.noReplace) {
      if (addr % PAGE_SIZE !== 0 || addr < 0) return -EINVAL;
      if (!(addr + length <= USER_TOP)) return -ENOMEM;
      if (addr < (q.lowest ?? USER_BOTTOM)) return -EPERM;
      return q.noReplace && !this.isFree(addr, addr + length) ? -EEXIST : addr;
    }
    const hint = addr > 0 ? pageDown(addr) : 0;
    if (hint >= USER_BOTTOM && hint + length <= USER_TOP && this.isFree(hint, hint + length)) return hint;
    return this.findGap(length, alignFor(length));
  }

  /** Highest free place below K_MMAP_TOP, else -ENOMEM. */
  private findGap(length: number, align: number): number {
    const { table } = this.space;
    let hi = this.space.word(K_MMAP_TOP) || MMAP_TOP;
    for (let k = table.find(hi); ; k--) {
      if (k < table.count) hi = Math.min(hi, table.startOf(k));
      const lo = k === 0 ? USER_BOTTOM : Math.max(USER_BOTTOM, table.endOf(k - 1));
      const at = hi - length - ((((hi - length) % align) + align) % align);
      if (at >= lo) return at;
      if (k === 0) return -ENOMEM;
    }
  }

  private isFree(lo: number, hi: number): boolean {
    const { table } = this.space;
    const index = table.find(lo);
    return hi <= USER_TOP && (index === table.count || table.startOf(index) >= hi);
  }

  /** Adds `length` bytes at `at` that continue `like`, or what ends there. 0 or a negative error number. */
  private extend(at: number, length: number, like?: Region, fileOffset?: number): number {
    const { space } = this;
    const { table } = space;
    if (!table.room(4)) return -ENOMEM;
    const r = like ?? table.load(table.find(at - 1), emptyRegion());
    const piece: Region = { ...r, start: at, end: at + length, linHost: 0, segment: 0, step: 0, next: 0 };
    if ((r.flags & RF_FILE) !== 0) piece.fileOffset = fileOffset ?? r.fileOffset + (r.end - r.start);
    let pieces: SegmentPiece[] | null = null;
    if ((r.flags & RF_SHARED) !== 0) {
      // Shared anonymous memory ends where its object ends.
      if ((r.flags & RF_FILE) === 0) return -EINVAL;
      pieces = space.segments.acquire(r.fileId, piece.fileOffset / PAGE_SIZE, length / PAGE_SIZE);
      if (pieces === null) return -ENOMEM;
    }
    if (!space.commit(this.accounted(piece))) {
      for (const p of pieces ?? []) space.segments.drop(p.segment, p.pages);
      return -ENOMEM;
    }
    this.insert(piece, pieces);
    return 0;
  }

  /** Moves records and pages of [lo, hi) by `delta` bytes, to where nothing is. */
  private move(lo: number, hi: number, delta: number): void {
    const { space } = this;
    const { table, map } = space;
    table.split(lo);
    table.split(hi);
    const from = table.find(lo);
    const moving: Region[] = [];
    let to = from;
    for (; to < table.count && table.startOf(to) < hi; to++) moving.push(table.load(to, emptyRegion()));
    table.remove(from, to);
    for (const r of moving) {
      table.insert({ ...r, start: r.start + delta, end: r.end + delta, next: 0 });
    }
    for (let a = lo; map.nextSpan(a, hi); ) {
      const { spanLo, spanHi, spanHost, spanFlags } = map;
      const pages = (spanHi - spanLo) / PAGE_SIZE;
      map.clearRange(spanLo, pages);
      map.setRange(spanLo + delta, pages, spanHost, spanFlags);
      a = spanHi;
    }
  }

  /** Sets frames aside for all of an untouched region that is made accessible in part: an arena that will grow. */
  private reserveArena(lo: number, hi: number): void {
    const { space } = this;
    const { table } = space;
    const index = table.find(lo);
    const r = table.load(index, emptyRegion());
    const pages = (r.end - r.start) / PAGE_SIZE;
    if (r.prot !== 0 || r.linHost !== 0 || (r.flags & (RF_FILE | RF_SHARED | RF_STACK)) !== 0) return;
    if (r.end - r.start > PIECE || (r.start >= lo && r.end <= hi) || !plenty(space, pages)) return;
    if (space.map.nextPresent(r.start, r.end) < r.end) return;
    r.linHost = reserveNear(space, r.start, r.end);
    table.store(index, r);
  }

  /** Appends (host, frames) pairs of pages of `r` in [lo, hi) that own their frames. */
  private collectOwned(r: Region, lo: number, hi: number, into: number[]): void {
    if (r.segment !== 0) return;
    const { map } = this.space;
    for (let a = lo; map.nextSpan(a, hi); a = map.spanHi) {
      if (r.linHost !== 0 && map.spanHost === r.linHost + (map.spanLo - r.start)) continue;
      into.push(map.spanHost, (map.spanHi - map.spanLo) / PAGE_SIZE);
    }
  }
}

/** Large mappings start where a large block of the page map can. */
function alignFor(length: number): number {
  if (length >= 0x200000) return 0x200000;
  return length >= 0x10000 ? 0x10000 : PAGE_SIZE;
}
