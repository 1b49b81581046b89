/**
 * Blocks of the guest's heap, for all tools that describe addresses by them: a table in shared memory, filled by
 * hooks around the allocation functions (`allocationWraps`), which leave the guest's own allocator at work.
 *
 * | from base | what                                                                                                |
 * | --------- | --------------------------------------------------------------------------------------------------- |
 * | 0         | [0] blocks that found no place, [1] frees so far (atomic)                                           |
 * | 64        | live blocks: open addressing by address, at most PROBES places from home, of ENTRY bytes each        |
 * | FREED     | ring of the blocks freed last, of FREED_ENTRY bytes each                                            |
 *
 * An entry is {address f64, size f64, state i32, trace, thread number, pad}; one of the ring has {trace, thread} of
 * its release instead of state and pad, and a sequence number. State words are atomic: whoever sets one to BUSY owns
 * the entry until it says something else. No lock: an address is live in one block at a time, and the allocator
 * orders the release of a block before the next use of its address. Readers (descriptions) may see a block change
 * under them; they look again at the state afterwards.
 */
import type { Machine } from '../../kernel/core/machine.js';

const EMPTY = 0;
const BUSY = 1;
const LIVE = 2;
const GONE = 3;

const HEAD = 64;
const ENTRY = 32;
const FREED_ENTRY = 48;
const FREED_KEPT = 4096;
const PROBES = 128;

/** A block of the heap; traces are the tool's numbers of stack traces. */
export interface HeapBlock {
  addr: number;
  size: number;
  /** Where and by which thread (its number) it was allocated. */
  trace: number;
  thread: number;
  /** Where and by whom it was freed; null while it lives. */
  freed: { trace: number; thread: number } | null;
}

export class HeapBlocks {
  private readonly i32: Int32Array;
  private readonly f64: Float64Array;
  private readonly places: number;
  private readonly ring: number;

  /** @param base first byte of the table, a multiple of 64; zero at first. @param bytes its length */
  constructor(
    machine: Machine,
    private readonly base: number,
    bytes: number,
  ) {
    this.i32 = machine.i32;
    this.f64 = machine.f64;
    this.places = Math.floor((bytes - HEAD - FREED_KEPT * FREED_ENTRY) / ENTRY);
    this.ring = base + HEAD + this.places * ENTRY;
  }

  /** Blocks that were not recorded for want of room. */
  get lost(): number {
    return Atomics.load(this.i32, this.base >> 2);
  }

  /** The block begins to live; one already known at this address is replaced. */
  allocated(addr: number, size: number, trace: number, thread: number): void {
    const known = this.find(addr);
    const at = known >= 0 && this.claim(known, LIVE) ? known : this.place(addr);
    if (at < 0) {
      Atomics.add(this.i32, this.base >> 2, 1);
      return;
    }
    this.f64[at >> 3] = addr;
    this.f64[(at + 8) >> 3] = size;
    this.i32[(at + 20) >> 2] = trace;
    this.i32[(at + 24) >> 2] = thread;
    Atomics.store(this.i32, (at + 16) >> 2, LIVE);
  }

  /** The block dies; gives what it was, or null when none is known there. */
  freed(addr: number, trace: number, thread: number): HeapBlock | null {
    const at = this.find(addr);
    if (at < 0 || !this.claim(at, LIVE)) return null;
    const block = { ...this.read(at), freed: { trace, thread } };
    Atomics.store(this.i32, (at + 16) >> 2, GONE);
    const n = Atomics.add(this.i32, (this.base + 4) >> 2, 1);
    const r = this.ring + (n % FREED_KEPT) * FREED_ENTRY;
    this.f64[r >> 3] = block.addr;
    this.f64[(r + 8) >> 3] = block.size;
    this.i32.set([block.trace, block.thread, trace, thread], (r + 16) >> 2);
    Atomics.store(this.i32, (r + 32) >> 2, n + 1);
    return block;
  }

  /** The live block that starts at an address, null when there is none. */
  at(addr: number): HeapBlock | null {
    const at = this.find(addr);
    return at < 0 ? null : this.read(at);
  }

