/** Helgrind's shared tables, and the text of a race made by hand. */
import test from 'ava';
import { T_SCRATCH, TOOL_AREA } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { Addresses } from '../../src/tools/helgrind/addresses.js';
import { Heap } from '../../src/tools/helgrind/heap.js';
import {
  HG_INDEX,
  HG_INDEX_ENTRY,
  HG_NUMBER,
  HG_OWNER_ENTRY,
  HG_OWNERS,
  HG_OWNERS_KEPT,
} from '../../src/tools/helgrind/layout.js';
import { LockSets } from '../../src/tools/helgrind/lock-sets.js';
import { Objects } from '../../src/tools/helgrind/objects.js';
import { RaceReport } from '../../src/tools/helgrind/report.js';
import { Tables } from '../../src/tools/helgrind/tables.js';
import { FakeHost } from './fake-host.js';

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

/** What a thread has from hg_begin: index, clock at which it began, number, trace of its creation. */
function owner(host: FakeHost, index: number, first: number, number: number, created: number): void {
  const { i32 } = host.machine;
  i32.set([first, number, created], (HG_OWNERS + index * HG_OWNERS_KEPT * HG_OWNER_ENTRY) >> 2);
  i32[(HG_INDEX + index * HG_INDEX_ENTRY + 8) >> 2] = 1;
}

test('a race says who, where, under which locks, and against what', (t) => {
  const host = new FakeHost({}, { data: { shared: [0x7f440, 16] } });
  const objects = new Objects(host.machine);
  const lockSets = new LockSets(host.machine, objects);
  const report = new RaceReport(
    host,
    lockSets,
    new Addresses(
      host,
      new Heap(
        host,
        () => 0,
        () => undefined,
      ),
    ),
  );
  const { i64 } = host.machine;
  const created = node(host, 29, 0x10700, 0);
  owner(host, 3, 5, 2, created);
  const lock = objects.lookup(0x6000, 'mutex', () => node(host, 28, 0x10800, 0));
  const set = lockSets.with(0, lock);
  const now = node(host, 22, 0x10648, node(host, 21, 0x106c3, 0));
  // The earlier trace carries its lock set as a pseudo pc on top.
  const then = node(host, 24, set, node(host, 23, 0x10900, 0));
  // Earlier: the thread of index 3 wrote the upper half of 8 bytes at clock 7.
  const cell = (0x0fn << 56n) | (BigInt(then) << 32n) | (3n << 24n) | 7n;
  i64[(host.ts + T_SCRATCH) >> 3] = cell;
  host.machine.i32[(host.ts + HG_NUMBER) >> 2] = 1;
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
