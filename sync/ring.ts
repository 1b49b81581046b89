/**
 * Ring: a bounded queue of records of a fixed number of words, many producers, one consumer. It never overwrites:
 * a full ring refuses.
 *
 * Producers exclude each other by a lock word and publish a record by moving `tail` as the last step. Claiming
 * slots without a lock would be a little faster, but a producer that dies between claim and publication would then
 * leave a hole that stops the consumer for good.
 *
 * Memory order: `head` and `tail` by sequentially consistent Atomics, records plain: a record is written before `tail`
 * moves past it and read before `head` does. Place in the lock order: innermost; push calls nothing back.
 */
import { checkOwner, lockWord, recoverWord, unlockWord } from './futexword.js';
import { defineLayout } from './layout.js';
import { sleepSlice, type WaitOptions } from './wait.js';

export const RING_LAYOUT = defineLayout('Ring', {
  lock: { type: 'i32', owner: 'any, atomic', note: 'lock word of the producers' },
  head: {
    type: 'u32',
    owner: 'consumer; read by any',
    note: 'records taken out so far; producers sleep on it',
  },
  tail: { type: 'u32', owner: 'lock; read by any', note: 'records put in so far; the consumer sleeps on it' },
  consumerSleeps: { type: 'i32', owner: 'any, atomic', note: '1: the consumer may sleep on tail' },
  producerSleeps: { type: 'i32', owner: 'any, atomic', note: '1: a producer may sleep on head' },
  refused: { type: 'u32', owner: 'any, atomic', note: 'pushes refused because the ring was full' },
});

const LOCK = RING_LAYOUT.word('lock');
const HEAD = RING_LAYOUT.word('head');
const TAIL = RING_LAYOUT.word('tail');
const CONSUMER_SLEEPS = RING_LAYOUT.word('consumerSleeps');
const PRODUCER_SLEEPS = RING_LAYOUT.word('producerSleeps');
const REFUSED = RING_LAYOUT.word('refused');
const RECORDS = RING_LAYOUT.words;

export class Ring {
  readonly #mem: Int32Array;
  readonly #index: number;
  readonly #capacity: number;
  readonly #recordWords: number;

  /** 32-bit words a ring occupies; the header words start as 0. */
  static words(capacity: number, recordWords: number): number {
    return RECORDS + capacity * recordWords;
  }

  /** `capacity`: records, a power of two. Throws RangeError when it is none, or a record has no words. */
  constructor(mem: Int32Array, index: number, capacity: number, recordWords: number) {
    if (capacity < 1 || (capacity & (capacity - 1)) !== 0)
      throw new RangeError(`ring of ${capacity} records`);
    if (recordWords < 1) throw new RangeError(`records of ${recordWords} words`);
    this.#mem = mem;
    this.#index = index;
    this.#capacity = capacity;
    this.#recordWords = recordWords;
  }

  /**
   * Puts in the record that starts at `source[at]`. False, and nothing done, when the ring is full, or when
   * interrupted while another producer was at it.
   */
  push(self: number, source: ArrayLike<number>, at = 0, wait?: WaitOptions): boolean {
    checkOwner(self);
    const mem = this.#mem;
    if (lockWord(mem, this.#index + LOCK, self, wait) === 'interrupted') return false;
    const tail = this.#load(TAIL);
    if (((tail - this.#load(HEAD)) | 0) >= this.#capacity) {
      unlockWord(mem, this.#index + LOCK);
      Atomics.add(mem, this.#index + REFUSED, 1);
      return false;
    }
    const record = this.#record(tail);
    for (let i = 0; i < this.#recordWords; i++) mem[record + i] = source[at + i]!;
    Atomics.store(mem, this.#index + TAIL, tail + 1);
    unlockWord(mem, this.#index + LOCK);
    this.#wake(CONSUMER_SLEEPS, TAIL);
    return true;
  }

  /** Takes the oldest record out, to `into[at]` and on. False when the ring is empty. For the consumer only. */
  pop(into: Int32Array | number[], at = 0): boolean {
    const mem = this.#mem;
    const head = this.#load(HEAD);
    if (head === this.#load(TAIL)) return false;
    const record = this.#record(head);
    for (let i = 0; i < this.#recordWords; i++) into[at + i] = mem[record + i]!;
    Atomics.store(mem, this.#index + HEAD, head + 1);
    this.#wake(PRODUCER_SLEEPS, HEAD);
    return true;
  }

  /** Sleeps until there is a record to pop. False when interrupted. For the consumer only. */
  waitData(wait?: WaitOptions): boolean {
    return this.#sleepWhile(0, TAIL, CONSUMER_SLEEPS, wait);
  }

  /** Sleeps until the ring is not full; another producer may be faster. False when interrupted. */
  waitSpace(wait?: WaitOptions): boolean {
    return this.#sleepWhile(this.#capacity, HEAD, PRODUCER_SLEEPS, wait);
  }

  /** Records inside. */
  length(): number {
    return (this.#load(TAIL) - this.#load(HEAD)) | 0;
  }

  /** Pushes refused so far because the ring was full. */
  refused(): number {
    return this.#load(REFUSED) >>> 0;
  }

  /** As Mutex.recover, for a dead producer. A record it had not finished was never in the ring. */
  recover(dead: number): boolean {
    const held = recoverWord(this.#mem, this.#index + LOCK, dead);
    Atomics.notify(this.#mem, this.#index + TAIL);
    Atomics.notify(this.#mem, this.#index + HEAD);
    return held;
  }

  /** Sleeps on `word` as long as the ring holds `length` records. */
  #sleepWhile(length: number, word: number, flag: number, wait?: WaitOptions): boolean {
    let blocked = false;
    try {
      for (;;) {
        const seen = this.#load(word);
        if (this.length() !== length) return true;
        if (wait?.interrupt?.()) return false;
        if (!blocked) {
          blocked = true;
          wait?.onBlock?.();
        }
        Atomics.store(this.#mem, this.#index + flag, 1);
        sleepSlice(this.#mem, this.#index + word, seen, wait);
      }
    } finally {
      if (blocked) wait?.onUnblock?.();
    }
  }

  #wake(flag: number, word: number): void {
    if (this.#load(flag) === 0) return;
    Atomics.store(this.#mem, this.#index + flag, 0);
    Atomics.notify(this.#mem, this.#index + word);
  }

  #load(word: number): number {
    return Atomics.load(this.#mem, this.#index + word);
  }

  #record(position: number): number {
    return this.#index + RECORDS + (position & (this.#capacity - 1)) * this.#recordWords;
  }
}
