/**
 * The errors of a run, in a shared buffer of their own: what has been found how often, and the reports themselves as
 * JSON, for the list at the end.
 *
 * Owner: whoever holds the tool-state lock; everything here is read and written under it, with plain accesses. Only
 * COUNT words are read without (one word each, a moment's value). The main thread reads when all workers are gone.
 *
 * | words         | what                                                                                       |
 * | ------------- | ------------------------------------------------------------------------------------------ |
 * | 0 ..          | W_*: counts and flags                                                                      |
 * | ANNOUNCED     | one bit per thread number: announced                                                       |
 * | SUPPRESSIONS  | {uses, when last matched} per suppression                                                  |
 * | CONTEXTS      | {hash of kind, hash of 2 frames, of 4 frames, count, when last, suppression, text, bytes}  |
 * | INDEX         | hash table: context number + 1, by hash of kind and 2 frames; open addressing              |
 * | TEXT (bytes)  | JSON of reported errors, one behind the other                                              |
 */

const W_USED = 0;
const W_CONTEXTS = 1;
const W_FOUND = 2;
const W_SUPPRESSED = 3;
const W_FOUND_CONTEXTS = 4;
const W_CLOCK = 5;
const W_FLAGS = 6;
const W_LAST_TID = 7;

const ANNOUNCED = 16;
const ANNOUNCED_WORDS = 8192;
const SUPPRESSIONS = ANNOUNCED + ANNOUNCED_WORDS;
const SUPPRESSIONS_MAX = 16384;
const CONTEXTS = SUPPRESSIONS + SUPPRESSIONS_MAX * 2;
const CONTEXTS_MAX = 65536;
const CONTEXT_WORDS = 8;
const INDEX = CONTEXTS + CONTEXTS_MAX * CONTEXT_WORDS;
const INDEX_SIZE = CONTEXTS_MAX * 2;
const TEXT = (INDEX + INDEX_SIZE) * 4;
/** Never touched pages cost nothing. */
const BYTES = TEXT + (64 << 20);

/** What makes an error the same as another. */
export interface Identity {
  /** Of kind and what the tool adds. */
  kind: number;
  /** Of the innermost two and four frames. */
  two: number;
  four: number;
}

export interface Context {
  /** From 0, in order of finding. */
  number: number;
  count: number;
  /** Grows with every occurrence of any error. */
  last: number;
  /** Number of the suppression that hid it, -1 for none. */
  suppression: number;
  /** Of kind and frames: the same error has the same one in every run that loads code at the same addresses. */
  hash: number;
}

/** What is said, or done, once. */
export const SAID_SLOWER = 1;
export const SAID_STOP = 2;
/** The first error has ended the program. */
export const SAID_EXIT = 4;
/** Whoever answers wants no more questions. */
export const SAID_ENOUGH = 8;

