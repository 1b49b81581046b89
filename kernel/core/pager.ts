/**
 * The pager: gives frames to pages on first touch, breaks copy-on-write, grows stacks.
 *
 * Every function with `Locked` in its name, and everything private, runs under the region lock.
 */

import { ACCESS_WRITE, PAGE_SIZE, PTE_COW, PTE_W } from './layout.js';
import { entryHost, LEAF_SPAN } from './pagemap.js';
import { emptyRegion, type Region, RF_FILE, RF_GROWSDOWN, RF_RESERVE, RF_SHARED } from './regions.js';
import { reclaim, reserveFor } from './reservations.js';
import { PROT_READ, PROT_WRITE, pageDown, pageUp, type Space } from './space.js';

export const SIGBUS = 7;
export const SIGSEGV = 11;
export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
export const BUS_ADRERR = 2;

/** A fault that the pager cannot resolve, in the terms of siginfo_t. */
export interface BadFault {
  signo: number;
  code: number;
  addr: number;
}

const STEP_MIN = 16;
const STEP_MAX = 256;
/** Most a growing stack may span, and the gap it keeps to what lies below. */
const STACK_LIMIT = 8 << 20;
const STACK_GAP = 256 * PAGE_SIZE;

export class Pager {
  private readonly space: Space;
  private readonly region: Region = emptyRegion();

  constructor(space: Space) {
    this.space = space;
  }

  /**
   * Resolves a fault of a guest access at `addr`. 0: look the page up again. Otherwise the signal it deserves.
   * `access` is one ACCESS_* bit, or those of reading and writing for an access that does both.
   */
  fault(addr: number, access: number): 0 | BadFault {
    this.space.lock();
    try {
      return this.faultLocked(addr, access);
    } finally {
      this.space.unlock();
    }
  }

  /** `fault` for callers that hold the region lock. */
  faultLocked(addr: number, access: number): 0 | BadFault {
    const { table, map } = this.space;
    const page = pageDown(addr);
    const index = table.find(page);
    if (index === table.count) return bad(SIGSEGV, SEGV_MAPERR, addr);
    const r = table.load(index, this.region);
    if (r.start > page) {
      if ((r.flags & RF_GROWSDOWN) === 0 || !this.growStack(r, page)) return bad(SIGSEGV, SEGV_MAPERR, addr);
      return this.faultLocked(addr, access);
    }
    if ((r.flags & RF_RESERVE) !== 0) return bad(SIGSEGV, SEGV_MAPERR, addr);
    // ACCESS_* and PROT_* share their numbering.
    if ((pteFlags(r.prot) & access) !== access) return bad(SIGSEGV, SEGV_ACCERR, addr);
    const entry = map.lookup(page);
    const write = (access & ACCESS_WRITE) !== 0;
    if (entry === 0) return this.populate(r, page, write) ? 0 : bad(SIGBUS, BUS_ADRERR, addr);
    if ((entry & access) === access) return 0;
    if (write && (entry & PTE_COW) !== 0) {
      return this.breakCow(r, page, entry) ? 0 : bad(SIGBUS, BUS_ADRERR, addr);
    }
    if (write && r.segment !== 0) this.dirty(r, page);
    else applyProt(this.space, r, page, page + PAGE_SIZE);
    return 0;
  }

  /** Populates all of [lo, hi) as far as that is possible (MAP_POPULATE, MADV_WILLNEED). */
  populateLocked(lo: number, hi: number): void {
    const { table, map } = this.space;
    for (let a = map.nextAbsent(lo, hi); a < hi; a = map.nextAbsent(a, hi)) {
      const index = table.find(a);
      if (index === table.count) return;
      const r = table.load(index, this.region);
      if (r.start > a) a = Math.min(hi, r.start);
      else if ((r.flags & RF_RESERVE) !== 0) a = Math.min(hi, r.end);
      else if (!this.populate(r, a, false)) return;
    }
  }