  /**
   * The block that an address lies in or within `near` bytes of: a live one, else the one freed last. Looks at every
   * entry, so for reports only.
   */
  around(addr: number, near: number): HeapBlock | null {
    let best: HeapBlock | null = null;
    let distance = near + 1;
    for (let i = 0, at = this.base + HEAD; i < this.places; i++, at += ENTRY) {
      const start = this.f64[at >> 3];
      if (start === 0 || addr < start - near || addr >= start + this.f64[(at + 8) >> 3] + near) continue;
      if (Atomics.load(this.i32, (at + 16) >> 2) !== LIVE) continue;
      const block = this.read(at);
      const d = apart(addr, block);
      if (d >= distance || Atomics.load(this.i32, (at + 16) >> 2) !== LIVE) continue;
      distance = d;
      best = block;
    }
    if (distance === 0) return best;
    return this.freedAround(addr) ?? best;
  }

  private freedAround(addr: number): HeapBlock | null {
    const n = Atomics.load(this.i32, (this.base + 4) >> 2);
    for (let k = n - 1; k >= Math.max(0, n - FREED_KEPT); k--) {
      const r = this.ring + (k % FREED_KEPT) * FREED_ENTRY;
      if (Atomics.load(this.i32, (r + 32) >> 2) !== k + 1) continue;
      const start = this.f64[r >> 3];
      const size = this.f64[(r + 8) >> 3];
      if (addr < start || addr >= start + Math.max(size, 1)) continue;
      const [trace, thread, freeTrace, freer] = this.i32.subarray((r + 16) >> 2, (r + 32) >> 2);
      return { addr: start, size, trace, thread, freed: { trace: freeTrace, thread: freer } };
    }
    return null;
  }

  private read(at: number): HeapBlock {
    const { i32, f64 } = this;
    return {
      addr: f64[at >> 3],
      size: f64[(at + 8) >> 3],
      trace: i32[(at + 20) >> 2],
      thread: i32[(at + 24) >> 2],
      freed: null,
    };
  }

  private claim(at: number, from: number): boolean {
    return Atomics.compareExchange(this.i32, (at + 16) >> 2, from, BUSY) === from;
  }

  private home(addr: number): number {
    return Math.floor((Math.imul(Math.floor(addr / 16), 0x9e3779b1) >>> 0) % this.places);
  }

  private find(addr: number): number {
    let i = this.home(addr);
    for (let n = 0; n < PROBES; n++) {
      const at = this.base + HEAD + i * ENTRY;
      const state = Atomics.load(this.i32, (at + 16) >> 2);
      if (state === EMPTY) return -1;
      if (state === LIVE && this.f64[at >> 3] === addr) return at;
      i = i + 1 === this.places ? 0 : i + 1;
    }
    return -1;
  }

  /** Claims a free entry near the address's home; -1 when there is none. */
  private place(addr: number): number {
    let i = this.home(addr);
    for (let n = 0; n < PROBES; n++) {
      const at = this.base + HEAD + i * ENTRY;
      const state = Atomics.load(this.i32, (at + 16) >> 2);
      if ((state === EMPTY || state === GONE) && this.claim(at, state)) return at;
      i = i + 1 === this.places ? 0 : i + 1;
    }
    return -1;
  }
}

/** Bytes between an address and a block, 0 inside. */
function apart(addr: number, b: HeapBlock): number {
  if (addr < b.addr) return b.addr - addr;
  return addr < b.addr + b.size ? 0 : addr - (b.addr + b.size) + 1;
}

/** The sentence that places an address by a block, without the address (valgrind-facts 2.6). */
export function blockPhrase(addr: number, b: HeapBlock): string {
  const number = (n: number): string => n.toLocaleString('en-US');
  const size = number(b.size);
  const state = b.freed ? "free'd" : "alloc'd";
  if (addr < b.addr) return `${number(b.addr - addr)} bytes before a block of size ${size} ${state}`;
  const inside = addr - b.addr;
  if (inside < b.size) return `${number(inside)} bytes inside a block of size ${size} ${state}`;
  return `${number(inside - b.size)} bytes after a block of size ${size} ${state}`;
}