export class ErrorStore {
  private readonly i32: Int32Array;
  private readonly u8: Uint8Array;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.i32 = new Int32Array(buffer, 0, TEXT >> 2);
    this.u8 = new Uint8Array(buffer);
    // Thread ids in reports start at 1, and the first error in thread 1 is not introduced.
    if (this.i32[W_LAST_TID] === 0) this.i32[W_LAST_TID] = 1;
  }

  static create(): ErrorStore {
    return new ErrorStore(new SharedArrayBuffer(BYTES));
  }

  get found(): number {
    return this.i32[W_FOUND]!;
  }

  get foundContexts(): number {
    return this.i32[W_FOUND_CONTEXTS]!;
  }

  get suppressed(): number {
    return this.i32[W_SUPPRESSED]!;
  }

  get suppressedContexts(): number {
    return this.i32[W_CONTEXTS]! - this.i32[W_FOUND_CONTEXTS]!;
  }

  /** Number of the context that this is another occurrence of, -1 for none. */
  find(id: Identity, frames: 2 | 4): number {
    for (let at = this.slot(id); ; at = (at + 1) % INDEX_SIZE) {
      const n = this.i32[INDEX + at]! - 1;
      if (n < 0) return -1;
      const c = CONTEXTS + n * CONTEXT_WORDS;
      const { i32 } = this;
      if (i32[c] !== id.kind || i32[c + 1] !== id.two) continue;
      if (frames === 2 || i32[c + 2] === id.four) return n;
    }
  }

  /** Counts another occurrence of a context. */
  again(n: number): void {
    const c = CONTEXTS + n * CONTEXT_WORDS;
    this.i32[c + 3]!++;
    this.i32[c + 4] = ++this.i32[W_CLOCK]!;
    const suppression = this.i32[c + 5]!;
    if (suppression < 0) this.i32[W_FOUND]!++;
    else {
      this.i32[W_SUPPRESSED]!++;
      this.i32[SUPPRESSIONS + suppression * 2]!++;
    }
  }

  /** A new context with its first occurrence; its number, or -1 when there is no room for more. */
  add(id: Identity, suppression: number): number {
    const n = this.i32[W_CONTEXTS]!;
    if (n >= CONTEXTS_MAX) return -1;
    this.i32[W_CONTEXTS] = n + 1;
    const when = this.i32[W_CLOCK]! + 1;
    this.i32.set([id.kind, id.two, id.four, 0, 0, suppression, 0, 0], CONTEXTS + n * CONTEXT_WORDS);
    let at = this.slot(id);
    while (this.i32[INDEX + at] !== 0) at = (at + 1) % INDEX_SIZE;
    this.i32[INDEX + at] = n + 1;
    if (suppression < 0) this.i32[W_FOUND_CONTEXTS]!++;
    else this.i32[SUPPRESSIONS + suppression * 2 + 1] = when;
    this.again(n);
    return n;
  }

  private slot(id: Identity): number {
    return ((Math.imul(id.kind, 0x9e3779b1) ^ id.two) >>> 0) % INDEX_SIZE;
  }

  /** Keeps the report of a context; without room it is left out of lists at the end. */
  keep(n: number, report: unknown): void {
    const bytes = Buffer.from(JSON.stringify(report));
    const at = TEXT + this.i32[W_USED]!;
    if (at + bytes.length > this.u8.length) return;
    this.u8.set(bytes, at);
    this.i32[W_USED]! += bytes.length;
    this.i32.set([at, bytes.length], CONTEXTS + n * CONTEXT_WORDS + 6);
  }

  /** The report of a context, null when it was suppressed or there was no room for it. */
  report(n: number): unknown {
    const c = CONTEXTS + n * CONTEXT_WORDS;
    const [at, length] = [this.i32[c + 6]!, this.i32[c + 7]!];
    if (length === 0) return null;
    return JSON.parse(Buffer.from(this.u8.slice(at, at + length)).toString()) as unknown;
  }

  /** All contexts in order of finding. */
  contexts(): Context[] {
    return Array.from({ length: this.i32[W_CONTEXTS]! }, (_, number) => {
      const c = CONTEXTS + number * CONTEXT_WORDS;
      const { i32 } = this;
      const hash = (Math.imul(i32[c]!, 31) ^ i32[c + 2]!) >>> 0;
      return { number, count: i32[c + 3]!, last: i32[c + 4]!, suppression: i32[c + 5]!, hash };
    });
  }

  /** Uses of a suppression, and when it last hid a new error. */
  suppressionUse(number: number): { uses: number; last: number } {
    const at = SUPPRESSIONS + number * 2;
    return { uses: this.i32[at]!, last: this.i32[at + 1]! };
  }

  /** True the first time that a thread number is asked for. */
  announce(thread: number): boolean {
    const at = ANNOUNCED + (Math.min(thread, ANNOUNCED_WORDS * 32 - 1) >> 5);
    const bit = 1 << (thread & 31);
    if ((this.i32[at]! & bit) !== 0) return false;
    this.i32[at]! |= bit;
    return true;
  }

  /** True the first time for one of SAID_*. */
  say(what: number): boolean {
    if ((this.i32[W_FLAGS]! & what) !== 0) return false;
    this.i32[W_FLAGS]! |= what;
    return true;
  }

  /** Whether one of SAID_* has been said. */
  said(what: number): boolean {
    return (this.i32[W_FLAGS]! & what) !== 0;
  }

  /** True when the last error came from another thread. */
  turn(tid: number): boolean {
    const other = this.i32[W_LAST_TID] !== tid;
    this.i32[W_LAST_TID] = tid;
    return other;
  }
}

/** How many suppressions a run can have. */
export const MOST_SUPPRESSIONS = SUPPRESSIONS_MAX;
