/**
 * Stripes: a fixed number of small locks that stand for any number of addresses, by hash.
 *
 * Layout: `count` lock words (futexword.ts), `stride` words apart; owner and protection: any, atomic. A stride of 16
 * gives each a cache line of its own. Two addresses may share a stripe, so who needs two takes them with lockPair.
 * Memory order: sequentially consistent; the data behind a stripe may be plain.
 * Place in the lock order: rank `stripe` unless told otherwise; several are taken in ascending order.
 */
import { checkOwner, type LockResult, lockWord, recoverWord, unlockWord, wordOwner } from './futexword.js';
import { lockOrder, type RankName } from './order.js';
import type { WaitOptions } from './wait.js';

export class Stripes {
  readonly #mem: Int32Array;
  readonly #index: number;
  readonly #count: number;
  readonly #lineShift: number;
  readonly #stride: number;
  readonly #rank: RankName;
  readonly #hashShift: number;

  /** 32-bit words that `count` stripes occupy; all of them start as 0. */
  static words(count: number, stride = 1): number {
    return count * stride;
  }

  /**
   * `count`: a power of two, at least 2. `lineShift`: addresses that agree above that many low bits share a stripe.
   * Throws RangeError on a count that is none.
   */
  constructor(
    mem: Int32Array,
    index: number,
    count: number,
    { lineShift = 6, stride = 1, rank = 'stripe' as RankName } = {},
  ) {
    if (count < 2 || (count & (count - 1)) !== 0)
      throw new RangeError(`${count} stripes: not a power of two`);
    this.#mem = mem;
    this.#index = index;
    this.#count = count;
    this.#lineShift = lineShift;
    this.#stride = stride;
    this.#rank = rank;
    this.#hashShift = 32 - Math.log2(count);
  }

  /** The stripe, 0 .. count - 1, of a 32-bit address. Multiplicative hashing: the high bits of the product are mixed best. */
  of(address: number): number {
    return Math.imul(address >>> this.#lineShift, 0x9e37_79b1) >>> this.#hashShift;
  }

  /** Takes stripe number `stripe` (of()). Throws as Mutex.lock does. */
  lock(stripe: number, self: number, wait?: WaitOptions): LockResult {
    checkOwner(self);
    const word = this.#word(stripe);
    if (wordOwner(this.#mem, word) === self) throw new Error(`stripe ${stripe}: ${self} holds it already`);
    lockOrder.taking(this.#rank, word);
    const result = lockWord(this.#mem, word, self, wait);
    if (result !== 'interrupted') lockOrder.took(this.#rank, word);
    return result;
  }

  /** Takes two stripes, which may be the same one, without a risk of deadlock. Interrupted, it holds neither. */
  lockPair(a: number, b: number, self: number, wait?: WaitOptions): LockResult {
    const first = this.lock(Math.min(a, b), self, wait);
    if (a === b || first === 'interrupted') return first;
    const second = this.lock(Math.max(a, b), self, wait);
    if (second === 'interrupted') this.unlock(Math.min(a, b), self);
    return second === 'ok' ? first : second;
  }

  unlockPair(a: number, b: number, self: number): void {
    this.unlock(a, self);
    if (a !== b) this.unlock(b, self);
  }

  /** Throws Error when `self` does not hold the stripe. */
  unlock(stripe: number, self: number): void {
    const word = this.#word(stripe);
    const owner = wordOwner(this.#mem, word);
    if (owner !== self)
      throw new Error(`stripe ${stripe}: unlocked by ${self}, held by ${owner || 'nobody'}`);
    lockOrder.released(this.#rank, word);
    unlockWord(this.#mem, word);
  }

  heldBy(stripe: number, self: number): boolean {
    return wordOwner(this.#mem, this.#word(stripe)) === self;
  }

  /** As Mutex.recover, over all stripes. Returns how many the dead worker held. */
  recover(dead: number): number {
    let held = 0;
    for (let i = 0; i < this.#count; i++) if (recoverWord(this.#mem, this.#word(i), dead)) held++;
    return held;
  }

  #word(stripe: number): number {
    return this.#index + stripe * this.#stride;
  }
}
