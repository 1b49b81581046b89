/** The IPC trace: what is recorded comes back, is decoded, and becomes messages between threads. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { T_SLOT, T_X } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import type { ObjectKind } from '../../kernel/l4/events.js';
import { LABEL } from '../../kernel/l4/protocols/labels.js';
import { makeTag } from '../../kernel/l4/protocols/wire.js';
import { decodeTrace, threadName } from '../../src/report/ipc/messages.js';
import { readIpcTrace } from '../../src/report/ipc/read.js';
import { IpcRecorder } from '../../src/report/ipc/record.js';
import { sequencePage } from '../../src/report/ipc/sequence.js';
import { readTrace } from '../kernel/l4/traces.js';

const memory = new ArrayBuffer(1 << 16);
const machine = { i32: new Int32Array(memory), i64: new BigInt64Array(memory) } as Machine;

/** A thread: its state and its UTCB in that memory. */
class Thread {
  constructor(
    readonly number: number,
    readonly ts = number * 16384,
    readonly utcb = number * 16384 + 8192,
  ) {
    machine.i32[(ts + T_SLOT) >> 2] = number - 1;
  }

  set(tag: bigint, selector: bigint, label: bigint, mr: readonly bigint[], error = 0): void {
    const x = (n: number, v: bigint): void => {
      machine.i64[(this.ts + T_X + n * 8) >> 3] = BigInt.asIntN(64, v);
    };
    x(10, tag);
    x(11, selector);
    x(12, 0n);
    x(13, label);
    mr.forEach((v, i) => {
      machine.i64[(this.utcb >> 3) + i] = BigInt.asIntN(64, v);
    });
    machine.i32[(this.utcb + 0x3d8) >> 2] = error;
  }
}

test('a call over a gate, its answer, and a call of the kernel', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'capgrind-ipc-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'trace');
  const client = new Thread(1);
  const server = new Thread(2);
  // Two workers append to one file.
  const a = new IpcRecorder(machine, file);
  const b = new IpcRecorder(machine, file);
  a.taskCreated(3, 9, 'rom/hello');
  a.threadBound(client.ts, 3, 20);
  a.objectNamed(21, 'server');
  b.threadBound(server.ts, 4, 21);
  const target = (object: number, kind: ObjectKind) => ({ object, kind, rights: 7, slot: 5 });
  server.set(0n, 0xfffffffffffffc06n, 0n, []);
  b.enter(server.ts, 4, server.utcb, target(0, 'other'));
  client.set(makeTag(LABEL.RM, 2), 0x1f003n, 0n, [4n, 0x36000n]);
  a.enter(client.ts, 3, client.utcb, target(30, 'gate'));
  server.set(makeTag(LABEL.RM, 2), 0xfffffffffffffc06n, 0x70028403n, [4n, 0x36000n]);
  b.leave(server.ts, 4, server.utcb);
  server.set(makeTag(-2, 0), 0xfffffffffffffc0fn, 0n, []);
  b.enter(server.ts, 4, server.utcb, target(0, 'other'));
  client.set(makeTag(-2, 0), 0x1f003n, 0n, []);
  a.leave(client.ts, 3, client.utcb);
  client.set(makeTag(LABEL.TASK, 3), 0x1003n, 0n, [1n, 0x80000000n, 0x1d037n]);
  a.enter(client.ts, 3, client.utcb, target(9, 'task'));
  client.set(makeTag(0, 3), 0x1003n, 0n, [1n, 0x80000000n, 0x1d030n]);
  a.leave(client.ts, 3, client.utcb);
  client.set(0x8000n, 0x99003n, 0n, [], 4);
  a.enter(client.ts, 3, client.utcb, target(0, 'other'));
  a.leave(client.ts, 3, client.utcb);
  a.close();
  b.close();

  const trace = readIpcTrace(readFileSync(file));
  t.is(threadName(trace, 1), '1 (rom/hello)');
  t.is(threadName(trace, 2), '2 (server)');
  const { lines, messages } = decodeTrace(trace);
  t.deepEqual(
    lines.map((l) => l.trim().replace(/^[\d.]+ /, '')),
    [
      '> 2 (server) wait, timeout never',
      '> 1 (rom/hello) call cap 0x1f: Rm.free_area(at=0x36000)',
      '< 2 (server) received from 0x70028403: Rm.free_area(at=0x36000)',
      '> 2 (server) reply and wait to Rm.free_area: -2 ENOENT',
      '< 1 (rom/hello) -2 ENOENT',
      '> 1 (rom/hello) call cap 0x1 (task): Task.unmap(mask=self, pages=[slot 0x1d WSR])',
      '< 1 (rom/hello) ok pages=[slot 0x1d -]',
      '> 1 (rom/hello) call cap 0x99: message()',
      '< 1 (rom/hello) IPC error 4 (send not existent)',
    ],
  );
  t.deepEqual(
    messages.map((m) => [m.from, m.to, m.text, m.reply, m.error]),
    [
      [1, 2, 'Rm.free_area(at=0x36000)', false, false],
      [2, 1, '-2 ENOENT', true, false],
      [1, 0, 'Task.unmap(mask=self, pages=[slot 0x1d WSR])', false, false],
      [0, 1, 'ok pages=[slot 0x1d -]', true, false],
      [1, 0, 'message()', false, true],
      [0, 1, 'IPC error 4 (send not existent)', true, true],
    ],
  );
  const page = sequencePage(trace, messages);
  t.is(page.match(/<g class=/g)!.length, 6);
  t.regex(page, /2 \(server\)/);
  t.notRegex(page, /<script/);
});

test('a cut file is read as far as it goes', (t) => {
  const words = new BigUint64Array(20);
  t.deepEqual(readIpcTrace(new Uint8Array(words.buffer)).events, []);
  words[0] = BigInt(19 | (1 << 16));
  t.is(readIpcTrace(new Uint8Array(words.buffer).subarray(0, 155)).events.length, 1);
  t.is(readIpcTrace(new Uint8Array(words.buffer).subarray(0, 100)).events.length, 0);
});

test("messages of the real kernel's trace find their receivers", (t) => {
  const lines = readTrace('hello');
  if (!lines) {
    t.pass('the recordings are not here');
    return;
  }
  // Kinds of objects are not in the recording: what a selector of an application means is known by its slot.
  const kernel = new Set([1, 2, 3, 5, 7, 10]);
  const events = lines.map((l, i) =>
    l.kind === 'enter'
      ? {
          is: 'enter' as const,
          thread: l.thread,
          time: i,
          task: 0,
          object: 1,
          kind: kernel.has(Number(l.call.selector >> 12n)) ? ('task' as const) : ('gate' as const),
          call: l.call,
        }
      : { is: 'leave' as const, thread: l.thread, time: i, task: 0, result: l.result },
  );
  const { messages } = decodeTrace({
    events,
    objectNames: new Map(),
    taskNames: new Map(),
    threads: new Map(),
  });
  // Thread 45 is hello's main thread, 3c its region manager, b moe (README of the recordings).
  const attaches = messages.filter((m) => m.text.startsWith('Rm.attach') && !m.reply);
  t.true(attaches.length > 20);
  t.true(attaches.some((m) => m.from === 0x45 && m.to === 0x3c));
  t.true(attaches.some((m) => m.from === 0x3c && m.to === 0xb));
});
