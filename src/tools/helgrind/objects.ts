/**
 * Synchronisation objects by guest address: locks, condition variables, semaphores, barriers. One address may be one
 * of each class. An object lives from its first use or its initialisation until it is destroyed or its memory is.
 *
 * | offset | word      | written by                                                                             |
 * | ------ | --------- | -------------------------------------------------------------------------------------- |
 * | 0      | O_ADDR    | f64, guest address; with O_KIND and O_ID under G_LOCK_SYNC                             |
 * | 8      | O_KIND    | class and kind                                                                         |
 * | 12     | O_ID      | identity: never used again for another object; 0 while the record is free              |
 * | 16     | O_NEXT    | next in the hash chain or free list; G_LOCK_SYNC                                       |
 * | 20     | O_SEEN    | stack trace of initialisation or first use                                             |
 * | 24     | O_OWNER   | locks: number of the thread that holds it for writing; that thread (guest's lock held) |
 * | 28     | O_COUNT   | locks: how often it does; the same                                                     |
 * | 32     | O_READERS | reader-writer locks: holds for reading; atomic                                         |
 * | 36     | O_TAKEN   | locks: stack trace of the acquisition, for the lock order                              |
 * | 40     | O_OUT     | locks: first edge to a later lock, and O_IN from an earlier one; G_LOCK_SYNC           |
 * | 48     | O_MARK    | locks: search that has been here, and O_FROM where it came from; G_LOCK_SYNC           |
 * | 56     | O_A..O_D  | per class, see locks.ts, undestroyed.ts, conditions.ts, semaphores.ts, barriers.ts                                     |
 */

import type { Machine } from '../../../kernel/core/machine.js';
import * as area from './sync-area.js';
import { OBJECT_COUNT, OBJECT_SIZE, OBJECTS, SyncLock } from './sync-area.js';

export const O_KIND = 8;
export const O_ID = 12;
export const O_NEXT = 16;
export const O_SEEN = 20;
export const O_OWNER = 24;
export const O_COUNT = 28;
export const O_READERS = 32;
export const O_TAKEN = 36;
export const O_OUT = 40;
export const O_IN = 44;
export const O_MARK = 48;
export const O_FROM = 52;
export const O_A = 56;
export const O_B = 60;
export const O_C = 64;
export const O_D = 68;

export type Kind = 'mutex' | 'rwlock' | 'spinlock' | 'cond' | 'semaphore' | 'barrier';
/** The class is the number without its low bits: all locks are one class. */
const KINDS: readonly (Kind | null)[] = [
  null,
  'mutex',
  'rwlock',
  'spinlock',
  'cond',
  null,
  null,
  null,
  'semaphore',
  null,
  null,
  null,
  'barrier',
];
const NUMBER = new Map(KINDS.flatMap((k, i) => (k === null ? [] : [[k, i] as const])));

/** What kills an object's edges when it dies; the lock order. */
export type OnDeath = (object: number) => void;

export class Objects {
  private readonly i32: Int32Array;
  private readonly f64: Float64Array;
  private readonly lock: SyncLock;
  /** Where objects were found last, by address and class; good while address, class and id still agree. */
  private readonly known = new Map<number, number>();
  /** Called under G_LOCK_SYNC before an object goes. */
  onDeath: OnDeath = () => undefined;

  constructor(private readonly machine: Machine) {
    this.i32 = machine.i32;
    this.f64 = machine.f64;
    this.lock = new SyncLock(machine);
  }

  get(object: number, word: number): number {
    return Atomics.load(this.i32, (object + word) >> 2);
  }

  set(object: number, word: number, value: number): void {
    Atomics.store(this.i32, (object + word) >> 2, value);
  }

  add(object: number, word: number, n: number): number {
    return Atomics.add(this.i32, (object + word) >> 2, n) + n;
  }

  addr(object: number): number {
    return this.f64[object >> 3]!;
  }

  kind(object: number): Kind {
    return KINDS[this.get(object, O_KIND)]!;
  }

  id(object: number): number {
    return this.get(object, O_ID);
  }

  /** Number of the record, from 1: small, and used again when the object is gone. */
  number(object: number): number {
    return (object - OBJECTS) / OBJECT_SIZE + 1;
  }

  /** The object of this class at addr, 0 when there is none. */
  find(addr: number, kind: Kind): number {
    const cls = NUMBER.get(kind)! & ~3;
    const key = addr * 16 + cls;
    const at = this.known.get(key);
    if (at !== undefined) {
      if (this.f64[at >> 3] === addr && this.get(at, O_ID) !== 0 && (this.get(at, O_KIND) & ~3) === cls)
        return at;
      this.known.delete(key);
    }
    for (let n = Atomics.load(this.i32, chainOf(addr, cls)); n !== 0; ) {
      const o = OBJECTS + (n - 1) * OBJECT_SIZE;
      if (this.f64[o >> 3] === addr && (this.get(o, O_KIND) & ~3) === cls && this.get(o, O_ID) !== 0) {
        if (this.known.size > 50000) this.known.clear();
        this.known.set(key, o);
        return o;
      }
      n = this.get(o, O_NEXT);
    }
    return 0;
  }

