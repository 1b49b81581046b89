/**
 * 64-bit words of shared memory as numbers. A word whose value lies beyond 2^53 comes out rounded; who must keep
 * all bits copies words instead.
 */
import type { Machine } from '../core/machine.js';

const TWO_32 = 4294967296;

export class Words {
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;

  constructor(machine: Machine) {
    this.#i32 = machine.i32;
    this.#u32 = machine.u32;
  }

  /** As a signed number. `at` is a host address, a multiple of 4. */
  get(at: number): number {
    return this.#i32[(at + 4) >>> 2]! * TWO_32 + this.#u32[at >>> 2]!;
  }

  /** As an unsigned number. */
  unsigned(at: number): number {
    return this.#u32[(at + 4) >>> 2]! * TWO_32 + this.#u32[at >>> 2]!;
  }

  low(at: number): number {
    return this.#i32[at >>> 2]!;
  }

  high(at: number): number {
    return this.#i32[(at + 4) >>> 2]!;
  }

  /** Stores an integer in two's complement. */
  set(at: number, value: number): void {
    this.#i32[at >>> 2] = value | 0;
    this.#i32[(at + 4) >>> 2] = Math.floor(value / TWO_32) | 0;
  }

  /** Stores a word given by its halves. */
  pair(at: number, low: number, high: number): void {
    this.#i32[at >>> 2] = low;
    this.#i32[(at + 4) >>> 2] = high;
  }

  /** Copies `n` words that do not overlap. */
  copy(to: number, from: number, n: number): void {
    const i32 = this.#i32;
    const a = to >>> 2;
    const b = from >>> 2;
    for (let k = 0; k < n * 2; k++) i32[a + k] = i32[b + k]!;
  }
}

/** A message tag from its parts; the label is signed, 48 bits. */
export function tagOf(label: number, words: number, items = 0, flags = 0): number {
  return label * 65536 + ((words & 63) | ((items & 63) << 6) | flags);
}
