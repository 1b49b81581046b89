/**
 * Sleeping that ends when the thread has to: every wait of the Linux face goes through here.
 */
import { POLL_MS } from '../../sync/wait.js';
import { G_EXITING, STOP_EXIT, T_STOP } from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import type { ThreadServices } from './env.js';

export type WaitResult = 'woken' | 'timeout' | 'exit';

/** Longest sleep without a look at the stop word, in ms: bounds how long an exit can go unnoticed. */
const SLICE = POLL_MS;

/** Host monotonic time in ms, the same clock in every worker. */
export function monotonicMs(): number {
  const [sec, nsec] = process.hrtime();
  return sec * 1e3 + nsec / 1e6;
}

export class Sleeper {
  readonly #i32: Int32Array;
  readonly #threads: Pick<ThreadServices, 'blocked'>;

  constructor(machine: Machine, threads: Pick<ThreadServices, 'blocked'>) {
    this.#i32 = machine.i32;
    this.#threads = threads;
  }

  /** Whether the thread or its process is ending. */
  stopping(ts: number): boolean {
    return (
      (Atomics.load(this.#i32, (ts + T_STOP) >> 2) & STOP_EXIT) !== 0 ||
      Atomics.load(this.#i32, G_EXITING >> 2) !== 0
    );
  }

  /**
   * Sleeps while the word at host address `at` holds `value`.
   *
   * @param deadline monotonic ms (monotonicMs), Infinity for none.
   */
  wait(ts: number, at: number, value: number, deadline: number): WaitResult {
    const i32 = this.#i32;
    if (Atomics.load(i32, at >> 2) !== value) return 'woken';
    return this.#threads.blocked(() => {
      for (;;) {
        if (this.stopping(ts)) return 'exit';
        const left = deadline === Infinity ? SLICE : deadline - monotonicMs();
        if (left <= 0) return Atomics.load(i32, at >> 2) !== value ? 'woken' : 'timeout';
        if (Atomics.wait(i32, at >> 2, value, Math.min(left, SLICE)) !== 'timed-out') return 'woken';
      }
    });
  }

  /** Sleeps until the deadline. The stop word itself is slept on, so a stop request that notifies it is prompt. */
  sleepUntil(ts: number, deadline: number): 'timeout' | 'exit' {
    const i32 = this.#i32;
    return this.#threads.blocked(() => {
      for (;;) {
        if (this.stopping(ts)) return 'exit';
        const left = deadline - monotonicMs();
        if (left <= 0) return 'timeout';
        const at = (ts + T_STOP) >> 2;
        Atomics.wait(i32, at, Atomics.load(i32, at), Math.min(left, SLICE));
      }
    });
  }
}