  /** The object, made on first use; 0 when there are too many. */
  lookup(addr: number, kind: Kind, trace: () => number): number {
    return this.find(addr, kind) || this.make(addr, kind, trace());
  }

  /** A new object: whatever was of its class at addr before is gone. 0 when there are too many. */
  fresh(addr: number, kind: Kind, trace: number): number {
    const old = this.find(addr, kind);
    if (old !== 0) this.drop(old);
    return this.make(addr, kind, trace);
  }

  private make(addr: number, kind: Kind, trace: number): number {
    const { i32 } = this;
    return this.lock.with(() => {
      const there = this.find(addr, kind);
      if (there !== 0) return there;
      let n = i32[area.A_FREE_OBJECT >> 2]!;
      if (n !== 0) i32[area.A_FREE_OBJECT >> 2] = i32[(OBJECTS + (n - 1) * OBJECT_SIZE + O_NEXT) >> 2]!;
      else if (i32[area.A_OBJECTS >> 2]! < OBJECT_COUNT) n = ++i32[area.A_OBJECTS >> 2]!;
      else {
        i32[area.A_FULL >> 2] = 1;
        return 0;
      }
      const o = OBJECTS + (n - 1) * OBJECT_SIZE;
      i32.fill(0, o >> 2, (o + OBJECT_SIZE) >> 2);
      this.f64[o >> 3] = addr;
      const number = NUMBER.get(kind)!;
      i32[(o + O_KIND) >> 2] = number;
      i32[(o + O_SEEN) >> 2] = trace;
      const chain = chainOf(addr, number & ~3);
      i32[(o + O_NEXT) >> 2] = i32[chain]!;
      this.set(o, O_ID, ++i32[area.A_NEXT_ID >> 2]!);
      Atomics.store(i32, chain, n);
      Atomics.add(i32, pageOf(addr), 1);
      return o;
    });
  }

  /** The object is gone: destroyed, or its memory was given back. */
  drop(object: number): void {
    const { i32 } = this;
    this.lock.with(() => {
      if (this.get(object, O_ID) === 0) return;
      this.onDeath(object);
      const addr = this.addr(object);
      const n = this.number(object);
      this.set(object, O_ID, 0);
      let at = chainOf(addr, this.get(object, O_KIND) & ~3);
      while (i32[at] !== n) at = (OBJECTS + (i32[at]! - 1) * OBJECT_SIZE + O_NEXT) >> 2;
      Atomics.store(i32, at, i32[(object + O_NEXT) >> 2]!);
      i32[(object + O_NEXT) >> 2] = i32[area.A_FREE_OBJECT >> 2]!;
      i32[area.A_FREE_OBJECT >> 2] = n;
      Atomics.sub(i32, pageOf(addr), 1);
    });
  }

  /** Objects in [lo, hi). Costs next to nothing where there are none, which is the rule. */
  within(lo: number, hi: number): number[] {
    if (hi - lo < PAGE * 64) {
      let any = false;
      for (let p = lo - (lo % PAGE); p < hi && !any; p += PAGE) any = Atomics.load(this.i32, pageOf(p)) !== 0;
      if (!any) return [];
    }
    const out: number[] = [];
    const count = Atomics.load(this.i32, area.A_OBJECTS >> 2);
    for (let n = 0; n < count; n++) {
      const o = OBJECTS + n * OBJECT_SIZE;
      const a = this.f64[o >> 3]!;
      if (a >= lo && a < hi && this.get(o, O_ID) !== 0) out.push(o);
    }
    return out;
  }

  /** Runs fn with the lock of the tables. */
  locked<R>(fn: () => R): R {
    return this.lock.with(fn);
  }

  /** True once, for whoever asks first after the table was full. */
  becameFull(): boolean {
    return Atomics.compareExchange(this.machine.i32, area.A_FULL >> 2, 1, 2) === 1;
  }
}

const PAGE = 4096;

/** Word index of the chain for an address and class. */
function chainOf(addr: number, cls: number): number {
  const h =
    Math.imul((addr / 4) | 0, 0x9e3779b1) ^ Math.imul(Math.floor(addr / 4294967296) * 16 + cls, 0x85ebca6b);
  return (area.CHAINS >> 2) + ((h ^ (h >>> 15)) & (area.CHAIN_COUNT - 1));
}

function pageOf(addr: number): number {
  const h = Math.imul(Math.floor(addr / PAGE) | 0, 0x9e3779b1);
  return (area.PAGES >> 2) + ((h >>> 16) & (area.PAGE_COUNT - 1));
}
