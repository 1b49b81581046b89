/**
 * Errors found by tools, across all workers: a table in shared memory, guarded by the tool-state lock. The first
 * occurrence of an error is printed by whoever finds it, under the lock, so that reports never mix and the order of
 * printing is the order of finding.
 *
 * | words from ERRORS | what, all under the tool-state lock                                          |
 * | ----------------- | ---------------------------------------------------------------------------- |
 * | 0, 1, 2           | distinct errors; all errors; kinds                                           |
 * | 16 ..             | ERRORS_MAX entries of ENTRY words: hash, count, kind, frames, then 2 words for each of the top frames |
 * | KINDS ..          | KINDS_MAX texts of KIND_BYTES: length byte, then Latin-1                      |
 */

import { G_LOCK_TOOL, G_STATS } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { Mutex } from '../../sync/mutex.js';
import type { ErrorSink } from '../tools/api.js';

const ERRORS = (G_STATS + 0x10000) >> 2;
const DISTINCT = ERRORS;
const ALL = ERRORS + 1;
const KIND_COUNT = ERRORS + 2;
const ENTRIES = ERRORS + 16;
/** Distinct errors shown before the rest is only counted, as Valgrind's --error-limit; also all there is room for. */
const ERRORS_MAX = 1000;
/** Frames that make two errors the same (valgrind-facts 2.5). */
const TOP_FRAMES = 4;
const ENTRY = 4 + 2 * TOP_FRAMES;
const KINDS = (ENTRIES + ERRORS_MAX * ENTRY) << 2;
const KIND_BYTES = 32;
const KINDS_MAX = 64;

/** One distinct error. */
export interface Finding {
  kind: string;
  /** Hash of the kind and the innermost frames: the same error has the same one in every run. */
  hash: number;
  count: number;
  /** Innermost frames, at most four. */
  pcs: number[];
}

export class Errors implements ErrorSink {
  private readonly lock: Mutex;
  private readonly i32: Int32Array;

  constructor(private readonly machine: Machine) {
    this.i32 = machine.i32;
    this.lock = new Mutex(machine.i32, G_LOCK_TOOL >> 2, 'toolState');
  }

  report(kind: string, pcs: readonly number[], write: () => void): void {
    const top = pcs.slice(0, TOP_FRAMES);
    const hash = hashOf(kind, top);
    this.lock.lock(this.machine.self);
    try {
      this.i32[ALL]!++;
      const n = this.i32[DISTINCT]!;
      for (let i = 0; i < n; i++) {
        if (this.i32[ENTRIES + i * ENTRY] === hash) {
          this.i32[ENTRIES + i * ENTRY + 1]!++;
          return;
        }
      }
      if (n >= ERRORS_MAX) return;
      this.put(ENTRIES + n * ENTRY, hash, this.kindIndex(kind), top);
      this.i32[DISTINCT] = n + 1;
      write();
    } finally {
      this.lock.unlock();
    }
  }

  /** All errors, and how many distinct ones. */
  totals(): { errors: number; contexts: number } {
    return { errors: this.i32[ALL]!, contexts: this.i32[DISTINCT]! };
  }

  /** The distinct errors in the order of finding; for when no guest thread runs any more. */
  list(): Finding[] {
    const { i32 } = this;
    return Array.from({ length: i32[DISTINCT]! }, (_, i) => {
      const at = ENTRIES + i * ENTRY;
      const pcs = Array.from({ length: i32[at + 3]! }, (_, f) => {
        const frame = at + 4 + f * 2;
        return i32[frame + 1]! * 4294967296 + (i32[frame]! >>> 0);
      });
      return { kind: this.kindText(i32[at + 2]!), hash: i32[at]! >>> 0, count: i32[at + 1]!, pcs };
    });
  }

  private put(at: number, hash: number, kind: number, pcs: readonly number[]): void {
    const { i32 } = this;
    i32[at] = hash;
    i32[at + 1] = 1;
    i32[at + 2] = kind;
    i32[at + 3] = pcs.length;
    pcs.forEach((pc, f) => {
      i32[at + 4 + f * 2] = pc | 0;
      i32[at + 5 + f * 2] = Math.floor(pc / 4294967296);
    });
  }

  /** Where the text of a kind lies, put there if it is new. The last place is for all kinds beyond the others. */
  private kindIndex(kind: string): number {
    const text = Buffer.from(kind, 'latin1').subarray(0, KIND_BYTES - 1);
    const n = this.i32[KIND_COUNT]!;
    const wanted = text.toString('latin1');
    for (let i = 0; i < n; i++) if (this.kindText(i) === wanted) return i;
    if (n === KINDS_MAX) return n - 1;
    this.machine.u8[KINDS + n * KIND_BYTES] = text.length;
    this.machine.u8.set(text, KINDS + n * KIND_BYTES + 1);
    this.i32[KIND_COUNT] = n + 1;
    return n;
  }

  private kindText(index: number): string {
    const at = KINDS + index * KIND_BYTES;
    return Buffer.from(this.machine.u8.slice(at + 1, at + 1 + this.machine.u8[at]!)).toString('latin1');
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
