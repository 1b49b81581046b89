/**
 * Which thread a pthread_t means. Guarded by the tool-state lock; entries are only added.
 *
 * | from G_STATS + | what                                                                        |
 * | -------------- | --------------------------------------------------------------------------- |
 * | 0xb8000        | pthread_t: [0] count, then a ring of {pthread_t f64, tid, pad}              |
 */

import { G_LOCK_TOOL, G_STATS } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { Mutex } from '../../../sync/mutex.js';

const PTHREADS = G_STATS + 0xb8000;
const PTHREADS_MAX = 5800;

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
