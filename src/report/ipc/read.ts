/** Reads the records of an IPC trace back. */
import { OBJECT_KINDS, type ObjectKind } from '../../../kernel/l4/events.js';
import type { Enter, Leave } from '../../../kernel/l4/protocols/conversation.js';
import { BUFFERS, ENTER, HEAD, LEAVE, OBJECT_NAME, TASK_NAME, THREAD_TASK } from './record.js';

export type IpcEvent =
  | {
      readonly is: 'enter';
      readonly thread: number;
      readonly time: number;
      readonly task: number;
      /** 0 when the selector means nothing. */
      readonly object: number;
      readonly kind: ObjectKind | null;
      readonly call: Enter;
    }
  | {
      readonly is: 'leave';
      readonly thread: number;
      readonly time: number;
      readonly task: number;
      readonly result: Leave;
    };

export interface IpcTrace {
  /** In the order of time. */
  readonly events: readonly IpcEvent[];
  readonly objectNames: ReadonlyMap<number, string>;
  readonly taskNames: ReadonlyMap<number, string>;
  /** Object and task of each thread number, as last bound. */
  readonly threads: ReadonlyMap<number, { readonly task: number; readonly object: number }>;
}

/** Parses the file's bytes; stops at a record that is cut. */
export function readIpcTrace(bytes: Uint8Array): IpcTrace {
  // A copy: a file's buffer may begin anywhere.
  const { buffer } = new Uint8Array(bytes.subarray(0, bytes.length - (bytes.length % 8)));
  const i32 = new Int32Array(buffer);
  const u64 = new BigUint64Array(buffer);
  const f64 = new Float64Array(buffer);
  const events: IpcEvent[] = [];
  const objectNames = new Map<number, string>();
  const taskNames = new Map<number, string>();
  const threads = new Map<number, { task: number; object: number }>();
  for (let at = 0; at + HEAD <= u64.length; ) {
    const length = i32[at * 2]! & 0xffff;
    const kind = i32[at * 2]! >>> 16;
    if (length < HEAD || at + length > u64.length) break;
    const thread = i32[at * 2 + 1]!;
    const time = f64[at + 1]!;
    const task = i32[at * 2 + 4]!;
    if (kind === ENTER) {
      events.push({
        is: 'enter',
        thread,
        time,
        task,
        object: i32[at * 2 + 12]!,
        kind: OBJECT_KINDS[i32[at * 2 + 5]! - 1] ?? null,
        call: {
          selector: u64[at + 3]!,
          tag: u64[at + 4]!,
          timeouts: i32[at * 2 + 10]! >>> 0,
          bdr: BigInt(i32[at * 2 + 13]! >>> 0),
          mr: u64.subarray(at + HEAD, at + length - BUFFERS),
          br: u64.subarray(at + length - BUFFERS, at + length),
        },
      });
    } else if (kind === LEAVE) {
      events.push({
        is: 'leave',
        thread,
        time,
        task,
        result: {
          label: u64[at + 3]!,
          tag: u64[at + 4]!,
          error: i32[at * 2 + 10]!,
          mr: u64.subarray(at + HEAD, at + length),
        },
      });
    } else if (kind === OBJECT_NAME || kind === TASK_NAME) {
      const name = Buffer.from(buffer, (at + 3) * 8, task).toString('utf8');
      (kind === OBJECT_NAME ? objectNames : taskNames).set(i32[at * 2 + 2]!, name);
    } else if (kind === THREAD_TASK) {
      threads.set(thread, { task, object: i32[at * 2 + 12]! });
    }
    at += length;
  }
  // Each worker wrote in its own order; sort() keeps it where times are equal.
  return { events: events.sort((a, b) => a.time - b.time), objectNames, taskNames, threads };
}
