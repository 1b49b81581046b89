/**
 * Event: a counter that others wait to see change. One word, anybody may bump it.
 *
 * A waiter reads the counter, then looks at the state it cares about, then waits for the counter to differ: a change
 * in between is not missed. Memory order: sequentially consistent; what was done before a bump is seen by whoever
 * sees the bump. Place in the lock order: none; no lock may be held while waiting, but for those that whoever
 * bumps never takes.
 */
import { POLL_MS, type WaitOptions } from './wait.js';

export class Event {
  /** 32-bit words an event occupies. */
  static readonly WORDS = 1;

  readonly #mem: Int32Array;
  readonly #index: number;

  constructor(mem: Int32Array, index: number) {
    this.#mem = mem;
    this.#index = index;
  }

  /** The counter now: to be read before the state that is waited for. */
  value(): number {
    return Atomics.load(this.#mem, this.#index);
  }

  /** Counts and wakes everybody. Returns the new value. */
  bump(): number {
    const value = (Atomics.add(this.#mem, this.#index, 1) + 1) | 0;
    Atomics.notify(this.#mem, this.#index);
    return value;
  }

  /** Sleeps until the counter differs from `seen`, at most `timeoutMs` milliseconds. */
  waitChange(seen: number, wait?: WaitOptions, timeoutMs = Infinity): 'changed' | 'interrupted' | 'timeout' {
    if (this.value() !== seen) return 'changed';
    const deadline = timeoutMs === Infinity ? Infinity : performance.now() + timeoutMs;
    let blocked = false;
    try {
      while (this.value() === seen) {
        if (wait?.interrupt?.()) return 'interrupted';
        const left = deadline === Infinity ? Infinity : deadline - performance.now();
        if (left <= 0) return 'timeout';
        if (!blocked) {
          blocked = true;
          wait?.onBlock?.();
        }
        Atomics.wait(this.#mem, this.#index, seen, wait?.interrupt ? Math.min(POLL_MS, left) : left);
      }
      return 'changed';
    } finally {
      if (blocked) wait?.onUnblock?.();
    }
  }
}
