/**
 * Mutex: one owner, not recursive, robust against a worker that dies inside.
 *
 * The state word has three states, free, held, and held with sleepers (see futexword.ts).
 * Place in the lock order: the rank given to the constructor (order.ts); without one it is not checked, and its holder
 * must take no other lock.
 */
import {
  checkOwner,
  type LockResult,
  lockWord,
  POISONED,
  recoverWord,
  tryLockWord,
  unlockWord,
  wordOwner,
} from './futexword.js';
import { defineLayout } from './layout.js';
import { lockOrder, type RankName } from './order.js';
import type { WaitOptions } from './wait.js';

export const MUTEX_LAYOUT = defineLayout('Mutex', {
  state: { type: 'i32', owner: 'any, atomic', note: 'owner id, WAITERS, POISONED; see futexword.ts' },
  contended: { type: 'u32', owner: 'any, atomic', note: 'times the lock was not free at once; a statistic' },
});

const STATE = MUTEX_LAYOUT.word('state');
const CONTENDED = MUTEX_LAYOUT.word('contended');

export class Mutex {
  /** 32-bit words a mutex occupies; all of them start as 0. */
  static readonly WORDS = MUTEX_LAYOUT.words;

  readonly #mem: Int32Array;
  readonly #index: number;
  readonly #rank: RankName | undefined;

  /** `index` is the word index of the mutex in `mem`. */
  constructor(mem: Int32Array, index: number, rank?: RankName) {
    this.#mem = mem;
    this.#index = index;
    this.#rank = rank;
  }

  /**
   * Takes the mutex for `self` (1 .. 0x3ffffffe). `poisoned` is returned once after an owner died inside.
   * Throws RangeError on a bad id, Error when `self` holds it already or the lock order forbids it.
   */
  lock(self: number, wait?: WaitOptions): LockResult {
    checkOwner(self);
    const word = this.#index + STATE;
    if (this.#rank !== undefined) lockOrder.taking(this.#rank, this.#index);
    let result: LockResult | undefined = tryLockWord(this.#mem, word, self);
    if (result === undefined) {
      if (wordOwner(this.#mem, word) === self)
        throw new Error(`mutex ${this.#name()}: ${self} holds it already`);
      Atomics.add(this.#mem, this.#index + CONTENDED, 1);
      result = lockWord(this.#mem, word, self, wait);
    }
    if (this.#rank !== undefined && result !== 'interrupted') lockOrder.took(this.#rank, this.#index);
    return result;
  }

  /** Takes the mutex if it is free; undefined when somebody, `self` included, holds it. */
  tryLock(self: number): 'ok' | 'poisoned' | undefined {
    checkOwner(self);
    const result = tryLockWord(this.#mem, this.#index + STATE, self);
    if (this.#rank !== undefined && result !== undefined) lockOrder.took(this.#rank, this.#index);
    return result;
  }

  /**
   * Gives the mutex back. Throws Error when it is free, or when `self` is given and does not hold it.
   * `stillBroken` passes the poison on: for an owner that was told `poisoned` and could not repair the data.
   */
  unlock(self?: number, stillBroken = false): void {
    const owner = this.owner();
    if (owner === 0 || (self !== undefined && owner !== self)) {
      throw new Error(
        `mutex ${this.#name()}: unlocked by ${self ?? 'somebody'}, held by ${owner || 'nobody'}`,
      );
    }
    if (this.#rank !== undefined) lockOrder.released(this.#rank, this.#index);
    unlockWord(this.#mem, this.#index + STATE, stillBroken ? POISONED : 0);
  }

  /** Owner id, 0 when the mutex is free. Another's answer may be out of date on return. */
  owner(): number {
    return wordOwner(this.#mem, this.#index + STATE);
  }

  heldBy(self: number): boolean {
    return this.owner() === self;
  }

  /** Times a lock() found the mutex taken. */
  contended(): number {
    return Atomics.load(this.#mem, this.#index + CONTENDED) >>> 0;
  }

  /**
   * To be called once a worker has ended (its 'exit' event), before its id is used again. Frees the mutex if it
   * was the owner, and poisons it; sets sleepers going that it may have forgotten. Returns whether it was the owner.
   */
  recover(deadOwner: number): boolean {
    return recoverWord(this.#mem, this.#index + STATE, deadOwner);
  }

  #name(): string {
    return this.#rank ?? `@${this.#index}`;
  }
}
