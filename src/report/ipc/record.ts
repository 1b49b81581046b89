/**
 * The IPC trace while a program runs: each worker copies what crosses the system call into a buffer of its own and
 * appends full buffers to one file; nothing is decoded until the end. A record is a number of 64-bit words:
 *
 * | word | what                                                                                       |
 * | ---- | ------------------------------------------------------------------------------------------ |
 * | 0    | length in words; kind << 16; thread << 32                                                   |
 * | 1    | time in ms since the process began, a double                                                |
 * | 2    | task; what the selector means: index in OBJECT_KINDS plus 1 << 32                           |
 * | 3    | enter: destination selector. leave: label received                                          |
 * | 4    | tag                                                                                         |
 * | 5    | enter: timeouts. leave: error word of the UTCB                                              |
 * | 6    | object; buffer descriptor << 32                                                             |
 * | 7 .. | message registers of the tag's words and items, then for enter BUFFERS buffer registers     |
 *
 * Names are records too: bytes of the name from word 3 on, their number in word 2, the object or task in word 1.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { T_SLOT, T_X } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { type L4Events, OBJECT_KINDS, type Target } from '../../../kernel/l4/events.js';

export const ENTER = 1;
export const LEAVE = 2;
export const OBJECT_NAME = 3;
export const TASK_NAME = 4;
export const THREAD_TASK = 5;

/** Buffer registers kept of a call. */
export const BUFFERS = 6;
export const HEAD = 7;
const MOST = HEAD + 63 + BUFFERS;
/** Words of a buffer. */
const ROOM = 1 << 14;

/** Byte offsets in the UTCB (section 3 of the ABI notes). */
const UTCB_BDR = 0x200;
const UTCB_BR = 0x208;
const UTCB_ERROR = 0x3d8;

export class IpcRecorder implements L4Events {
  private readonly words = new ArrayBuffer(ROOM * 8);
  private readonly i64 = new BigInt64Array(this.words);
  private readonly i32 = new Int32Array(this.words);
  private readonly f64 = new Float64Array(this.words);
  private used = 0;
  private readonly fd: number;

  /** Appends to `file`. Throws Error when it cannot be written. */
  constructor(
    private readonly machine: Machine,
    file: string,
  ) {
    this.fd = openSync(file, 'a');
  }

  taskCreated(task: number, _object: number, name: string): void {
    this.name(TASK_NAME, task, name);
  }

  objectNamed(object: number, name: string): void {
    this.name(OBJECT_NAME, object, name);
  }

  threadBound(ts: number, task: number, object: number): void {
    const at = this.begin(HEAD, THREAD_TASK, ts);
    this.i32[at * 2 + 4] = task;
    this.i32[at * 2 + 12] = object;
    this.end(HEAD);
  }

  enter(ts: number, task: number, utcb: number, target: Target): void {
    const { machine } = this;
    const count = this.count(ts);
    const length = HEAD + count + BUFFERS;
    const at = this.begin(length, ENTER, ts);
    this.head(at, ts, task, 11);
    this.i32[at * 2 + 5] = OBJECT_KINDS.indexOf(target.kind) + 1;
    this.i32[at * 2 + 10] = machine.i32[(ts + T_X + 12 * 8) >>> 2]!;
    this.i32[at * 2 + 12] = target.object;
    this.i32[at * 2 + 13] = machine.i32[(utcb + UTCB_BDR) >>> 2]!;
    this.copy(at + HEAD, utcb, count);
    this.copy(at + HEAD + count, utcb + UTCB_BR, BUFFERS);
    this.end(length);
  }

  leave(ts: number, task: number, utcb: number): void {
    const count = this.count(ts);
    const length = HEAD + count;
    const at = this.begin(length, LEAVE, ts);
    this.head(at, ts, task, 13);
    this.i32[at * 2 + 10] = this.machine.i32[(utcb + UTCB_ERROR) >>> 2]!;
    this.copy(at + HEAD, utcb, count);
    this.end(length);
  }

  /** Writes out what is in the buffer. */
  flush(): void {
    if (this.used === 0) return;
    const bytes = new Uint8Array(this.words, 0, this.used * 8);
    this.used = 0;
    // One write: other workers append to the same file.
    writeSync(this.fd, bytes);
  }

  close(): void {
    this.flush();
    closeSync(this.fd);
  }

  /** Message registers that count: the tag's words and two for each item. */
  private count(ts: number): number {
    const tag = this.machine.i32[(ts + T_X + 10 * 8) >>> 2]!;
    return Math.min((tag & 63) + 2 * ((tag >>> 6) & 63), 63);
  }

  private begin(length: number, kind: number, ts: number): number {
    if (this.used + MOST > ROOM) this.flush();
    const at = this.used;
    this.i32.fill(0, at * 2, (at + HEAD) * 2);
    this.i32[at * 2] = length | (kind << 16);
    this.i32[at * 2 + 1] = ts === 0 ? 0 : this.machine.i32[(ts + T_SLOT) >>> 2]! + 1;
    this.f64[at + 1] = performance.now() + performance.timeOrigin;
    return at;
  }

  private head(at: number, ts: number, task: number, register: number): void {
    this.i32[at * 2 + 4] = task;
    this.copy(at + 3, ts + T_X + register * 8, 1);
    this.copy(at + 4, ts + T_X + 10 * 8, 1);
  }

  private copy(to: number, from: number, count: number): void {
    this.i64.set(this.machine.i64.subarray(from >>> 3, (from >>> 3) + count), to);
  }

  private end(length: number): void {
    this.used += length;
  }

  private name(kind: number, number: number, name: string): void {
    const bytes = Buffer.from(name, 'utf8').subarray(0, 200);
    const length = 3 + Math.ceil(bytes.length / 8);
    const at = this.begin(Math.max(length, HEAD), kind, 0);
    this.i64.fill(0n, at + 1, at + Math.max(length, HEAD));
    this.i32[at * 2 + 2] = number;
    this.i32[at * 2 + 4] = bytes.length;
    new Uint8Array(this.words).set(bytes, (at + 3) * 8);
    this.end(Math.max(length, HEAD));
  }
}
