/** Helgrind's shared tables, and the text of a race made by hand. */
import test from 'ava';
import { T_SCRATCH, T_TOOL, TOOL_AREA } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { LockSets } from '../../src/tools/helgrind/lock-sets.js';
import { Objects } from '../../src/tools/helgrind/objects.js';
import { RaceReport } from '../../src/tools/helgrind/report.js';
import { Tables } from '../../src/tools/helgrind/tables.js';
import { FakeHost } from './fake-host.js';

test('a slot belongs to whoever had it at that clock', (t) => {
  const tables = new Tables(Machine.create(0));
  tables.addThread(1, 1, 2, 50);
  tables.addThread(2, 1, 3, 60);
  // Thread 2 ended, and slot 1 went to thread 4 when the slot's clock stood at 9.
  tables.addThread(1, 9, 4, 70);
  t.deepEqual(tables.threadAt(1, 8), { number: 2, created: 50 });
  t.deepEqual(tables.threadAt(1, 9), { number: 4, created: 70 });
  t.deepEqual(tables.threadAt(1, 400), { number: 4, created: 70 });
  t.deepEqual(tables.threadAt(2, 9), { number: 3, created: 60 });
});

test('a pthread_t that is used again means the newest thread', (t) => {
  const tables = new Tables(Machine.create(0));
  t.is(tables.tidOf(0x3ff0000000), 0);
  tables.addPthread(0x3ff0000000, 101);
  tables.addPthread(0x3ff0800000, 102);
  tables.addPthread(0x3ff0000000, 103);
  t.is(tables.tidOf(0x3ff0000000), 103);
  t.is(tables.tidOf(0x3ff0800000), 102);
});

/** Puts a node of the tree of traces in place: pc called from parent. */
function node(host: FakeHost, n: number, pc: number, parent: number): number {
  host.machine.i64[(TOOL_AREA >> 3) + n] = (BigInt(pc) << 22n) | (BigInt(parent) << 1n) | 1n;
  return n;
}

const word = (clock: number, slot: number): bigint => (BigInt(clock) << 40n) | (BigInt(slot) << 30n);

test('a race says who, where, under which locks, and against what', (t) => {
  const host = new FakeHost({}, { data: { shared: [0x7f440, 16] } });
  const tables = new Tables(host.machine);
  const objects = new Objects(host.machine);
  const lockSets = new LockSets(host.machine, objects);
  const report = new RaceReport(host, tables, lockSets);
  const { i64 } = host.machine;
  const created = node(host, 9, 0x10700, 0);
  tables.addThread(0, 1, 1, 0);
  tables.addThread(3, 5, 2, created);
  const lock = objects.lookup(0x6000, 'mutex', () => node(host, 8, 0x10800, 0));
  const set = lockSets.with(0, lock);
  const now = node(host, 2, 0x10648, node(host, 1, 0x106c3, 0));
  // The earlier trace carries its lock set as a pseudo pc on top.
  const then = node(host, 4, set, node(host, 3, 0x10900, 0));
  // Earlier: thread in slot 3 at clock 7 wrote the upper half of 8 bytes. Now: slot 0 at clock 2.
  i64[(host.ts + T_SCRATCH) >> 3] = word(7, 3) | (0xf0n << 22n) | (1n << 21n) | BigInt(then);
  i64[(host.ts + T_TOOL) >> 3] = word(2, 0);
  report.race(host.ts, 0x7f444, 4, false, now);
  t.deepEqual(host.lines, [
    '---Thread-Announcement------------------------------------------',
    '',
    "Thread #1 is the program's root thread",
    '',
    '---Thread-Announcement------------------------------------------',
    '',
    'Thread #2 was created',
    '   at 0x10700: ???',
    '',
    '----------------------------------------------------------------',
    '',
    ' Lock at 0x6000 was first observed',
    '   at 0x10800: ???',
    ' Address 0x6000 is nowhere',
    '',
    'Possible data race during read of size 4 at 0x7F444 by thread #1',
    'Locks held: none',
    '   at 0x10648: ???',
    '   by 0x106C3: ???',
    '',
    'This conflicts with a previous write of size 4 by thread #2',
    'Locks held: 1, at address 0x6000',
    '   at 0x10900: ???',
    ' Address 0x7f444 is 4 bytes inside data symbol "shared"',
    '',
  ]);
  host.lines.length = 0;
  report.race(host.ts, 0x7f450, 4, true, now);
  t.false(
    host.lines.some((l) => l.includes('Announcement')),
    'threads are announced once',
  );
  t.true(host.lines.includes('Possible data race during write of size 4 at 0x7F450 by thread #1'));
  t.true(host.lines.includes(' Address 0x7f450 is nowhere'));
});
