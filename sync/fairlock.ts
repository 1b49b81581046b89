/**
 * FairLock: a ticket lock that parks its waiters and hands itself over in the order of arrival. It is the big lock
 * of the serial policy.
 *
 * The queue is a ring of tickets, `head` .. `tail` - 1; ticket t has slot t mod capacity. The holder has the ticket at
 * `head`. A slot holds the id of whoever drew the ticket, plus GRANTED once it is the holder, or 0 when the ticket was
 * given up. Each waiter sleeps on its own slot, so a hand-over wakes one thread.
 *
 * Who may write what: `head`, `tail` and drawing a ticket need the guard (a robust word, held for a few stores). A
 * waiting slot leaves its state by compare-exchange only: to GRANTED by whoever holds the guard, or to 0 by the waiter
 * that gives up. Every prefix of the stores made under the guard leaves a queue from which `settle` finds
 * the next holder; that is what makes the death of a worker at any point repairable.
 *
 * When `capacity` tickets are out, newcomers sleep on `space` without a ticket: correct, but no longer in order.
 * Memory order: sequentially consistent Atomics throughout. Place in the lock order: the rank given, normally bigLock;
 * the guard is innermost and never held while anything else is taken.
 */
import {
  checkOwner,
  type LockResult,
  lockWord,
  OWNER_MASK,
  RECOVERER,
  recoverWord,
  unlockWord,
} from './futexword.js';
import { defineLayout } from './layout.js';
import { lockOrder, type RankName } from './order.js';
import { SPINS, sleepSlice, type WaitOptions } from './wait.js';

export const FAIRLOCK_LAYOUT = defineLayout('FairLock', {
  guard: { type: 'i32', owner: 'any, atomic', note: 'lock word over head, tail and granting' },
  head: {
    type: 'u32',
    owner: 'guard; read by any',
    note: "the holder's ticket, when head differs from tail",
  },
  tail: { type: 'u32', owner: 'guard; read by any', note: 'next ticket to be drawn' },
  poisoned: { type: 'i32', owner: 'set under guard, cleared by the holder', note: '1: a holder died inside' },
  handovers: { type: 'u32', owner: 'guard; read by any', note: 'grants to a waiter; a statistic' },
  full: { type: 'i32', owner: 'guard', note: '1: somebody sleeps on space' },
  space: { type: 'u32', owner: 'guard; slept on', note: 'bumped when a full queue moves' },
  spare: 'i32',
  slots: {
    type: 'i32[32]',
    owner: 'see above',
    note: 'one per ticket; as many as the capacity, 32 by default',
  },
});

const GUARD = FAIRLOCK_LAYOUT.word('guard');
const HEAD = FAIRLOCK_LAYOUT.word('head');
const TAIL = FAIRLOCK_LAYOUT.word('tail');
const POISON = FAIRLOCK_LAYOUT.word('poisoned');
const HANDOVERS = FAIRLOCK_LAYOUT.word('handovers');
const FULL = FAIRLOCK_LAYOUT.word('full');
const SPACE = FAIRLOCK_LAYOUT.word('space');
const SLOTS = FAIRLOCK_LAYOUT.word('slots');
const GRANTED = 0x4000_0000;

export class FairLock {
  readonly #mem: Int32Array;
  readonly #index: number;
  readonly #rank: RankName | undefined;
  readonly #mask: number;

  /** 32-bit words a lock with that capacity occupies; all of them start as 0. */
  static words(capacity = 32): number {
    return SLOTS + capacity;
  }

  /**
   * `capacity`: tickets that can be out at once, a power of two; every user of the lock must give the same.
   * Throws RangeError when it is none.
   */
  constructor(mem: Int32Array, index: number, rank?: RankName, capacity = 32) {
    if (capacity < 2 || (capacity & (capacity - 1)) !== 0) throw new RangeError(`capacity ${capacity}`);
    this.#mem = mem;
    this.#index = index;
    this.#rank = rank;
    this.#mask = capacity - 1;
  }

