/**
 * Ranges of a task's addresses that a guest thread manages, in the task block (K_MANAGED): who is asked when a page
 * there is missing. Everything under the region lock, but for K_MANAGED_ASKED, which may be read without as a hint.
 *
 * A record, 32 bytes:
 *
 * | offset | type | field                                                                    |
 * | ------ | ---- | ------------------------------------------------------------------------ |
 * | 0      | f64  | start, page-aligned                                                      |
 * | 8      | f64  | end, first address behind it                                             |
 * | 16     | u32  | thread state of the manager; NOBODY: it has ended; UNASKED: never asked  |
 * | 20     | i32  | its thread id                                                            |
 */
import { K_MANAGED, K_MANAGED_ASKED, K_MANAGED_COUNT, PAGE_SIZE } from './layout.js';
import type { Machine } from './machine.js';

const RECORD = 32;
/** Most ranges of a task. */
export const MANAGED_MAX = 64;
/** The manager has ended. */
export const NOBODY = 0;
/** The framework resolves the range's faults itself. */
export const UNASKED = 1;

/** A record, copied out. */
export interface Managed {
  start: number;
  end: number;
  owner: number;
  tid: number;
}

export class ManagedRanges {
  private readonly machine: Machine;
  private readonly base: number;
  private readonly countAt: number;
  private readonly askedAt: number;

  constructor(machine: Machine, task: number) {
    this.machine = machine;
    this.base = task + K_MANAGED;
    this.countAt = (task + K_MANAGED_COUNT) >>> 2;
    this.askedAt = (task + K_MANAGED_ASKED) >>> 2;
  }

  /** Whether any thread is to be asked about anything. Needs no lock: a range counts from when its maker returns. */
  get any(): boolean {
    return Atomics.load(this.machine.i32, this.askedAt) !== 0;
  }

  /** The range that holds `addr`. */
  at(addr: number): Managed | undefined {
    return this.all().find((r) => r.start <= addr && addr < r.end);
  }

  all(): Managed[] {
    const { i32, u32, f64 } = this.machine;
    return Array.from({ length: i32[this.countAt]! }, (_, k) => {
      const at = this.base + k * RECORD;
      return {
        start: f64[at >>> 3]!,
        end: f64[(at >>> 3) + 1]!,
        owner: u32[(at + 16) >>> 2]!,
        tid: i32[(at + 20) >>> 2]!,
      };
    });
  }

  /** False when the table is full, or the range meets another one. */
  add(range: Managed): boolean {
    const all = this.all();
    if (all.length >= MANAGED_MAX) return false;
    if (all.some((r) => r.start < range.end && range.start < r.end)) return false;
    this.write([...all, range]);
    return true;
  }

  /** Gives every range to `owner` for which `which` holds; null takes them out. True when there was one. */
  hand(which: (r: Managed) => boolean, owner: number | null): boolean {
    const all = this.all();
    const hit = all.filter(which);
    if (hit.length === 0) return false;
    const rest = all.filter((r) => !which(r));
    this.write(owner === null ? rest : [...rest, ...hit.map((r) => ({ ...r, owner }))]);
    return true;
  }

  /** What of [lo, hi) around `page` may be filled in passing: in a managed range a page at a time, elsewhere up to the next one. */
  clip(page: number, lo: number, hi: number): [number, number] {
    let [from, to] = [lo, hi];
    for (const r of this.all()) {
      if (r.owner === UNASKED) continue;
      if (r.start <= page && page < r.end) return [page, page + PAGE_SIZE];
      if (r.end <= page) from = Math.max(from, r.end);
      else to = Math.min(to, r.start);
    }
    return [from, to];
  }

  private write(all: readonly Managed[]): void {
    const { i32, u32, f64 } = this.machine;
    all.forEach((r, k) => {
      const at = this.base + k * RECORD;
      f64[at >>> 3] = r.start;
      f64[(at >>> 3) + 1] = r.end;
      u32[(at + 16) >>> 2] = r.owner;
      i32[(at + 20) >>> 2] = r.tid;
    });
    i32[this.countAt] = all.length;
    Atomics.store(i32, this.askedAt, all.filter((r) => r.owner !== UNASKED).length);
  }
}
