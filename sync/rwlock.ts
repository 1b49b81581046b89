/**
 * RwLock: many readers or one writer, writers preferred.
 *
 * A writer first takes the writer word, which turns new readers away, and then waits until the readers inside have left.
 * A reader announces itself, then looks at the writer word, and withdraws if it is taken. Both sides store before they
 * look, and the accesses are sequentially consistent, so at least one of them sees the other.
 *
 * Readers are counted, not named: a worker that dies as a reader cannot be recovered, and stops writers for
 * good. Read sections are therefore short and run no guest code. A dead writer, inside or still waiting, is recovered.
 *
 * Memory order: sequentially consistent Atomics; what is read and written inside may be plain. Place in the lock order:
 * the rank given to the constructor, for readers and writers alike.
 */
import {
  checkOwner,
  type LockResult,
  lockWord,
  OWNER_MASK,
  POISONED,
  recoverWord,
  unlockWord,
  wordOwner,
} from './futexword.js';
import { defineLayout } from './layout.js';
import { lockOrder, type RankName } from './order.js';
import { sleepSlice, type WaitOptions } from './wait.js';

export const RWLOCK_LAYOUT = defineLayout('RwLock', {
  writer: { type: 'i32', owner: 'any, atomic', note: 'lock word of the writer that is inside or next' },
  readers: { type: 'u32', owner: 'any, atomic', note: 'readers inside or just looking; writers sleep on it' },
  gate: { type: 'u32', owner: 'any, atomic', note: 'bumped when a writer leaves; readers sleep on it' },
});

const WRITER = RWLOCK_LAYOUT.word('writer');
const READERS = RWLOCK_LAYOUT.word('readers');
const GATE = RWLOCK_LAYOUT.word('gate');

export class RwLock {
  /** 32-bit words a lock occupies; all of them start as 0. */
  static readonly WORDS = RWLOCK_LAYOUT.words;

  readonly #mem: Int32Array;
  readonly #index: number;
  readonly #rank: RankName | undefined;

  constructor(mem: Int32Array, index: number, rank?: RankName) {
    this.#mem = mem;
    this.#index = index;
    this.#rank = rank;
  }

  /**
   * Enters as a reader, once no writer is inside or waiting. `poisoned`: entered, but a writer died inside and no other
   * has been there since. Entering twice deadlocks as soon as a writer waits in between: it is not recursive either.
   */
  readLock(wait?: WaitOptions): LockResult {
    if (this.#rank !== undefined) lockOrder.taking(this.#rank, this.#index);
    let blocked = false;
    try {
      for (;;) {
        const gate = Atomics.load(this.#mem, this.#index + GATE);
        Atomics.add(this.#mem, this.#index + READERS, 1);
        const writer = Atomics.load(this.#mem, this.#index + WRITER);
        if ((writer & OWNER_MASK) === 0) {
          if (this.#rank !== undefined) lockOrder.took(this.#rank, this.#index);
          return (writer & POISONED) !== 0 ? 'poisoned' : 'ok';
        }
        this.#withdraw();
        if (wait?.interrupt?.()) return 'interrupted';
        if (!blocked) {
          blocked = true;
          wait?.onBlock?.();
        }
        sleepSlice(this.#mem, this.#index + GATE, gate, wait);
      }
    } finally {
      if (blocked) wait?.onUnblock?.();
    }
  }

  /** Leaves as a reader. Throws Error when nobody is inside as one. */
  readUnlock(): void {
    if (this.readers() === 0) throw new Error(`rw lock @${this.#index}: no reader inside`);
    if (this.#rank !== undefined) lockOrder.released(this.#rank, this.#index);
    this.#withdraw();
  }

  /** Enters as the writer. Results and errors as of Mutex.lock. */
  writeLock(self: number, wait?: WaitOptions): LockResult {
    checkOwner(self);
    const word = this.#index + WRITER;
    if (wordOwner(this.#mem, word) === self)
      throw new Error(`rw lock @${this.#index}: ${self} holds it already`);
    if (this.#rank !== undefined) lockOrder.taking(this.#rank, this.#index);
    const result = lockWord(this.#mem, word, self, wait);
    if (result === 'interrupted') return result;
    let inside = false;
    try {
      inside = this.#drain(wait);
    } finally {
      // Leaving without having been inside: a death that this writer was told of is still to be repaired.
      if (!inside) this.#letGo(result === 'poisoned' ? POISONED : 0);
    }
    if (!inside) return 'interrupted';
    if (this.#rank !== undefined) lockOrder.took(this.#rank, this.#index);
    return result;
  }

  /** Leaves as the writer. Throws Error when `self` is not inside. */
  writeUnlock(self: number): void {
    const owner = this.writer();
    if (owner !== self)
      throw new Error(`rw lock @${this.#index}: left by ${self}, held by ${owner || 'nobody'}`);
    if (this.#rank !== undefined) lockOrder.released(this.#rank, this.#index);
    this.#letGo(0);
  }

  /** The writer that is inside or next, 0 when there is none. */
  writer(): number {
    return wordOwner(this.#mem, this.#index + WRITER);
  }

  /** Readers inside, counting those that just look. */
  readers(): number {
    return Atomics.load(this.#mem, this.#index + READERS) >>> 0;
  }

  /** As Mutex.recover, for a dead writer. Readers are not known by name: see above. */
  recover(dead: number): boolean {
    const held = recoverWord(this.#mem, this.#index + WRITER, dead);
    this.#openGate();
    return held;
  }

  #drain(wait?: WaitOptions): boolean {
    let blocked = false;
    try {
      for (;;) {
        const readers = Atomics.load(this.#mem, this.#index + READERS);
        if (readers === 0) return true;
        if (wait?.interrupt?.()) return false;
        if (!blocked) {
          blocked = true;
          wait?.onBlock?.();
        }
        sleepSlice(this.#mem, this.#index + READERS, readers, wait);
      }
    } finally {
      if (blocked) wait?.onUnblock?.();
    }
  }

  #withdraw(): void {
    const left = Atomics.sub(this.#mem, this.#index + READERS, 1) - 1;
    if (left === 0 && this.writer() !== 0) Atomics.notify(this.#mem, this.#index + READERS);
  }

  #letGo(rest: number): void {
    unlockWord(this.#mem, this.#index + WRITER, rest);
    this.#openGate();
  }

  #openGate(): void {
    Atomics.add(this.#mem, this.#index + GATE, 1);
    Atomics.notify(this.#mem, this.#index + GATE);
  }
}