  /**
   * Takes the lock for `self` after everybody who asked before. `poisoned` is returned once after a holder died.
   * Throws RangeError on a bad id, Error when `self` holds it already or the lock order forbids it.
   */
  acquire(self: number, wait?: WaitOptions): LockResult {
    checkOwner(self);
    if (this.heldBy(self)) throw new Error(`fair lock @${this.#index}: ${self} holds it already`);
    if (this.#rank !== undefined) lockOrder.taking(this.#rank, this.#index);
    for (;;) {
      if (lockWord(this.#mem, this.#index + GUARD, self, wait) === 'interrupted') return 'interrupted';
      const free = this.#load(HEAD) === this.#load(TAIL);
      if (free || this.#length() <= this.#mask) {
        const slot = this.#draw(self);
        if (free) Atomics.store(this.#mem, slot, self | GRANTED);
        unlockWord(this.#mem, this.#index + GUARD);
        return free ? this.#taken() : this.#await(slot, self, wait);
      }
      const seen = this.#load(SPACE);
      Atomics.store(this.#mem, this.#index + FULL, 1);
      unlockWord(this.#mem, this.#index + GUARD);
      if (!this.#awaitSpace(seen, wait)) return 'interrupted';
    }
  }

  /** Hands the lock to the longest waiter. Throws Error when it is not held, or `self` is given and is not the holder. */
  release(self?: number): void {
    this.#checkHolder(self);
    if (this.#rank !== undefined) lockOrder.released(this.#rank, this.#index);
    lockWord(this.#mem, this.#index + GUARD, this.owner());
    this.#leave();
    this.#settle();
    unlockWord(this.#mem, this.#index + GUARD);
  }

  /**
   * Lets everybody who waits now run once, then goes on: release and re-acquisition at the tail in one step.
   * `kept`: nobody waited, the lock was not given away. `interrupted`: it was, and is NOT held any more.
   */
  yieldTo(self = this.owner(), wait?: WaitOptions): LockResult | 'kept' {
    this.#checkHolder(self);
    if (this.waiters() === 0) return 'kept';
    if (this.#rank !== undefined) {
      lockOrder.released(this.#rank, this.#index);
      lockOrder.taking(this.#rank, this.#index);
    }
    lockWord(this.#mem, this.#index + GUARD, self);
    this.#leave();
    const slot = this.#draw(self);
    this.#settle();
    unlockWord(this.#mem, this.#index + GUARD);
    return this.#await(slot, self, wait);
  }

  /** How many threads wait with a ticket. */
  waiters(): number {
    const head = this.#load(HEAD);
    const length = this.#length();
    let waiting = 0;
    for (let i = 0; i < length; i++) {
      const seen = Atomics.load(this.#mem, this.#slot(head + i));
      if (seen !== 0 && (seen & GRANTED) === 0) waiting++;
    }
    return waiting;
  }

  /** Holder, 0 when there is none. Another's answer may be out of date on return. */
  owner(): number {
    const seen = Atomics.load(this.#mem, this.#slot(this.#load(HEAD)));
    return this.#length() !== 0 && (seen & GRANTED) !== 0 ? seen & OWNER_MASK : 0;
  }

  heldBy(self: number): boolean {
    return this.owner() === self;
  }

  /** How often the lock went from one thread straight to a waiting one. */
  handovers(): number {
    return this.#load(HANDOVERS) >>> 0;
  }

  /**
   * To be called once a worker has ended, before its id is used again, by one thread at a time. Takes all its tickets
   * out of the queue, poisons the lock if it was the holder, and sees to it that somebody has the lock if anybody waits.
   * Returns whether it was the holder.
   */
  recover(dead: number): boolean {
    recoverWord(this.#mem, this.#index + GUARD, dead);
    lockWord(this.#mem, this.#index + GUARD, RECOVERER);
    const head = this.#load(HEAD);
    const length = this.#length();
    let held = false;
    for (let i = 0; i < length; i++) {
      const slot = this.#slot(head + i);
      const seen = Atomics.load(this.#mem, slot);
      if ((seen & OWNER_MASK) !== dead) continue;
      if ((seen & GRANTED) !== 0) {
        held = true;
        Atomics.store(this.#mem, this.#index + POISON, 1);
      }
      Atomics.store(this.#mem, slot, 0);
    }
    Atomics.store(this.#mem, this.#index + FULL, 1);
    this.#settle();
    unlockWord(this.#mem, this.#index + GUARD);
    return held;
  }

  /** Guard held. Draws the next ticket; the slot is written first, so a ticket that is out always has an id. */
  #draw(self: number): number {
    const tail = this.#load(TAIL);
    const slot = this.#slot(tail);
    Atomics.store(this.#mem, slot, self);
    Atomics.store(this.#mem, this.#index + TAIL, tail + 1);
    return slot;
  }

  /** Guard held, by the holder. Gives up the ticket at the head. */
  #leave(): void {
    const head = this.#load(HEAD);
    Atomics.store(this.#mem, this.#slot(head), 0);
    Atomics.store(this.#mem, this.#index + HEAD, head + 1);
  }

  /** Guard held. Skips tickets that were given up, and grants the first that was not, if that is not done yet. */
  #settle(): void {
    let head = this.#load(HEAD);
    while (head !== this.#load(TAIL)) {
      const slot = this.#slot(head);
      const seen = Atomics.load(this.#mem, slot);
      if (seen === 0) {
        head = (head + 1) | 0;
        Atomics.store(this.#mem, this.#index + HEAD, head);
        continue;
      }
      if ((seen & GRANTED) === 0) {
        if (Atomics.compareExchange(this.#mem, slot, seen, seen | GRANTED) !== seen) continue;
        Atomics.add(this.#mem, this.#index + HANDOVERS, 1);
      }
      // Also when it was granted before: whoever did that may have died before the notify.
      Atomics.notify(this.#mem, slot);
      break;
    }
    if (this.#load(FULL) !== 0) {
      Atomics.store(this.#mem, this.#index + FULL, 0);
      Atomics.add(this.#mem, this.#index + SPACE, 1);
      Atomics.notify(this.#mem, this.#index + SPACE);
    }
  }

  #await(slot: number, self: number, wait?: WaitOptions): LockResult {
    for (let i = 0; i < SPINS; i++)
      if (Atomics.load(this.#mem, slot) !== self) return this.#granted(slot, self);
    let blocked = false;
    let done = false;
    try {
      while (Atomics.load(this.#mem, slot) === self) {
        if (wait?.interrupt?.()) {
          // Losing this race means that the lock was handed over just now: then it is taken, not interrupted.
          if (Atomics.compareExchange(this.#mem, slot, self, 0) !== self) break;
          done = true;
          return 'interrupted';
        }
        if (!blocked) {
          blocked = true;
          wait?.onBlock?.();
        }
        sleepSlice(this.#mem, slot, self, wait);
      }
      done = true;
      return this.#granted(slot, self);
    } finally {
      // A callback threw: a ticket that nobody waits on would stop the queue.
      if (!done) this.#forfeit(slot, self);
      if (blocked) wait?.onUnblock?.();
    }
  }

  #forfeit(slot: number, self: number): void {
    if (Atomics.compareExchange(this.#mem, slot, self, 0) === self) return;
    const result = this.#granted(slot, self);
    if (result === 'poisoned') Atomics.store(this.#mem, this.#index + POISON, 1);
    this.release(self);
  }

  #awaitSpace(seen: number, wait?: WaitOptions): boolean {
    let blocked = false;
    try {
      while (this.#load(SPACE) === seen) {
        if (wait?.interrupt?.()) return false;
        if (!blocked) {
          blocked = true;
          wait?.onBlock?.();
        }
        sleepSlice(this.#mem, this.#index + SPACE, seen, wait);
      }
      return true;
    } finally {
      if (blocked) wait?.onUnblock?.();
    }
  }

  #granted(slot: number, self: number): LockResult {
    if (Atomics.load(this.#mem, slot) !== (self | GRANTED)) {
      throw new Error(`fair lock @${this.#index}: ${self} lost its ticket: recovered while alive?`);
    }
    return this.#taken();
  }

  #taken(): LockResult {
    if (this.#rank !== undefined) lockOrder.took(this.#rank, this.#index);
    if (this.#load(POISON) === 0) return 'ok';
    Atomics.store(this.#mem, this.#index + POISON, 0);
    return 'poisoned';
  }

  #checkHolder(self: number | undefined): void {
    const owner = this.owner();
    if (owner === 0 || (self !== undefined && owner !== self)) {
      throw new Error(
        `fair lock @${this.#index}: given up by ${self ?? 'somebody'}, held by ${owner || 'nobody'}`,
      );
    }
  }

  #load(word: number): number {
    return Atomics.load(this.#mem, this.#index + word);
  }

  /** Tickets that are out, given up ones included. */
  #length(): number {
    return (this.#load(TAIL) - this.#load(HEAD)) | 0;
  }

  #slot(ticket: number): number {
    return this.#index + SLOTS + (ticket & this.#mask);
  }
}
