/**
 * Notices that every thread waits for a futex without a time limit: then nobody is left to wake one.
 *
 * G_STUCK counts such waits, G_STUCK_EVENT every wait that begins and every waiter that is let go (before it is), and
 * T_STUCK is 1 in a thread that waits so. All shared, atomic. A look at all threads counts only when no event came
 * between its start and its end: a thread that was seen waiting then still waits at the end, so all waited at once, and
 * only a running thread can let another one go.
 *
 * A program that handles signals, or that ever set a timer, can be woken from outside: it is never taken to be stuck.
 */
import {
  G_EXITING,
  G_LIVE_THREADS,
  G_STUCK,
  G_STUCK_EVENT,
  G_STUCK_FOUND,
  STOP_SIGNAL,
  T_FUTEX_STATE,
  T_STOP,
  T_STUCK,
} from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import type { ThreadServices } from './env.js';
import { P_SIGACTIONS, SIGACTION_SIZE } from './process.js';
import { S_TIMED } from './signal-queue.js';

/** Signals with which thread libraries run their own handlers: cancellation, and setting ids in every thread. */
const LIBRARY_SIGNALS = [32, 33, 34];
const SIGNALS = 64;

export class Stuck {
  readonly #i32: Int32Array;
  readonly #threads: ThreadServices;
  readonly #waiting: number;

  /** @param waiting value of T_FUTEX_STATE in a thread that waits */
  constructor(machine: Machine, threads: ThreadServices, waiting: number) {
    this.#i32 = machine.i32;
    this.#threads = threads;
    this.#waiting = waiting;
  }

  /** To be called when a thread begins to wait, and before one is let go. */
  event(): void {
    Atomics.add(this.#i32, G_STUCK_EVENT >> 2, 1);
  }

  /** The thread, queued already, is about to sleep without a time limit. */
  begin(ts: number): void {
    Atomics.store(this.#i32, (ts + T_STUCK) >> 2, 1);
    Atomics.add(this.#i32, G_STUCK >> 2, 1);
  }

  end(ts: number): void {
    Atomics.store(this.#i32, (ts + T_STUCK) >> 2, 0);
    Atomics.sub(this.#i32, G_STUCK >> 2, 1);
  }

  /** Looks whether all threads wait; tells the engine once, from the worker of one of them. */
  check(): void {
    const i32 = this.#i32;
    const event = Atomics.load(i32, G_STUCK_EVENT >> 2);
    if (Atomics.load(i32, G_STUCK >> 2) !== Atomics.load(i32, G_LIVE_THREADS >> 2)) return;
    const live = this.#threads.live();
    const all = live.every(
      (ts) =>
        Atomics.load(i32, (ts + T_STUCK) >> 2) === 1 &&
        Atomics.load(i32, (ts + T_FUTEX_STATE) >> 2) === this.#waiting &&
        (Atomics.load(i32, (ts + T_STOP) >> 2) & STOP_SIGNAL) === 0,
    );
    if (!all || live.length === 0 || this.#handlesSignals()) return;
    if (Atomics.load(i32, S_TIMED >> 2) !== 0) return;
    if (Atomics.load(i32, G_STUCK_EVENT >> 2) !== event) return;
    // Threads that leave because the process ends are not missed.
    if (Atomics.load(i32, G_EXITING >> 2) !== 0) return;
    if (Atomics.compareExchange(i32, G_STUCK_FOUND >> 2, 0, 1) !== 0) return;
    this.#threads.stuck(live);
  }

  #handlesSignals(): boolean {
    for (let signal = 1; signal <= SIGNALS; signal++) {
      if (LIBRARY_SIGNALS.includes(signal)) continue;
      const at = (P_SIGACTIONS + (signal - 1) * SIGACTION_SIZE) >> 2;
      // SIG_DFL is 0, SIG_IGN 1.
      if (this.#i32[at + 1] !== 0 || this.#i32[at]! >>> 0 > 1) return true;
    }
    return false;
  }
}
