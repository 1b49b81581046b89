/**
 * Sleeping that ends when the thread has to: every wait of the Linux face goes through here.
 */
import { POLL_MS } from '../../sync/wait.js';
import { monotonicMs } from '../core/clock.js';
import { G_EXITING, STOP_EXIT, STOP_SIGNAL, T_STOP } from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import type { Scheduled, ThreadServices } from './env.js';
import { ERESTART_SYS, SysError, ThreadLeaves } from './error.js';
import { L_SLEEP } from './process.js';

/** `signal`: one is there to be delivered; `exit`: the thread has to end. */
export type WaitResult = 'woken' | 'timeout' | 'exit' | 'signal';

/** Leaves the running call unless the wait ended by itself. @throws ThreadLeaves; SysError `restart`. */
export function mustGoOn(result: WaitResult, restart = ERESTART_SYS): void {
  if (result === 'exit') throw new ThreadLeaves();
  if (result === 'signal') throw new SysError(restart);
}

/** Longest sleep without a look at the stop word, in ms: bounds how long an exit can go unnoticed. */
const SLICE = POLL_MS;

/** Host monotonic time in ms, the same clock in every worker. */
export const hostMs = monotonicMs;

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

  /** Whether a signal waits to be delivered to the thread. */
  signalled(ts: number): boolean {
    return (Atomics.load(this.#i32, (ts + T_STOP) >> 2) & STOP_SIGNAL) !== 0;
  }

  /**
   * Sleeps while the word at host address `at` holds `value`.
   *
   * @param deadline monotonic ms (now()), Infinity for none.
   * @param idle called now and then while nothing happens
   */
  wait(ts: number, at: number, value: number, deadline: number, idle?: () => void): WaitResult {
    const i32 = this.#i32;
    if (Atomics.load(i32, at >> 2) !== value) return 'woken';
    if (this.#scheduled) return this.#turn(ts, this.#scheduled, at, value, deadline);
    return this.#sleeping(ts, at, () => {
      const left = deadline === Infinity ? SLICE : deadline - hostMs();
      if (left <= 0) return Atomics.load(i32, at >> 2) !== value ? 'woken' : 'timeout';
      Atomics.wait(i32, at >> 2, value, Math.min(left, SLICE));
      // Whoever sends a signal notifies the same word without changing it.
      if (Atomics.load(i32, at >> 2) !== value) return 'woken';
      idle?.();
      return undefined;
    });
  }

  /** Sleeps until the deadline. The stop word itself is slept on, so a stop request that notifies it is prompt. */
  sleepUntil(ts: number, deadline: number): 'timeout' | 'exit' | 'signal' {
    if (!this.#scheduled) return this.#sleep(ts, deadline);
    const result = this.#turn(ts, this.#scheduled, 0, 0, deadline);
    return result === 'woken' ? 'timeout' : result;
  }

  /** Sleeps on the host for something outside, whoever decides about the guest's time. */
  pause(ts: number, ms: number): 'timeout' | 'exit' | 'signal' {
    return this.#sleep(ts, hostMs() + ms);
  }

  /** A wait that ends when the schedule says so; a signal ends it without the word having changed. */
  #turn(ts: number, scheduled: Scheduled, at: number, value: number, deadline: number): WaitResult {
    if (this.stopping(ts)) return 'exit';
    if (this.signalled(ts)) return 'signal';
    const result = scheduled.wait(ts, at, value, deadline);
    return result === 'timeout' && this.signalled(ts) ? 'signal' : result;
  }

  #sleep(ts: number, deadline: number): 'timeout' | 'exit' | 'signal' {
    const i32 = this.#i32;
    const word = (ts + T_STOP) >> 2;
    return this.#sleeping(ts, ts + T_STOP, () => {
      const left = deadline - hostMs();
      if (left <= 0) return 'timeout';
      const stop = Atomics.load(i32, word);
      if ((stop & (STOP_SIGNAL | STOP_EXIT)) === 0) Atomics.wait(i32, word, stop, Math.min(left, SLICE));
      return undefined;
    });
  }

  /** Repeats a sleep of one slice until it gives a result or the thread has to look after something else. */
  #sleeping<R>(ts: number, at: number, slice: () => R | undefined): R | 'exit' | 'signal' {
    const i32 = this.#i32;
    return this.#threads.blocked(() => {
      Atomics.store(i32, (ts + L_SLEEP) >> 2, at);
      try {
        for (;;) {
          if (this.stopping(ts)) return 'exit';
          if (this.signalled(ts)) return 'signal';
          const result = slice();
          if (result !== undefined) return result;
        }
      } finally {
        Atomics.store(i32, (ts + L_SLEEP) >> 2, 0);
      }
    });
  }
}
