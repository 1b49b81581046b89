/** Threads as the thread library knows them: handles, and the edges of creating and joining. */

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
    private readonly env: LockEnv,
    private readonly tables: Tables,
    /** Tid and thread pointer of the program's first thread. */
    private readonly first: () => Created,
  ) {}

  /** pthread_create came back with 0 and this handle. */
  created(handle: number, child: Created): void {
    this.tables.addPthread(handle, child.tid);
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

  /** The thread ends: what it did is there for whoever joins it. */
  ends(ts: number, tid: number): void {
    this.env.edges.replace(ts, exitKey(tid));
  }
}