  /** Gives frames to the pages around `page` that have none. */
  private populate(r: Region, page: number, write: boolean): boolean {
    const { table, map } = this.space;
    if (!map.ensure(page, 1)) {
      reclaim(this.space);
      table.load(table.find(page), r);
      if (!map.ensure(page, 1)) return false;
    }
    if (r.linHost === 0 && !reserveFor(this.space, r, page)) return this.populateSingle(r, page);
    let step = STEP_MIN;
    if (page === r.next) step = Math.min(STEP_MAX, r.step * 2);
    const piece = STEP_MIN * PAGE_SIZE;
    let lo = Math.max(r.start, page - (page % piece));
    let hi = Math.min(r.end, page - (page % piece) + step * PAGE_SIZE);
    if (this.space.managed.any) [lo, hi] = this.space.managed.clip(page, lo, hi);
    // A leaf table for what lies behind is not worth failing for.
    hi = Math.min(hi, page - (page % LEAF_SPAN) + LEAF_SPAN);
    if ((r.flags & RF_FILE) !== 0) {
      hi = Math.min(hi, this.fileEnd(r));
      if (page >= hi) return false;
    }
    for (let a = map.nextAbsent(lo, hi); a < hi; ) {
      const end = this.soleUntil(r, a, map.nextPresent(a, hi));
      if (end === a) {
        // A fork still uses this frame of the reservation.
        if (!this.populateSingle(r, a)) return map.lookup(page) !== 0;
        table.load(table.find(page), r);
        if (r.linHost === 0) return map.lookup(page) !== 0 || this.populate(r, page, write);
        a += PAGE_SIZE;
      } else {
        this.supply(r, a, end, write);
        a = end;
      }
      a = map.nextAbsent(a, hi);
    }
    r.step = step;
    r.next = hi;
    table.store(table.find(page), r);
    return true;
  }

  /** End of the part of [lo, hi) whose frames in the reservation nobody else uses. */
  private soleUntil(r: Region, lo: number, hi: number): number {
    const { frames } = this.space;
    if (r.segment !== 0 || !frames.anyShared) return hi;
    for (let a = lo; a < hi; a += PAGE_SIZE) if (!frames.isSole(r.linHost + (a - r.start))) return a;
    return hi;
  }

  /** Fills [lo, hi), all absent and within the reservation of `r`. */
  private supply(r: Region, lo: number, hi: number, write: boolean): void {
    const { space } = this;
    const host = r.linHost + (lo - r.start);
    const pages = (hi - lo) / PAGE_SIZE;
    let flags = pteFlags(r.prot);
    if (r.segment !== 0) {
      const file = (r.flags & RF_FILE) !== 0;
      space.segments.load(
        r.segment - 1,
        host,
        pages,
        file ? (h) => this.read(r, lo + (h - host), h, PAGE_SIZE) : null,
      );
      if (file && write) space.segments.markDirty(r.segment - 1, host, pages);
      else if (file) flags &= ~PTE_W;
    } else {
      space.frames.prepare(host, pages);
      if ((r.flags & RF_FILE) !== 0) this.read(r, lo, host, hi - lo);
    }
    space.map.setRange(lo, pages, host, flags);
    space.addTouched(pages);
  }

  /** When no reservation is to be had: one frame that belongs to the page alone. */
  private populateSingle(r: Region, page: number): boolean {
    const { space } = this;
    if ((r.flags & RF_FILE) !== 0 && page >= this.fileEnd(r)) return false;
    const host = this.oneFrame();
    if (host === 0) return false;
    space.frames.prepare(host, 1);
    if ((r.flags & RF_FILE) !== 0) this.read(r, page, host, PAGE_SIZE);
    space.map.setRange(page, 1, host, pteFlags(r.prot));
    space.addTouched(1);
    return true;
  }

  private oneFrame(): number {
    const { space } = this;
    const host = space.frames.reserve(1);
    if (host !== 0) return host;
    reclaim(space);
    return space.frames.reserve(1);
  }

