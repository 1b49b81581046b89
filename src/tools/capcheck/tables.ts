/**
 * CapCheck's tables: what is known of every capability slot and every object. Fixed records of 32-bit words in one
 * array, which lies in the tool area when guest threads run on several workers and is any Int32Array in tests. The
 * tool-state lock guards all of it; records are only ever added.
 *
 * | words from the base | what                                                                       |
 * | ------------------- | -------------------------------------------------------------------------- |
 * | 0 ..                | header, H_*                                                                 |
 * | TASK_ROWS ..        | TASKS_MAX records of TASK words, by task number                             |
 * | THREAD_ROWS ..      | THREADS_MAX records of THREAD words, by thread number                       |
 * | SLOT_ROWS ..        | SLOTS_MAX records of SLOT words, hashed by task and slot                    |
 * | OBJECT_ROWS ..      | OBJECTS_MAX records of OBJECT words, hashed by number                       |
 * | SITE_ROWS ..        | SITES_MAX records of SITE words, hashed by trace: places that allocate slots |
 * | NAMES ..            | NAMES_MAX names: length in bytes, then Latin-1, NAME words each             |
 */

/** Slots that the allocator handed out and took back, all tasks together; names; records that found no room. */
export const H_ALLOCS = 0;
export const H_FREES = 1;
export const H_NAMES = 2;
export const H_DROPPED = 3;

export const TASK_ROWS = 16;
export const TASKS_MAX = 256;
export const TASK = 4;
/** Lowest slot that the task's allocator handed out, plus 1; 0 while no allocator was seen. */
export const K_LOWEST = 0;
/** Number of its name, 0 for none. */
export const K_NAME = 1;
/** Task is gone: its slots are no leaks. */
export const K_GONE = 2;

export const THREAD_ROWS = TASK_ROWS + TASKS_MAX * TASK;
export const THREADS_MAX = 1024;
export const THREAD = 4;
/** Number of its task plus 1, 0 before it is bound. */
export const W_TASK = 0;
/** It is in an open wait: what arrives goes into standing receive buffers. */
export const W_WAITING = 1;
/** Number of the request that it serves, from 1; 0 before the first. */
export const W_REQUEST = 2;

export const SLOT_ROWS = THREAD_ROWS + THREADS_MAX * THREAD;
export const SLOTS_MAX = 1 << 16;
export const SLOT = 20;
/** Task number plus 1; 0 for a free record. */
export const S_TASK = 0;
export const S_SLOT = 1;
/** NEVER, ALLOCATED, FREED: what the program's allocator says. */
export const S_STATE = 2;
/** References that a counting allocator holds on it. */
export const S_REFS = 3;
/** Traces of the last allocation and of the last free. */
export const S_ALLOC_TRACE = 4;
export const S_FREE_TRACE = 5;
/** Object that the slot holds, 0 for none. */
export const S_OBJECT = 6;
/** Number of times that it was filled. */
export const S_GENERATION = 7;
/** Rights, index in FILL_CAUSES << 8, weak << 16. */
export const S_HOW = 8;
export const S_FILL_TRACE = 9;
/** Thread in whose buffer it arrived, when it did so in an open wait; else 0. */
export const S_BUFFER_OF = 10;
export const S_DRAIN_TRACE = 11;
/** Index in DRAIN_CAUSES plus 1; 0 when it was never emptied. */
export const S_DRAIN = 12;
/** Object that it held before. */
export const S_LAST_OBJECT = 13;
/** Fill trace of that. */
export const S_LAST_FILL = 14;
/** S_HOW and S_BUFFER_OF of that. */
export const S_LAST_HOW = 15;
export const S_LAST_BUFFER = 16;
/** Allocation was during this request of its thread; see SITE. */
export const S_REQUEST = 17;
/** Invocations since it was filled. */
export const S_USED = 18;
/** 1: its allocation was not seen, only that the allocator's counter is not 0. */
export const S_ADOPTED = 19;

export const NEVER = 0;
export const ALLOCATED = 1;
export const FREED = 2;

export const OBJECT_ROWS = SLOT_ROWS + SLOTS_MAX * SLOT;
export const OBJECTS_MAX = 1 << 16;
export const OBJECT = 10;
export const O_ID = 0;
/** Index in OBJECT_KINDS plus 1. */
export const O_KIND = 1;
export const O_CREATE_TRACE = 2;
/** Slots that hold it. */
export const O_HOLDERS = 3;
export const O_GONE = 4;
export const O_GONE_TRACE = 5;
export const O_NAME = 6;
/** Its maker emptied the slot it was created in although other slots held it: where; 0 when not. */
export const O_RELEASED = 7;
/** Invocations since then. */
export const O_USED = 8;

