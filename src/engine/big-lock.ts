/**
 * The big lock of --atomicity=serial: guest code runs only while its thread holds it. Hand-over is first come,
 * first served, at safepoints and around calls that may sleep; whoever waits for a whole time slice asks the
 * holder to come to a safepoint, so a spinning thread cannot starve the one it waits for.
 */

import { G_EXITING, G_LOCK_BIG, STOP_YIELD, THREAD_STRIDE, THREADS } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import type { ThreadTable } from '../../kernel/core/threads.js';
import { FairLock } from '../../sync/fairlock.js';

export class BigLock {
  private readonly lock: FairLock;
  private readonly i32: Int32Array;

  constructor(
    machine: Machine,
    private readonly threads: ThreadTable,
  ) {
    this.i32 = machine.i32;
    this.lock = new FairLock(machine.i32, G_LOCK_BIG >> 2, 'bigLock');
  }

  private id(ts: number): number {
    return (ts - THREADS) / THREAD_STRIDE + 1;
  }

  acquire(ts: number): void {
    this.lock.acquire(this.id(ts), {
      interrupt: () => {
        const owner = this.lock.owner();
        if (owner > 0) this.threads.poke(THREADS + (owner - 1) * THREAD_STRIDE, STOP_YIELD);
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
