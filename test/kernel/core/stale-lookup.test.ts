/**
 * The stale segment: a call that maps memory while somebody holds the result of a look-up. Look-ups of regions are copies,
 * and windows into frames count only in the map epoch in which they were found.
 */
import { Worker } from 'node:worker_threads';
import test from 'ava';
import type { AddressSpace } from '../../../kernel/core/address-space.js';
import { K_MAP_EPOCH, PAGE_SIZE, T_REGWIN, T_TLB } from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';
import { emptyRegion } from '../../../kernel/core/regions.js';
import { createTask } from '../../../kernel/core/task.js';
import { ThreadTable } from '../../../kernel/core/threads.js';
import { AT, OTHER, OTHERS, OWN, PAGES, S_MISTAKES, S_READS, S_STOP } from './stale-worker.js';

const RW = 3;
const HEAP = 0x1000000;
const LOW = 0x2000000;
const HELD = 0x3000000;

function fresh(): { machine: Machine; space: AddressSpace } {
  const machine = Machine.create(0);
  const space = createTask(machine, 0, 1);
  space.setBrkStart(HEAP);
  const place = (addr: number, pages: number) =>
    space.map({ addr, fixed: true, length: pages * PAGE_SIZE, prot: RW, kind: 'anon', name: `[${addr}]` });
  place(LOW, 16);
  place(HELD, 16);
  return { machine, space };
}

const anon = (addr: number, pages: number) =>
  ({ addr, fixed: true, length: pages * PAGE_SIZE, prot: RW, kind: 'anon', name: '[new]' }) as const;

/** Calls that change the table around or in front of the region that is held. */
const CALLS: readonly (readonly [string, (s: AddressSpace) => unknown])[] = [
  ['mmap in front', (s) => s.map(anon(0x2800000, 1))],
  ['mmap over its end', (s) => s.map(anon(HELD + 8 * PAGE_SIZE, 16))],
  ['munmap in front', (s) => s.unmap(LOW, 16 * PAGE_SIZE)],
  ['munmap of its middle', (s) => s.unmap(HELD + 4 * PAGE_SIZE, PAGE_SIZE)],
  ['munmap of all of it', (s) => s.unmap(HELD, 16 * PAGE_SIZE)],
  ['brk', (s) => s.brk(HEAP + 64 * PAGE_SIZE)],
  ['mprotect of a part', (s) => s.protect(HELD, PAGE_SIZE, 1)],
  ['mremap', (s) => s.remap(HELD, 16 * PAGE_SIZE, 64 * PAGE_SIZE, true, 0x5000000)],
];

for (const [name, call] of CALLS) {
  test(`a region that was looked up does not change: ${name}`, (t) => {
    const { space } = fresh();
    const { table } = space.space;
    const view = space.regionAt(HELD + 10 * PAGE_SIZE)!;
    const index = table.find(HELD + 10 * PAGE_SIZE);
    const record = table.load(index, emptyRegion());
    const all = space.regions();
    const before = structuredClone({ view, record, all });
    call(space);
    t.deepEqual({ view, record, all }, before);
    t.is(view.start, HELD);
    // What a pointer to the record would show now.
    const pointed = index < table.count ? table.load(index, emptyRegion()) : emptyRegion();
    t.notDeepEqual({ ...pointed, step: 0, next: 0 }, { ...record, step: 0, next: 0 });
  });
}

test('windows are forgotten after what takes memory away, and only then', (t) => {
  const { machine, space } = fresh();
  const threads = new ThreadTable(machine, 4);
  const ts = threads.alloc(0, 1);
  const { i32 } = machine;
  threads.leaveKernel(ts);
  const expect = (what: string, stale: boolean, call: () => unknown): void => {
    for (const word of [T_REGWIN, T_TLB]) i32[(ts + word) >> 2] = 4711;
    threads.enterKernel(ts);
    const epoch = i32[(space.space.task + K_MAP_EPOCH) >> 2];
    call();
    t.is(i32[(space.space.task + K_MAP_EPOCH) >> 2] !== epoch, stale, what);
    t.is(threads.leaveKernel(ts), stale, what);
    for (const word of [T_REGWIN, T_TLB]) t.is(i32[(ts + word) >> 2], stale ? 0 : 4711, what);
  };
  space.brk(HEAP + 16 * PAGE_SIZE);
  for (const a of [HEAP, LOW, HELD]) space.advise(a, 16 * PAGE_SIZE, 'willneed');
  expect('mmap elsewhere', false, () => space.map(anon(0x2800000, 4)));
  expect('brk upwards', false, () => space.brk(HEAP + 32 * PAGE_SIZE));
  expect('a fault', false, () => space.fault(0x2800000, 1));
  expect('brk downwards', true, () => space.brk(HEAP));
  expect('mmap over it', true, () => space.map(anon(LOW, 4)));
  expect('mprotect', true, () => space.protect(HELD, PAGE_SIZE, 1));
  expect('mremap', true, () => space.remap(HELD + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, true, 0x5000000));
  expect('munmap', true, () => space.unmap(HELD, 16 * PAGE_SIZE));
});

/** Maps, fills and unmaps while a worker reads through its window; how often it read what was never there. */
async function race(careless: boolean): Promise<{ reads: number; mistakes: number }> {
  const machine = Machine.create(0);
  const threads = new ThreadTable(machine, 4);
  const space = createTask(machine, 0, 1, { shootdown: () => threads.shootdown(0, 0) });
  const ts = threads.alloc(0, 1);
  threads.markRunning(ts);
  const shared = new Int32Array(new SharedArrayBuffer(16));
  const workerData = { memory: machine.memory, ts, careless, shared };
  const worker = new Worker(new URL('./stale-worker.js', import.meta.url), { workerData });
  const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  const fill = (addr: number, value: number): void => {
    space.map(anon(addr, PAGES));
    space.advise(addr, PAGES * PAGE_SIZE, 'willneed');
    const run = space.space.map.runAt(addr)!;
    machine.i32.fill(value, run.host >>> 2, (run.host + PAGE_SIZE) >>> 2);
  };
  const until = performance.now() + 2000;
  while (performance.now() < until && Atomics.load(shared, S_MISTAKES) === 0) {
    fill(AT, OWN);
    const reads = Atomics.load(shared, S_READS);
    for (let k = 0; k < 100 && Atomics.load(shared, S_READS) === reads; k++) Atomics.wait(shared, 3, 0, 1);
    space.unmap(AT, PAGES * PAGE_SIZE);
    fill(OTHER, OTHERS);
    Atomics.wait(shared, 3, 0, 1);
    space.unmap(OTHER, PAGES * PAGE_SIZE);
  }
  Atomics.store(shared, S_STOP, 1);
  await ended;
  return { reads: shared[S_READS]!, mistakes: shared[S_MISTAKES]! };
}

test('a window is never read through once its frames belong to somebody else', async (t) => {
  const careful = await race(false);
  t.true(careful.reads > 0);
  t.is(careful.mistakes, 0);
});

test('and would be, if the epoch were not looked at', async (t) => {
  t.true((await race(true)).mistakes > 0);
});