export const SITE_ROWS = OBJECT_ROWS + OBJECTS_MAX * OBJECT;
export const SITES_MAX = 4096;
export const SITE = 4;
export const L_TRACE = 0;
/** Requests in a row that each left a slot allocated here. */
export const L_ROW = 1;
export const L_REPORTED = 2;
/** Slots allocated here at the last report of an interval. */
export const L_LAST = 3;

export const NAMES = SITE_ROWS + SITES_MAX * SITE;
export const NAMES_MAX = 4096;
export const NAME = 8;

/** Words that the tables take. */
export const TABLE_WORDS = NAMES + NAMES_MAX * NAME;

/** Places tried for a record. */
const PROBES = 64;

export class CapTables {
  constructor(
    readonly i32: Int32Array,
    /** Index of the first word. */
    readonly base: number,
  ) {}

  header(word: number): number {
    return this.i32[this.base + word]!;
  }

  count(word: number): void {
    this.i32[this.base + word]!++;
  }

  /** Index of a task's record; tasks with large numbers share the last one. */
  task(task: number): number {
    return this.base + TASK_ROWS + Math.min(task, TASKS_MAX - 1) * TASK;
  }

  /** Index of the record of a thread, by its number from 1. */
  thread(number: number): number {
    return this.base + THREAD_ROWS + Math.min(number, THREADS_MAX - 1) * THREAD;
  }

  /** Index of a slot's record; -1 when it has none and `add` is not wanted or there is no room. */
  slot(task: number, slot: number, add: boolean): number {
    return this.find(SLOT_ROWS, SLOTS_MAX, SLOT, task + 1, slot, add);
  }

  object(id: number, add: boolean): number {
    return id === 0 ? -1 : this.find(OBJECT_ROWS, OBJECTS_MAX, OBJECT, id, null, add);
  }

  site(trace: number, add: boolean): number {
    return trace === 0 ? -1 : this.find(SITE_ROWS, SITES_MAX, SITE, trace, null, add);
  }

  /** Open addressing by the first word, and the second where `second` is given. */
  private find(
    rows: number,
    most: number,
    size: number,
    first: number,
    second: number | null,
    add: boolean,
  ): number {
    const { i32 } = this;
    let at = Math.imul(Math.imul(first, 0x9e3779b1) ^ (second ?? 0), 0x85ebca6b) >>> 8;
    for (let n = 0; n < PROBES; n++, at++) {
      const row = this.base + rows + (at & (most - 1)) * size;
      const key = i32[row]!;
      if (key === first && (second === null || i32[row + 1] === second)) return row;
      if (key !== 0) continue;
      if (!add) return -1;
      i32[row] = first;
      if (second !== null) i32[row + 1] = second;
      return row;
    }
    if (add) this.count(H_DROPPED);
    return -1;
  }

  /** Records of slots, in no order. */
  *slots(): Generator<number> {
    yield* this.rows(SLOT_ROWS, SLOTS_MAX, SLOT);
  }

  *objects(): Generator<number> {
    yield* this.rows(OBJECT_ROWS, OBJECTS_MAX, OBJECT);
  }

  private *rows(rows: number, most: number, size: number): Generator<number> {
    for (let i = 0; i < most; i++) {
      const row = this.base + rows + i * size;
      if (this.i32[row] !== 0) yield row;
    }
  }

  /** Number of a name, 0 when there is no room for more. Names end after what a record holds. */
  addName(name: string): number {
    const n = this.header(H_NAMES);
    if (n >= NAMES_MAX - 1 || name === '') return 0;
    this.i32[this.base + H_NAMES] = n + 1;
    const bytes = Buffer.from(name, 'latin1').subarray(0, (NAME - 1) * 4);
    const at = this.base + NAMES + (n + 1) * NAME;
    this.i32[at] = bytes.length;
    for (let i = 0; i < bytes.length; i++) this.i32[at + 1 + (i >> 2)]! |= bytes[i]! << ((i & 3) * 8);
    return n + 1;
  }

  name(number: number): string {
    if (number === 0) return '';
    const at = this.base + NAMES + number * NAME;
    let text = '';
    for (let i = 0; i < this.i32[at]!; i++) {
      text += String.fromCharCode((this.i32[at + 1 + (i >> 2)]! >>> ((i & 3) * 8)) & 0xff);
    }
    return text;
  }
}
