/**
 * Sets of locks, each with a number: what a thread held at an access fits into one word of the access's record.
 *
 * The area begins with SLOTS hash slots of one word (offset of a set in the area, 0 = free), behind them numbers: word n
 * is the offset of set n. A set: {word count, word hash, then per lock f64 address, word trace of first observation,
 * word id}. Written under G_LOCK_SYNC, never changed afterwards; the number is published last.
 */
import type { Machine } from '../../../kernel/core/machine.js';
import { O_SEEN, type Objects } from './objects.js';
import { A_SET_TOP, A_SETS, SETS, SETS_END } from './sync-area.js';

const SLOTS = 32768;
const NUMBERS = SETS + SLOTS * 4;
/** Numbers stay below 65536: the race detector keeps them where no program counter can be. */
const MAX_SETS = 65000;
const DATA = NUMBERS + 65536 * 4;

export interface SetLock {
  readonly addr: number;
  /** Stack trace of its first observation. */
  readonly seen: number;
  readonly id: number;
}

export class LockSets {
  private readonly i32: Int32Array;
  private readonly f64: Float64Array;
  /** Results of `with` and `without`. */
  private readonly steps = new Map<number, number>();

  constructor(
    machine: Machine,
    private readonly objects: Objects,
  ) {
    this.i32 = machine.i32;
    this.f64 = machine.f64;
  }

  /** The locks of a set; none for 0. */
  locksOf(number: number): SetLock[] {
    if (number === 0) return [];
    const at = Atomics.load(this.i32, (NUMBERS >> 2) + number);
    if (at === 0) return [];
    return Array.from({ length: this.i32[at >> 2]! }, (_, i) => {
      const l = at + 8 + i * 16;
      return { addr: this.f64[l >> 3]!, seen: this.i32[(l + 8) >> 2]!, id: this.i32[(l + 12) >> 2]! };
    });
  }

  /** Number of the set with a lock more; 0 when there are too many sets. */
  with(set: number, lock: number): number {
    return this.step(set, this.objects.id(lock), () => [
      ...this.locksOf(set),
      { addr: this.objects.addr(lock), seen: this.objects.get(lock, O_SEEN), id: this.objects.id(lock) },
    ]);
  }

  /** Number of the set with a lock less. */
  without(set: number, id: number): number {
    return this.step(set, -id, () => this.locksOf(set).filter((l) => l.id !== id));
  }

  private step(set: number, id: number, locks: () => SetLock[]): number {
    const key = id * 65536 + set;
    const known = this.steps.get(key);
    if (known !== undefined) return known;
    const unique = new Map(locks().map((l) => [l.id, l]));
    const number = this.intern([...unique.values()].sort((a, b) => a.id - b.id));
    if (this.steps.size > 20000) this.steps.clear();
    this.steps.set(key, number);
    return number;
  }

  private intern(locks: readonly SetLock[]): number {
    if (locks.length === 0) return 0;
    const { i32, f64 } = this;
    const hash = locks.reduce((h, l) => Math.imul(h ^ l.id, 0x01000193), 0x811c9dc5);
    return this.objects.locked(() => {
      let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
      for (let tries = 0; tries < SLOTS; tries++, slot = (slot + 1) & (SLOTS - 1)) {
        const number = i32[(SETS >> 2) + slot]!;
        if (number === 0) break;
        const found = this.locksOf(number);
        if (found.length === locks.length && found.every((l, i) => l.id === locks[i]!.id)) return number;
      }
      const number = i32[A_SETS >> 2]! + 1;
      const at = i32[A_SET_TOP >> 2]! || DATA;
      const end = at + 8 + locks.length * 16;
      if (number > MAX_SETS || number > SLOTS - 8 || end > SETS_END) return 0;
      i32[A_SETS >> 2] = number;
      i32[A_SET_TOP >> 2] = end;
      i32[at >> 2] = locks.length;
      i32[(at + 4) >> 2] = hash;
      locks.forEach((l, i) => {
        const to = at + 8 + i * 16;
        f64[to >> 3] = l.addr;
        i32[(to + 8) >> 2] = l.seen;
        i32[(to + 12) >> 2] = l.id;
      });
      Atomics.store(i32, (NUMBERS >> 2) + number, at);
      Atomics.store(i32, (SETS >> 2) + slot, number);
      return number;
    });
  }
}
