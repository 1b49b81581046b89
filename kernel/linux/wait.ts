/**
 * Sleeping that ends when the thread has to: every wait of the Linux face goes through here.
 */
import { POLL_MS } from '../../sync/wait.js';
import { G_EXITING, STOP_EXIT, T_STOP } from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import type { Scheduled, ThreadServices } from './env.js';

export type WaitResult = 'woken' | 'timeout' | 'exit';

/** Longest sleep without a look at the stop word, in ms: bounds how long an exit can go unnoticed. */
const SLICE = POLL_MS;

/** Host monotonic time in ms, the same clock in every worker. */
function hostMs(): number {
  const [sec, nsec] = process.hrtime();
  return sec * 1e3 + nsec / 1e6;
}

export class Sleeper {
  readonly #i32: Int32Array;
  readonly #threads: Pick<ThreadServices, 'blocked'>;
  readonly #scheduled: Scheduled | undefined;

  constructor(machine: Machine, threads: Pick<ThreadServices, 'blocked'>, scheduled?: Scheduled) {
    this.#i32 = machine.i32;
    this.#threads = threads;
    this.#scheduled = scheduled;
  }

  /** Monotonic time in ms that deadlines are points of. */
  now(): number {
    return this.#scheduled ? this.#scheduled.now() / 1e6 : hostMs();
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
   * @param deadline monotonic ms (now()), Infinity for none.
   */
  wait(ts: number, at: number, value: number, deadline: number): WaitResult {
    const i32 = this.#i32;
    if (Atomics.load(i32, at >> 2) !== value) return 'woken';
    if (this.#scheduled) return this.stopping(ts) ? 'exit' : this.#scheduled.wait(ts, at, value, deadline);
    return this.#threads.blocked(() => {
      for (;;) {
        if (this.stopping(ts)) return 'exit';
        const left = deadline === Infinity ? SLICE : deadline - hostMs();
        if (left <= 0) return Atomics.load(i32, at >> 2) !== value ? 'woken' : 'timeout';
        if (Atomics.wait(i32, at >> 2, value, Math.min(left, SLICE)) !== 'timed-out') return 'woken';
      }
    });
  }

  /** Sleeps until the deadline. The stop word itself is slept on, so a stop request that notifies it is prompt. */
  sleepUntil(ts: number, deadline: number): 'timeout' | 'exit' {
    if (!this.#scheduled) return this.#sleep(ts, deadline);
    if (this.stopping(ts)) return 'exit';
    return this.#scheduled.wait(ts, 0, 0, deadline) === 'exit' ? 'exit' : 'timeout';
  }

  /** Sleeps on the host for something outside, whoever decides about the guest's time. */
  pause(ts: number, ms: number): 'timeout' | 'exit' {
    return this.#sleep(ts, hostMs() + ms);
  }

  #sleep(ts: number, deadline: number): 'timeout' | 'exit' {
    const i32 = this.#i32;
    return this.#threads.blocked(() => {
      for (;;) {
        if (this.stopping(ts)) return 'exit';
        const left = deadline - hostMs();
        if (left <= 0) return 'timeout';
        const at = (ts + T_STOP) >> 2;
        Atomics.wait(i32, at, Atomics.load(i32, at), Math.min(left, SLICE));
      }
    });
  }
}
