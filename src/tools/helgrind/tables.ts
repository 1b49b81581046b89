/**
 * Helgrind's shared tables besides clocks and shadow (those are in src/rt/helgrind.ts): which thread held a slot
 * when, and handles of threads. All guarded by the tool-state lock; entries are only added.
 *
 * | from G_STATS + | what                                                                        |
 * | -------------- | --------------------------------------------------------------------------- |
 * | 0x20000        | thread log: [0] count, then {slot, first clock, number, creation trace}      |
 * | 0xb8000        | pthread_t: [0] count, then a ring of {pthread_t f64, tid, pad}              |
 */

import { G_LOCK_TOOL, G_STATS } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { Mutex } from '../../../sync/mutex.js';

const THREAD_LOG = G_STATS + 0x20000;
const THREAD_LOG_MAX = 18000;
const PTHREADS = G_STATS + 0xb8000;
const PTHREADS_MAX = 5800;

export interface ThreadRecord {
  /** Number as reports show it; the first thread is 1. */
  number: number;
  /** Trace of its creation, 0 for the first thread. */
  created: number;
}

export class Tables {
  private readonly i32: Int32Array;
  private readonly f64: Float64Array;
  private readonly lock: Mutex;

  constructor(private readonly machine: Machine) {
    this.i32 = machine.i32;
    this.f64 = machine.f64;
    this.lock = new Mutex(machine.i32, G_LOCK_TOOL >> 2, 'toolState');
  }

  private locked<R>(fn: () => R): R {
    this.lock.lock(this.machine.self);
    try {
      return fn();
    } finally {
      this.lock.unlock();
    }
  }

  addThread(slot: number, clock: number, number: number, created: number): void {
    this.locked(() => {
      const base = THREAD_LOG >> 2;
      const n = this.i32[base]!;
      if (n >= THREAD_LOG_MAX) return;
      this.i32.set([slot, clock, number, created], base + 4 + n * 4);
      Atomics.store(this.i32, base, n + 1);
    });
  }

  /** The thread that held `slot` at `clock`. */
  threadAt(slot: number, clock: number): ThreadRecord {
    const base = THREAD_LOG >> 2;
    for (let i = Atomics.load(this.i32, base) - 1; i >= 0; i--) {
      const at = base + 4 + i * 4;
      if (this.i32[at] === slot && this.i32[at + 1]! <= clock) {
        return { number: this.i32[at + 2]!, created: this.i32[at + 3]! };
      }
    }
    return { number: 1, created: 0 };
  }

  /** pthread_create gave out this handle for the thread with this tid. */
  addPthread(handle: number, tid: number): void {
    this.locked(() => {
      const n = this.i32[PTHREADS >> 2]!;
      const at = PTHREADS + 16 + (n % PTHREADS_MAX) * 16;
      this.f64[at >> 3] = handle;
      this.i32[(at + 8) >> 2] = tid;
      Atomics.store(this.i32, PTHREADS >> 2, n + 1);
    });
  }

  /** Newest tid behind a pthread_t, 0 when it is unknown. */
  tidOf(handle: number): number {
    const n = Atomics.load(this.i32, PTHREADS >> 2);
    for (let i = n - 1; i >= Math.max(0, n - PTHREADS_MAX); i--) {
      const at = PTHREADS + 16 + (i % PTHREADS_MAX) * 16;
      if (this.f64[at >> 3] === handle) return this.i32[(at + 8) >> 2]!;
    }
    return 0;
  }
}
