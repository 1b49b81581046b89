/**
 * How every lock of this floor waits.
 *
 * A wait is an `Atomics.wait` on one word. With an `interrupt` it is cut into slices of POLL_MS, so that a thread
 * can be asked to leave any wait; without one it sleeps until it is notified.
 */

/** What a caller may attach to a wait. All of it is optional, and a wait that need not block calls none of it. */
export interface WaitOptions {
  /** Polled before the first sleep and then at least every POLL_MS milliseconds; `true` ends the wait. */
  interrupt?: () => boolean;
  /** Called before a sleep, or a run of them. An acquisition may block more than once; each time is a pair of calls. */
  onBlock?: () => void;
  /**
   * Called after the last sleep of the run, also when `interrupt` throws. The lock may be held already:
   * it must not take a lock that lies at or outside of the one waited for.
   */
  onUnblock?: () => void;
}

/** Longest sleep, in milliseconds, between two polls of `interrupt`. */
export const POLL_MS = 20;

/** Loads made before a thread sleeps: about a microsecond, where a sleep and its wake-up cost about 14. */
export const SPINS = 60;

/** Sleeps until `mem[index]` is notified or differs from `expected`, and never past one poll of `interrupt`. */
export function sleepSlice(mem: Int32Array, index: number, expected: number, wait?: WaitOptions): void {
  if (wait?.interrupt) Atomics.wait(mem, index, expected, POLL_MS);
  else Atomics.wait(mem, index, expected);
}
