/**
 * SeqLock: a few words that are read far more often than written. Readers take nothing and write nothing; they read
 * again when a writer was there meanwhile.
 *
 * Memory order: `seq` and the payload are accessed by sequentially consistent Atomics. With plain payload reads a
 * host weaker than TSO could satisfy one of them after the closing look at `seq`, and a torn value would pass.
 * Place in the lock order: innermost; between writeBegin and writeEnd no other lock is taken.
 */
import {
  checkOwner,
  type LockResult,
  lockWord,
  POISONED,
  RECOVERER,
  recoverWord,
  unlockWord,
  wordOwner,
} from './futexword.js';
import { defineLayout } from './layout.js';
import { SPINS, sleepSlice, type WaitOptions } from './wait.js';

export const SEQLOCK_LAYOUT = defineLayout('SeqLock', {
  seq: { type: 'u32', owner: 'holder of writer', note: 'odd while a writer is inside; readers sleep on it' },
  writer: { type: 'i32', owner: 'any, atomic', note: 'lock word of the writers' },
  sleepers: { type: 'u32', owner: 'any, atomic', note: 'not 0: a reader may sleep on seq' },
});

const SEQ = SEQLOCK_LAYOUT.word('seq');
const WRITER = SEQLOCK_LAYOUT.word('writer');
const SLEEPERS = SEQLOCK_LAYOUT.word('sleepers');
const PAYLOAD = SEQLOCK_LAYOUT.words;

export class SeqLock {
  readonly #mem: Int32Array;
  readonly #index: number;
  readonly #length: number;

  /** 32-bit words that a lock with a payload of `length` words occupies; all of them start as 0. */
  static words(length: number): number {
    return PAYLOAD + length;
  }

  /** `length`: words of payload, which lie directly behind the lock. */
  constructor(mem: Int32Array, index: number, length: number) {
    this.#mem = mem;
    this.#index = index;
    this.#length = length;
  }

  /**
   * Copies one consistent payload to `into`. False when it was interrupted: `into` is then not to be used.
   * Sleeps only while a writer is inside.
   */
  read(into: Int32Array, wait?: WaitOptions): boolean {
    const payload = this.#index + PAYLOAD;
    for (;;) {
      const seq = this.#evenSeq(wait);
      if (seq === undefined) return false;
      for (let i = 0; i < this.#length; i++) into[i] = Atomics.load(this.#mem, payload + i);
      if (Atomics.load(this.#mem, this.#index + SEQ) === seq) return true;
    }
  }

  /** Writes a whole payload. Results as of writeBegin; nothing is written when interrupted. */
  write(self: number, from: ArrayLike<number>, wait?: WaitOptions): LockResult {
    const result = this.writeBegin(self, wait);
    if (result === 'interrupted') return result;
    for (let i = 0; i < this.#length; i++) this.set(i, from[i]!);
    this.writeEnd(self);
    return result;
  }

  /**
   * Enters as the writer. `poisoned`: a writer died inside, the payload may be half of each. Throws Error when `self`
   * is inside already.
   */
  writeBegin(self: number, wait?: WaitOptions): LockResult {
    checkOwner(self);
    const word = this.#index + WRITER;
    if (wordOwner(this.#mem, word) === self)
      throw new Error(`seq lock @${this.#index}: ${self} is inside already`);
    const result = lockWord(this.#mem, word, self, wait);
    // Odd already: a dead writer's, which recover has not got to yet.
    if (result !== 'interrupted' && !this.#writing()) Atomics.add(this.#mem, this.#index + SEQ, 1);
    return result;
  }

  /** Payload word `i`, for the writer inside. */
  get(i: number): number {
    return Atomics.load(this.#mem, this.#index + PAYLOAD + i);
  }

  /** Sets payload word `i`, for the writer inside. */
  set(i: number, value: number): void {
    Atomics.store(this.#mem, this.#index + PAYLOAD + i, value);
  }

  /** Leaves as the writer; readers see the new payload. Throws Error when `self` is not inside. */
  writeEnd(self: number): void {
    const owner = wordOwner(this.#mem, this.#index + WRITER);
    if (owner !== self)
      throw new Error(`seq lock @${this.#index}: left by ${self}, held by ${owner || 'nobody'}`);
    this.#publish();
    unlockWord(this.#mem, this.#index + WRITER);
  }

  /** As Mutex.recover: readers go on, with what the dead writer left; the next writer is told `poisoned`. */
  recover(dead: number): boolean {
    const held = recoverWord(this.#mem, this.#index + WRITER, dead);
    const result = lockWord(this.#mem, this.#index + WRITER, RECOVERER);
    if (this.#writing()) this.#publish();
    else Atomics.notify(this.#mem, this.#index + SEQ);
    unlockWord(this.#mem, this.#index + WRITER, result === 'poisoned' ? POISONED : 0);
    return held;
  }

  #writing(): boolean {
    return (Atomics.load(this.#mem, this.#index + SEQ) & 1) !== 0;
  }

  #publish(): void {
    Atomics.add(this.#mem, this.#index + SEQ, 1);
    if (Atomics.load(this.#mem, this.#index + SLEEPERS) !== 0) Atomics.notify(this.#mem, this.#index + SEQ);
  }

  #evenSeq(wait?: WaitOptions): number | undefined {
    const word = this.#index + SEQ;
    for (let i = 0; i < SPINS; i++) {
      const seq = Atomics.load(this.#mem, word);
      if ((seq & 1) === 0) return seq;
    }
    let blocked = false;
    // A reader that dies asleep leaves its count behind, which costs the writers a notify each and nothing else.
    Atomics.add(this.#mem, this.#index + SLEEPERS, 1);
    try {
      for (;;) {
        const seq = Atomics.load(this.#mem, word);
        if ((seq & 1) === 0) return seq;
        if (wait?.interrupt?.()) return undefined;
        if (!blocked) {
          blocked = true;
          wait?.onBlock?.();
        }
        sleepSlice(this.#mem, word, seq, wait);
      }
    } finally {
      Atomics.sub(this.#mem, this.#index + SLEEPERS, 1);
      if (blocked) wait?.onUnblock?.();
    }
  }
}
