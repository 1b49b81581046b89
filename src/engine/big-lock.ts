/**
 * The big lock of --atomicity=serial: guest code runs only while its thread holds it. Hand-over is first come,
 * first served, at safepoints and around calls that may sleep; whoever waits for a whole time slice asks the
 * holder to come to a safepoint, so a spinning thread cannot starve the one it waits for.
 */

import {
  G_EXITING,
  G_LOCK_BIG,
  STOP_YIELD,
  T_POINTS,
  T_STEPS,
  THREAD_STRIDE,
  THREADS,
} from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import type { ThreadTable } from '../../kernel/core/threads.js';
import { FairLock } from '../../sync/fairlock.js';

/** More points than anybody passes between two polls. */
const MANY = 0x7fffffff;

/** The right to run guest code where threads take turns. `ts` is a thread state; each thread asks for its own. */
export interface Turns {
  /** Waits for the turn. Returns without it when the process ends. */
  acquire(ts: number): void;
  /** Gives the turn away; nothing when the thread does not have it. */
  release(ts: number): void;
  /** At a safepoint. */
  offer(ts: number): void;
  /** Runs fn, which may sleep on the host. */
  without<R>(ts: number, fn: () => R): R;
  /** sched_yield. */
  yielded(ts: number): void;
  /** The thread has used up its steps (EXIT_STEP). */
  step(ts: number): void;
}

export class BigLock implements Turns {
  private readonly lock: FairLock;
  private readonly i32: Int32Array;

  constructor(
    machine: Machine,
    private readonly threads: ThreadTable,
    /** Steps between two offers, 0 for time slices only. */
    private readonly quantum = 0,
  ) {
    this.i32 = machine.i32;
    this.lock = new FairLock(machine.i32, G_LOCK_BIG >> 2, 'bigLock');
  }

  private id(ts: number): number {
    return (ts - THREADS) / THREAD_STRIDE + 1;
  }

  acquire(ts: number): void {
    // The first question comes before the first sleep: the holder has its time slice ahead of it.
    let asked = false;
    this.lock.acquire(this.id(ts), {
      interrupt: () => {
        const owner = this.lock.owner();
        if (owner > 0 && asked) this.threads.poke(THREADS + (owner - 1) * THREAD_STRIDE, STOP_YIELD);
        asked = true;
        return Atomics.load(this.i32, G_EXITING >> 2) !== 0;
      },
    });
  }

  release(ts: number): void {
    if (this.lock.heldBy(this.id(ts))) this.lock.release(this.id(ts));
  }

  /** Lets the next waiting thread go first, if there is one. */
  offer(ts: number): void {
    if (this.lock.waiters() === 0) return;
    this.release(ts);
    this.acquire(ts);
  }

  yielded(ts: number): void {
    this.offer(ts);
  }

  step(ts: number): void {
    this.offer(ts);
    this.i32[(ts + T_STEPS) >> 2] = this.quantum;
    this.i32[(ts + T_POINTS) >> 2] = MANY;
  }

  /** Runs fn, which may sleep, without the lock. */
  without<R>(ts: number, fn: () => R): R {
    this.release(ts);
    try {
      return fn();
    } finally {
      this.acquire(ts);
    }
  }
}