  private breakCow(r: Region, page: number, entry: number): boolean {
    const { space } = this;
    const { frames, map } = space;
    const flags = pteFlags(r.prot);
    const old = entryHost(entry);
    if (frames.isSole(old)) {
      map.setFlags(page, 1, flags);
      return true;
    }
    // The reservation's own frame may be the shared one, or another's; a free one of the reservation keeps
    // the window whole.
    let own = r.linHost === 0 ? 0 : r.linHost + (page - r.start);
    const linear = own !== 0 && own !== old && frames.isSole(own);
    const host = linear ? own : this.oneFrame();
    if (host === 0) return false;
    // Scarcity may just have dissolved the reservation.
    if (space.table.load(space.table.find(page), r).linHost === 0) own = 0;
    frames.prepare(host, 1);
    space.machine.copy(host, old, PAGE_SIZE);
    const scale = space.machine.shadowScale;
    if (scale > 0) {
      space.machine.copy(space.machine.shadowOf(host), space.machine.shadowOf(old), PAGE_SIZE * scale);
    }
    map.setRange(page, 1, host, flags);
    space.retire();
    // The reservation keeps its own frame; only an entry that owned its frame gives it up.
    if (old !== own) frames.release(old, 1);
    return true;
  }

  /** First write to a page of a shared file: the 64 KiB around it count as changed from now on. */
  private dirty(r: Region, page: number): void {
    const { map, segments } = this.space;
    const piece = STEP_MIN * PAGE_SIZE;
    const lo = Math.max(r.start, page - (page % piece));
    const hi = Math.min(r.end, page - (page % piece) + piece);
    for (let a = lo; map.nextSpan(a, hi); a = map.spanHi) {
      const pages = (map.spanHi - map.spanLo) / PAGE_SIZE;
      segments.markDirty(r.segment - 1, map.spanHost, pages);
    }
    map.setFlags(lo, (hi - lo) / PAGE_SIZE, pteFlags(r.prot));
  }

  private growStack(r: Region, page: number): boolean {
    const { table } = this.space;
    let top = r.end;
    for (let k = table.find(top); k < table.count && table.startOf(k) === top; k++) {
      if ((table.flagsOf(k) & RF_GROWSDOWN) === 0) break;
      top = table.endOf(k);
    }
    if (page < top - STACK_LIMIT || !table.room(1)) return false;
    const below = table.find(page) - 1;
    if (below >= 0 && page - table.endOf(below) < STACK_GAP) return false;
    const piece: Region = { ...r, start: page, end: r.start, linHost: 0, segment: 0, step: 0, next: 0 };
    table.insert(piece);
    table.merge(page, r.start);
    return true;
  }

  /** Guest address behind the last page of `r` that holds bytes of its file. */
  private fileEnd(r: Region): number {
    const size = this.space.reader(r.fileId)?.size ?? 0;
    return r.start + pageUp(size) - r.fileOffset;
  }

  /** Reads file bytes for guest address `addr` of `r` into prepared frames; past the end they stay zero. */
  private read(r: Region, addr: number, host: number, length: number): void {
    const reader = this.space.reader(r.fileId);
    if (reader === undefined) return;
    const offset = r.fileOffset + (addr - r.start);
    const bytes = Math.min(length, reader.size - offset);
    if (bytes > 0) reader.read(offset, this.space.machine.u8.subarray(host, host + bytes));
  }
}

/** Page map flags of a protection: as in RISC-V page tables there is no write without read. */
export function pteFlags(prot: number): number {
  return (prot & PROT_WRITE) !== 0 ? prot | PROT_READ : prot;
}

/** Flags a shared file page has until it is written. */
function cleanFlags(r: Region): number {
  const clean = (r.flags & RF_FILE) !== 0 && (r.flags & RF_SHARED) !== 0;
  return clean ? pteFlags(r.prot) & ~PTE_W : pteFlags(r.prot);
}

function bad(signo: number, code: number, addr: number): BadFault {
  return { signo, code, addr };
}

/** Flags of a page that must be copied before it is written. */
export function cowFlags(flags: number): number {
  return (flags & ~PTE_W) | PTE_COW;
}

/** Gives the present pages of [lo, hi) in `r` the flags of its protection; copy-on-write pages stay read-only. */
export function applyProt(space: Space, r: Region, lo: number, hi: number): void {
  space.map.setFlags(lo, (hi - lo) / PAGE_SIZE, cleanFlags(r), PTE_COW, PTE_COW, PTE_W);
}
