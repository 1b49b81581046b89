/**
 * What each thread holds and waits for: in its thread state, written by the thread alone and read by whoever reports a
 * deadlock, when the thread stands still.
 *
 * | from T_HELD + | what                                                                                        |
 * | ------------- | ------------------------------------------------------------------------------------------- |
 * | 0             | object waited for and its id, 0 for none; number of the thread that is being joined, 0 for none; 1 when detached (by whoever detaches it, atomic) |
 * | 16            | count of entries, then up to HELD_MAX of {object, id, mode and count, trace, f64 ms since}   |
 *
 * An entry whose object has another id or another owner by now is out of date: the lock was destroyed, or somebody else
 * unlocked it.
 */
import { T_TOOL_AREA } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { O_OWNER, O_READERS, type Objects } from './objects.js';

/** Behind the engine's counters. */
const T_HELD = T_TOOL_AREA + 0x400;
const H_WAITS = T_HELD;
const H_COUNT = T_HELD + 16;
const H_ENTRIES = T_HELD + 24;
const ENTRY = 24;
export const HELD_MAX = 100;

const WRITES = 0x40000000;

export interface Hold {
  readonly object: number;
  readonly id: number;
  readonly writes: boolean;
  /** How often it was taken. */
  readonly count: number;
  /** Where it was taken. */
  readonly trace: number;
  /** Host ms. */
  readonly since: number;
}

export class Held {
  private readonly i32: Int32Array;
  private readonly f64: Float64Array;

  constructor(
    machine: Machine,
    private readonly objects: Objects,
    /** Number of a thread as objects know their owners. */
    private readonly numberOf: (ts: number) => number,
  ) {
    this.i32 = machine.i32;
    this.f64 = machine.f64;
  }

  private at(ts: number, i: number): number {
    return ts + H_ENTRIES + i * ENTRY;
  }

  private read(ts: number, i: number): Hold {
    const at = this.at(ts, i) >> 2;
    const mode = this.i32[at + 2]!;
    return {
      object: this.i32[at]!,
      id: this.i32[at + 1]!,
      writes: (mode & WRITES) !== 0,
      count: mode & ~WRITES,
      trace: this.i32[at + 3]!,
      since: this.f64[(this.at(ts, i) + 16) >> 3]!,
    };
  }

  private valid(ts: number, h: Hold): boolean {
    if (this.objects.id(h.object) !== h.id) return false;
    if (h.writes) return this.objects.get(h.object, O_OWNER) === this.numberOf(ts);
    return this.objects.get(h.object, O_READERS) > 0;
  }

  /** What the thread holds, oldest first. */
  all(ts: number): Hold[] {
    const n = this.i32[(ts + H_COUNT) >> 2]!;
    const out: Hold[] = [];
    for (let i = 0; i < n; i++) {
      const h = this.read(ts, i);
      if (this.valid(ts, h)) out.push(h);
    }
    return out;
  }

  /** The thread's hold on an object, whether or not it is out of date; undefined when there is none. */
  of(ts: number, object: number): Hold | undefined {
    const i = this.index(ts, object);
    if (i < 0) return undefined;
    const h = this.read(ts, i);
    return this.valid(ts, h) ? h : undefined;
  }

  private index(ts: number, object: number): number {
    for (let i = this.i32[(ts + H_COUNT) >> 2]! - 1; i >= 0; i--) {
      const at = this.at(ts, i) >> 2;
      if (this.i32[at] === object && this.i32[at + 1] === this.objects.id(object)) return i;
    }
    return -1;
  }

  /** Taken once more; the trace is asked for when it was not held. */
  take(ts: number, object: number, writes: boolean, trace: () => number, now: number): void {
    const { i32 } = this;
    let i = this.index(ts, object);
    if (i >= 0 && this.valid(ts, this.read(ts, i))) {
      i32[(this.at(ts, i) + 8) >> 2]!++;
      return;
    }
    if (i < 0) {
      i = i32[(ts + H_COUNT) >> 2]!;
      if (i >= HELD_MAX) return;
      i32[(ts + H_COUNT) >> 2] = i + 1;
    }
    const at = this.at(ts, i) >> 2;
    i32[at] = object;
    i32[at + 1] = this.objects.id(object);
    i32[at + 2] = 1 | (writes ? WRITES : 0);
    i32[at + 3] = trace();
    this.f64[(this.at(ts, i) + 16) >> 3] = now;
  }

  /** Given back once; true when it is not held any more. */
  give(ts: number, object: number): boolean {
    const { i32 } = this;
    const i = this.index(ts, object);
    if (i < 0) return true;
    const at = (this.at(ts, i) + 8) >> 2;
    if ((i32[at]! & ~WRITES) > 1) {
      i32[at]!--;
      return false;
    }
    this.remove(ts, i);
    return true;
  }

  /** Not held at all any more, however often it was taken. */
  drop(ts: number, object: number): void {
    const i = this.index(ts, object);
    if (i >= 0) this.remove(ts, i);
  }

  private remove(ts: number, i: number): void {
    const n = this.i32[(ts + H_COUNT) >> 2]!;
    this.i32.copyWithin(this.at(ts, i) >> 2, this.at(ts, i + 1) >> 2, this.at(ts, n) >> 2);
    this.i32[(ts + H_COUNT) >> 2] = n - 1;
  }

  /** The thread is about to wait for an object; 0: it does not any more. */
  waits(ts: number, object: number): void {
    const at = (ts + H_WAITS) >> 2;
    this.i32[at + 1] = object === 0 ? 0 : this.objects.id(object);
    this.i32[at] = object;
  }

  /** The thread is about to wait for another one to end; 0: it does not any more. */
  joins(ts: number, thread: number): void {
    this.i32[(ts + H_WAITS + 8) >> 2] = thread;
  }

  /** Nobody will join the thread. */
  detach(ts: number): void {
    Atomics.store(this.i32, (ts + H_WAITS + 12) >> 2, 1);
  }

  isDetached(ts: number): boolean {
    return Atomics.load(this.i32, (ts + H_WAITS + 12) >> 2) === 1;
  }

  /** Number of the thread that it waits for, 0 for none. */
  joined(ts: number): number {
    return this.i32[(ts + H_WAITS + 8) >> 2]!;
  }

  /** What the thread waits for, 0 for nothing that is known. */
  awaited(ts: number): number {
    const at = (ts + H_WAITS) >> 2;
    const object = this.i32[at]!;
    return object !== 0 && this.objects.id(object) === this.i32[at + 1] ? object : 0;
  }
}
