/**
 * A lock in one word, with its owner in the word: what every lock of this floor that has an owner is made of.
 *
 * | value                 | state                                                                        |
 * | --------------------- | ---------------------------------------------------------------------------- |
 * | 0                     | free                                                                         |
 * | POISONED              | free; its last owner died inside, nobody has been told yet                   |
 * | owner                 | held, nobody sleeps                                                          |
 * | owner + WAITERS       | held, somebody may sleep: whoever unlocks notifies one                       |
 *
 * Owner and state change in one compare-exchange, so there is no moment at which a worker that is terminated
 * leaves a held lock whose owner cannot be told. (The robust futexes of Linux pack their word the same way.)
 *
 * Memory order: every access is a sequentially consistent Atomics operation; what is done under the lock is
 * ordered by it, so the data behind it may be plain.
 * Not in the lock order: the locks built on it are.
 */
import { SPINS, sleepSlice, type WaitOptions } from './wait.js';

/** Bits of a lock word. */
export const WAITERS = 0x8000_0000 | 0;
export const POISONED = 0x4000_0000;
export const OWNER_MASK = 0x3fff_ffff;
/** The owner id that stands for "whoever is recovering"; no worker may have it. */
export const RECOVERER = 0x3fff_ffff;

/** `poisoned`: taken, but a former owner died inside: repair what the lock protects. `interrupted`: not taken. */
export type LockResult = 'ok' | 'poisoned' | 'interrupted';

/** Throws RangeError unless `self` can be an owner: 1 .. 0x3ffffffe. */
export function checkOwner(self: number): void {
  if (!(self > 0 && self < RECOVERER && Number.isInteger(self))) {
    throw new RangeError(`${self} is no owner id: ids run from 1 to ${RECOVERER - 1}`);
  }
}

/** The owner of a held lock, 0 when it is free. */
export function wordOwner(mem: Int32Array, index: number): number {
  return Atomics.load(mem, index) & OWNER_MASK;
}

/** Takes the lock if it is free; undefined when it is not. Never sleeps. */
export function tryLockWord(mem: Int32Array, index: number, self: number): 'ok' | 'poisoned' | undefined {
  let seen = Atomics.compareExchange(mem, index, 0, self);
  if (seen === 0) return 'ok';
  while ((seen & OWNER_MASK) === 0) {
    const free = seen;
    seen = Atomics.compareExchange(mem, index, free, self | (free & WAITERS));
    if (seen === free) return (free & POISONED) !== 0 ? 'poisoned' : 'ok';
  }
  return undefined;
}

/** Takes the lock, spinning a little and then sleeping. */
export function lockWord(mem: Int32Array, index: number, self: number, wait?: WaitOptions): LockResult {
  for (let i = 0; i < SPINS; i++) {
    if ((Atomics.load(mem, index) & OWNER_MASK) === 0) {
      const got = tryLockWord(mem, index, self);
      if (got !== undefined) return got;
    }
  }
  return lockSleeping(mem, index, self, wait);
}

function lockSleeping(mem: Int32Array, index: number, self: number, wait?: WaitOptions): LockResult {
  let blocked = false;
  try {
    for (;;) {
      const seen = Atomics.load(mem, index);
      if ((seen & OWNER_MASK) === 0) {
        // Having slept, it cannot know that it was the only sleeper: it keeps the mark for the others.
        const taken = blocked ? self | WAITERS : self | (seen & WAITERS);
        if (Atomics.compareExchange(mem, index, seen, taken) !== seen) continue;
        return (seen & POISONED) !== 0 ? 'poisoned' : 'ok';
      }
      const marked = seen | WAITERS;
      if (seen !== marked && Atomics.compareExchange(mem, index, seen, marked) !== seen) continue;
      // Only with the mark set may it leave: the wake-up it may have used up is then owed to the next sleeper.
      if (wait?.interrupt?.()) return 'interrupted';
      if (!blocked) {
        blocked = true;
        wait?.onBlock?.();
      }
      sleepSlice(mem, index, marked, wait);
    }
  } finally {
    if (blocked) wait?.onUnblock?.();
  }
}

/** Frees a lock that the caller holds, leaving `rest` (0 or POISONED) in it. */
export function unlockWord(mem: Int32Array, index: number, rest = 0): void {
  if ((Atomics.exchange(mem, index, rest) & WAITERS) !== 0) Atomics.notify(mem, index, 1);
}

/**
 * Frees the lock if `dead`, a worker that has ended, held it, and leaves it poisoned. Wakes every sleeper in any case:
 * the dead worker may have swallowed a wake-up, or have died between unlocking and notifying.
 * Returns whether `dead` held it.
 */
export function recoverWord(mem: Int32Array, index: number, dead: number): boolean {
  let held = false;
  for (;;) {
    const seen = Atomics.load(mem, index);
    if ((seen & OWNER_MASK) !== dead) break;
    held = Atomics.compareExchange(mem, index, seen, POISONED) === seen;
    if (held) break;
  }
  Atomics.notify(mem, index);
  return held;
}
