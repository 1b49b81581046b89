/** Threads as the thread library knows them: handles, and the edges of creating and joining. */

import {
  LIFE_RUNNING,
  LIFE_STARTING,
  MAX_THREADS,
  T_LIFE,
  T_TID,
  THREAD_STRIDE,
  THREADS,
} from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { exitKey } from './edges.js';
import type { LockEnv } from './locks.js';
import type { Tables } from './tables.js';

/** Error numbers that a joining call gives when there is nothing to join yet. */
const EBUSY = 16;
const ETIMEDOUT = 110;

export interface Created {
  /** Tid of the thread that this worker's thread created last, and its thread pointer. */
  readonly tid: number;
  readonly tp: number;
}

export class Threads {
  private mainKnown = false;

  constructor(
    private readonly machine: Machine,
    private readonly env: LockEnv,
    private readonly tables: Tables,
    /** Tid and thread pointer of the program's first thread. */
    private readonly first: () => Created,
  ) {}

  /** pthread_create came back with 0 and this handle. */
  created(ts: number, handle: number, child: Created, detached: boolean): void {
    this.tables.addPthread(handle, child.tid);
    if (detached) this.detached(ts, child.tid);
    if (this.mainKnown) return;
    this.mainKnown = true;
    // A handle lies at the same distance from the thread pointer in every thread: so the first thread's is known too.
    const main = this.first();
    if (child.tp !== 0) this.tables.addPthread(handle - child.tp + main.tp, main.tid);
  }

  /** Before a thread is joined. */
  joins(ts: number, handle: number): void {
    const tid = this.tables.tidOf(handle);
    this.env.held.joins(ts, tid === 0 ? 0 : tid - this.first().tid + 1);
  }

  /** A joining call came back. */
  joined(ts: number, fn: string, handle: number, result: number): void {
    this.env.held.joins(ts, 0);
    if (result === 0) {
      const tid = this.tables.tidOf(handle);
      if (tid === 0) return;
      this.env.edges.acquire(ts, exitKey(tid));
      this.env.edges.forget(ts, exitKey(tid));
    } else if (result !== EBUSY && result !== ETIMEDOUT) this.env.misuse.apiError(ts, fn, result);
  }

  /** Nobody will join the thread: what it leaves at its end is not kept. */
  detached(ts: number, tid: number): void {
    if (tid === 0) return;
    const { i32 } = this.machine;
    for (let slot = 0; slot < MAX_THREADS; slot++) {
      const other = THREADS + slot * THREAD_STRIDE;
      const life = Atomics.load(i32, (other + T_LIFE) >> 2);
      if (i32[(other + T_TID) >> 2] !== tid || (life !== LIFE_RUNNING && life !== LIFE_STARTING)) continue;
      this.env.held.detach(other);
      return;
    }
    this.env.edges.forget(ts, exitKey(tid));
  }

  /** A call of pthread_detach succeeded. */
  detachedBy(ts: number, handle: number): void {
    this.detached(ts, this.tables.tidOf(handle));
  }

  /** The thread ends: what it did is there for whoever joins it. */
  ends(ts: number, tid: number): void {
    if (!this.env.held.isDetached(ts)) this.env.edges.replace(ts, exitKey(tid));
  }
}
