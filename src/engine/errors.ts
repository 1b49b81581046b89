/**
 * Errors found by tools, across all workers: a table in shared memory of (hash of kind and top frames, count),
 * guarded by the tool-state lock. The first occurrence of an error is printed by whoever finds it, under the
 * lock, so that reports never mix and the order of printing is the order of finding.
 *
 * Words from ERRORS: [0] distinct errors, [1] all errors, then ERRORS_MAX pairs of hash and count.
 */

import { G_LOCK_TOOL, G_STATS } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { Mutex } from '../../sync/mutex.js';
import type { ErrorSink } from '../tools/api.js';

const ERRORS = G_STATS + 0x10000;
const ERRORS_MAX = 4096;
/** Frames that make two errors the same (valgrind-facts 2.5). */
const TOP_FRAMES = 4;
/** Distinct errors shown before the rest is only counted, as Valgrind's --error-limit. */
const LIMIT = 1000;

export class Errors implements ErrorSink {
  private readonly lock: Mutex;
  private readonly i32: Int32Array;

  constructor(private readonly machine: Machine) {
    this.i32 = machine.i32;
    this.lock = new Mutex(machine.i32, G_LOCK_TOOL >> 2, 'toolState');
  }

  report(kind: string, pcs: readonly number[], write: () => void): void {
    const hash = hashOf(kind, pcs.slice(0, TOP_FRAMES));
    const base = ERRORS >> 2;
    this.lock.lock(this.machine.self);
    try {
      this.i32[base + 1]!++;
      const n = this.i32[base]!;
      for (let i = 0; i < n; i++) {
        if (this.i32[base + 2 + i * 2] === hash) {
          this.i32[base + 3 + i * 2]!++;
          return;
        }
      }
      if (n >= Math.min(LIMIT, ERRORS_MAX)) return;
      this.i32[base + 2 + n * 2] = hash;
      this.i32[base + 3 + n * 2] = 1;
      this.i32[base] = n + 1;
      write();
    } finally {
      this.lock.unlock();
    }
  }

  /** All errors, and how many distinct ones. */
  totals(): { errors: number; contexts: number } {
    return { errors: this.i32[(ERRORS >> 2) + 1]!, contexts: this.i32[ERRORS >> 2]! };
  }
}

function hashOf(kind: string, pcs: readonly number[]): number {
  let h = 0x811c9dc5;
  const add = (v: number): void => {
    h = Math.imul(h ^ v, 0x01000193);
  };
  for (let i = 0; i < kind.length; i++) add(kind.charCodeAt(i));
  for (const pc of pcs) {
    add(pc | 0);
    add(Math.floor(pc / 4294967296));
  }
  return h | 1;
}
