/** Helgrind's algorithm in wasm, access by access: expectations follow from happens-before. */
import test from 'ava';
import {
  FRAMES,
  G_TOOL_WORDS,
  T_SCRATCH,
  T_TOOL,
  THREAD_STRIDE,
  THREADS,
  TOOL_AREA,
  TOOL_AREA_END,
} from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { ownerOf, readCell, readTrace } from '../../src/tools/helgrind/cells.js';
import * as layout from '../../src/tools/helgrind/layout.js';
import { segmentOf } from '../../src/tools/helgrind/segments.js';
import { runtime } from '../support/jit-rig.js';

type Fn = (...args: (number | bigint)[]) => void;
const AQ = 1;
const RL = 2;
const FIRST = 4;

class Rig {
  readonly machine = Machine.create(4);
  readonly races: {
    ts: number;
    at: number;
    size: number;
    write: boolean;
    before: ReturnType<typeof readCell>;
    trace: number;
  }[] = [];
  readonly rt: Record<string, Fn>;
  private next = 0;

  constructor() {
    const { machine } = this;
    machine.i32[layout.HG_G_HISTORY >> 2] = 2;
    machine.i32[layout.HG_G_CONTEXTS >> 2] = 1000;
    const env: Record<string, unknown> = { memory: machine.memory };
    for (const { name, kind } of WebAssembly.Module.imports(runtime())) {
      if (kind === 'function') env[name] = () => 0;
      else if (kind === 'table') env[name] = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
    }
    env['hg_race'] = (ts: number, at: number, size: number, write: number, trace: number) => {
      const w = (ts + T_SCRATCH) >> 2;
      const before = readCell(machine.u32[w]!, machine.u32[w + 1]!);
      this.races.push({ ts, at, size, write: write !== 0, before, trace });
    };
    this.rt = new WebAssembly.Instance(runtime(), { env } as WebAssembly.Imports).exports as Record<
      string,
      Fn
    >;
  }

  /** A new thread; its number in reports is one more than that of the one before. */
  begin(parent = 0): number {
    const ts = THREADS + this.next * THREAD_STRIDE;
    this.next++;
    this.rt['hg_begin']!(ts, parent, this.next, 0);
    return ts;
  }
  read(ts: number, at: number, size = 4): void {
    this.rt['hg_read']!(ts, at, size, 0x10000n);
  }
  write(ts: number, at: number, size = 4): void {
    this.rt['hg_write']!(ts, at, size, 0x20000n);
  }
  amo(ts: number, at: number, how: number): void {
    this.rt['hg_atomic_begin']!(ts, at, 4, how, 0x30000n);
    this.rt['hg_amo_end']!(ts, how);
  }
  sc(ts: number, at: number, how: number, ok: boolean): void {
    this.rt['hg_atomic_begin']!(ts, at, 4, how, 0x30000n);
    this.rt['hg_sc_end']!(ts, how, ok ? 0n : 1n);
  }
  storeRelease(ts: number, at: number): void {
    this.fence(ts, 3, 1);
    this.rt['hg_atomic_begin']!(ts, at, 4, FIRST, 0x30000n);
    this.rt['hg_store_end']!(ts, FIRST);
  }
  loadAcquire(ts: number, at: number): void {
    this.rt['hg_load_acquire']!(ts, at, 4, 0, 0x40000n);
    this.fence(ts, 2, 3);
  }
  fence(ts: number, pred: number, succ: number): void {
    this.rt['hg_fence']!(ts, pred, succ);
  }
  /** Races since the last look, as `who size kind at / thread kind`. */
  found(): string[] {
    return this.races.splice(0).map(({ ts, at, size, write, before }) => {
      const other = ownerOf(this.machine, before.index, before.clock).number;
      const me = (ts - THREADS) / THREAD_STRIDE + 1;
      return `#${me} ${write ? 'write' : 'read'} ${size} at +${at - A} after #${other} ${before.write ? 'write' : 'read'}`;
    });
  }
}

const A = FRAMES + 0x1000;
const DATA = A + 0x100;

/** A rig with the first thread and two that it has created. */
function three(): [Rig, number, number, number] {
  const r = new Rig();
  const main = r.begin();
  return [r, main, r.begin(main), r.begin(main)];
}

test('the areas are those of the kernel layout', (t) => {
  t.is(layout.HG_CLOCKS, TOOL_AREA + 0x01000000);
  t.is(layout.HG_HEAP + layout.HG_HEAP_BYTES, TOOL_AREA_END);
  t.is(layout.HG_G_INDEX_LOCK, G_TOOL_WORDS);
  t.is(layout.HG_TAG, T_TOOL);
  t.true(layout.HG_POOL < layout.HG_POOL_END);
});

test('a write races with an unordered read, write; reads do not race', (t) => {
  const [r, , a, b] = three();
  r.read(a, A);
  r.read(b, A);
  t.deepEqual(r.found(), []);
  r.write(a, A);
  t.deepEqual(r.found(), ['#2 write 4 at +0 after #3 read']);
  const [s, , c, d] = three();
  s.write(c, A);
  s.read(d, A);
  t.deepEqual(s.found(), ['#3 read 4 at +0 after #2 write']);
});

test('accesses whose stacks are not known are without one once there are as many as wanted', (t) => {
  const [r, , a, b] = three();
  r.write(a, A);
  r.machine.i32[layout.HG_G_CONTEXTS >> 2] = 0;
  r.write(a, A + 8);
  r.read(a, A + 16);
  r.read(b, A);
  r.read(b, A + 8);
  r.write(b, A + 16);
  t.true(r.races[0]!.before.trace >= layout.TRACE_FIRST);
  t.true(r.races[0]!.trace >= layout.TRACE_FIRST, 'the present one has its stack');
  t.is(r.races[2]!.before.trace, 0);
  // Known from before.
  t.is(r.races[1]!.before.trace, r.races[0]!.before.trace);
});

test('the stretches of a thread’s life between which an access was made', (t) => {
  const r = new Rig();
  r.machine.i32[layout.HG_G_HISTORY >> 2] = 1;
  const main = r.begin();
  const a = r.begin(main);
  const index = r.machine.i32[(a + layout.HG_OWN_INDEX) >> 2]!;
  const first = r.machine.i32[(a + layout.HG_TAG) >> 2]! & 0xffffff;
  t.deepEqual(segmentOf(r.machine, index, first), { after: 'start', before: 'end' });
  const call = (ret: number): void => {
    r.rt['cs_push']!(a, BigInt(ret), 0x1000n);
    r.write(a, A);
    r.rt['hg_release']!(a, 77n, 0);
    r.rt['cs_pop']!(a, BigInt(ret), 0x1000n);
  };
  call(0x50002);
  call(0x60002);
  const pcs = (place: unknown): number[] => readTrace(r.machine, place as number).pcs;
  const one = segmentOf(r.machine, index, first);
  t.is(one.after, 'start');
  t.deepEqual(pcs(one.before), [0x50001]);
  const two = segmentOf(r.machine, index, first + 1);
  t.deepEqual([pcs(two.after), pcs(two.before)], [[0x50001], [0x60001]]);
  t.is(segmentOf(r.machine, index, first + 2).before, 'end');
  // A thread that goes on long enough forgets.
  for (let i = 0; i < layout.HG_SEGMENTS_KEPT; i++) call(0x70002);
  t.deepEqual(segmentOf(r.machine, index, first), { after: 'forgotten', before: 'forgotten' });
});

test('the next clock of an index may be another thread’s', (t) => {
  const r = new Rig();
  r.machine.i32[layout.HG_G_HISTORY >> 2] = 1;
  const main = r.begin();
  const a = r.begin(main);
  const index = r.machine.i32[(a + layout.HG_OWN_INDEX) >> 2]!;
  const clock = r.machine.i32[(a + layout.HG_TAG) >> 2]! & 0xffffff;
  r.write(a, A);
  r.rt['hg_release']!(a, 78n, 1);
  r.rt['hg_end']!(a);
  r.rt['hg_acquire']!(main, 78n);
  const b = r.begin(main);
  t.is(r.machine.i32[(b + layout.HG_OWN_INDEX) >> 2]!, index, 'the index is handed on');
  t.is(segmentOf(r.machine, index, clock).before, 'end');
});

test('only common bytes race; accesses of any size and place overlap right', (t) => {
  const [r, , a, b] = three();
  r.write(a, A, 1);
  r.write(b, A + 1, 1);
  r.write(b, A + 2, 2);
  r.write(b, A + 4, 4);
  t.deepEqual(r.found(), []);
  r.write(b, A, 8);
  t.deepEqual(r.found(), ['#3 write 8 at +0 after #2 write']);
  // Eight bytes at an odd address fall apart into 1, 2, 4, 1 and reach into the next eight.
  const [s, , c, d] = three();
  s.write(c, A + 8, 1);
  s.read(d, A + 1, 8);
  t.deepEqual(s.found(), ['#3 read 1 at +8 after #2 write']);
  const [u, , e, f] = three();
  u.write(e, A + 4, 2);
  u.read(f, A + 1, 8);
  t.deepEqual(u.found(), ['#3 read 4 at +4 after #2 write']);
});

test('creation, release and acquire order; what comes after the release does not', (t) => {
  const r = new Rig();
  const main = r.begin();
  r.write(main, A);
  const a = r.begin(main);
  r.write(a, A);
  t.deepEqual(r.found(), []);
  r.write(main, A);
  t.deepEqual(r.found(), ['#1 write 4 at +0 after #2 write']);
  r.write(a, DATA);
  r.rt['hg_release']!(a, 77n, 1);
  r.write(a, DATA + 8);
  r.rt['hg_acquire']!(main, 77n);
  r.write(main, DATA);
  t.deepEqual(r.found(), []);
  r.write(main, DATA + 8);
  t.deepEqual(r.found(), ['#1 write 4 at +264 after #2 write']);
});

test('a strong release forgets what the object knew, a weak one adds', (t) => {
  for (const strong of [0, 1]) {
    const [r, main, a, b] = three();
    r.write(a, A);
    r.rt['hg_release']!(a, 5n, 0);
    r.rt['hg_release']!(b, 5n, strong);
    r.rt['hg_acquire']!(main, 5n);
    r.write(main, A);
    t.is(r.found().length, strong);
  }
});

test('a forgotten object orders nothing, and its place is used again', (t) => {
  const [r, main, a] = three();
  r.write(a, A);
  r.rt['hg_release']!(a, 5n, 0);
  r.rt['hg_forget']!(a, 5n);
  r.rt['hg_acquire']!(main, 5n);
  r.write(main, A);
  t.is(r.found().length, 1);
  const next = (): number => r.machine.i32[layout.HG_G_POOL_NEXT >> 2]!;
  const before = next();
  for (let i = 100n; i < 300n; i++) {
    r.rt['hg_release']!(a, i, 1);
    r.rt['hg_forget']!(a, i);
  }
  t.is(next(), before);
});

test('AMOs make edges of the strength they have', (t) => {
  const cases: [release: number, acquire: number, races: number][] = [
    [RL, AQ, 0],
    [AQ | RL, AQ | RL, 0],
    [0, AQ, 1],
    [RL, 0, 1],
    [AQ, AQ, 1],
    [0, 0, 1],
  ];
  for (const [release, acquire, races] of cases) {
    const [r, , a, b] = three();
    r.write(a, DATA);
    r.amo(a, A, release);
    r.amo(b, A, acquire);
    r.read(b, DATA);
    t.is(r.found().length, races, `${release} ${acquire}`);
  }
});

test('fences make relaxed atomics synchronise as C++ has it', (t) => {
  const run = (
    release: [number, number] | null,
    acquire: [number, number] | null,
    plainLoad: boolean,
  ): number => {
    const [r, , a, b] = three();
    r.write(a, DATA);
    if (release) r.fence(a, ...release);
    r.amo(a, A, 0);
    if (plainLoad) r.read(b, A);
    else r.amo(b, A, 0);
    if (acquire) r.fence(b, ...acquire);
    r.read(b, DATA);
    return r.found().length;
  };
  for (const plain of [false, true]) {
    t.is(run([3, 1], [2, 3], plain), 0);
    t.is(run([3, 3], [3, 3], plain), 0);
    t.is(run([1, 1], [2, 2], plain), 0);
    t.is(run(null, [2, 3], plain), 1);
    t.is(run([3, 1], null, plain), 1);
    // Orders reads with later writes, or writes with later reads: neither is a release or an acquire.
    t.is(run([2, 1], [2, 3], plain), 1);
    t.is(run([3, 1], [1, 2], plain), 1);
  }
});

test('a release fence covers what came before it only', (t) => {
  const [r, , a, b] = three();
  r.fence(a, 3, 1);
  r.write(a, DATA);
  r.amo(a, A, 0);
  r.amo(b, A, AQ);
  r.read(b, DATA);
  t.is(r.found().length, 1);
});

test('store-release and load-acquire of plain width', (t) => {
  const [r, , a, b] = three();
  r.loadAcquire(b, A);
  r.write(a, DATA);
  r.storeRelease(a, A);
  r.loadAcquire(b, A);
  r.read(b, DATA);
  t.deepEqual(r.found(), []);
  // What the same thread does later is not released.
  r.write(a, DATA + 16);
  r.read(b, DATA + 16);
  t.is(r.found().length, 1);
});

test('a loop of plain loads sees the release that ends it', (t) => {
  const [r, , a, b] = three();
  for (let i = 0; i < 3; i++) r.read(b, A);
  r.write(a, DATA);
  r.storeRelease(a, A);
  // Generated code calls again only when the cell was made stale.
  const home = r.machine.framesEnd + (A - FRAMES) * 4;
  const own = [0, 8]
    .map((i) => r.machine.i64[(home + i) >> 3]!)
    .find((c) => Number((c >> 24n) & 255n) === 2)!;
  t.is((own >> BigInt(layout.CELL_STALE_BIT)) & 1n, 1n);
  r.read(b, A);
  r.fence(b, 2, 3);
  r.read(b, DATA);
  t.deepEqual(r.found(), []);
});

test('a failed SC releases nothing', (t) => {
  for (const ok of [true, false]) {
    const [r, , a, b] = three();
    r.write(a, DATA);
    r.sc(a, A, RL, ok);
    r.amo(b, A, AQ);
    r.read(b, DATA);
    t.is(r.found().length, ok ? 0 : 1);
  }
});

test('a read-modify-write continues a release sequence, a new store-release begins one', (t) => {
  for (const store of [false, true]) {
    const [r, main, a, b] = three();
    r.write(a, DATA);
    r.amo(a, A, RL);
    if (store) r.storeRelease(b, A);
    else r.amo(b, A, 0);
    r.amo(main, A, AQ);
    r.read(main, DATA);
    t.is(r.found().length, store ? 1 : 0);
  }
});

test('atomics race with plain stores, not with each other nor with plain loads', (t) => {
  const [r, main, a, b] = three();
  r.amo(a, A, 0);
  r.amo(b, A, 0);
  r.read(main, A);
  t.deepEqual(r.found(), []);
  r.write(main, A);
  t.is(r.found().length, 1);
});

test('clock indexes go on to threads that know of the end, and owners are told apart by their clocks', (t) => {
  const [r, main, a, b] = three();
  const indexOf = (ts: number): number => r.machine.i32[(ts + layout.HG_OWN_INDEX) >> 2]!;
  r.write(a, A);
  r.rt['hg_release']!(a, 9n, 1);
  r.rt['hg_end']!(a);
  const unaware = r.begin(main);
  t.not(indexOf(unaware), indexOf(a));
  r.rt['hg_acquire']!(main, 9n);
  const heir = r.begin(main);
  t.is(indexOf(heir), indexOf(a));
  r.write(heir, A);
  t.deepEqual(r.found(), []);
  r.write(b, A);
  t.deepEqual(r.found(), ['#3 write 4 at +0 after #5 write']);
});

test('100,000 threads one after the other need no more room than a few', (t) => {
  const r = new Rig();
  const main = r.begin();
  const ts = THREADS + THREAD_STRIDE;
  const state = (): number[] =>
    [layout.HG_G_INDEXES, layout.HG_G_POOL_NEXT].map((w) => r.machine.i32[w >> 2]!);
  let after: number[] = [];
  for (let i = 0; i < 100_000; i++) {
    r.rt['hg_begin']!(ts, main, i + 2, 0);
    r.write(ts, A);
    r.rt['hg_release']!(ts, 1000n + BigInt(i), 1);
    r.rt['hg_end']!(ts);
    r.rt['hg_acquire']!(main, 1000n + BigInt(i));
    r.rt['hg_forget']!(main, 1000n + BigInt(i));
    if (i === 10) after = state();
  }
  t.deepEqual(r.found(), []);
  t.deepEqual(state(), after);
});

test('an index whose clock runs out is exchanged for another', (t) => {
  const [r, main, a, b] = three();
  const { i32 } = r.machine;
  const index = i32[(a + layout.HG_OWN_INDEX) >> 2]!;
  const own = (layout.HG_CLOCKS + index * layout.HG_ROW + index * 4) >> 2;
  r.write(a, A);
  i32[own] = 0xfffffe;
  r.rt['hg_release']!(a, 3n, 1);
  t.not(i32[(a + layout.HG_OWN_INDEX) >> 2]!, index);
  r.write(a, A + 8);
  r.rt['hg_acquire']!(main, 3n);
  r.write(main, A);
  t.deepEqual(r.found(), []);
  r.write(b, A + 8);
  t.deepEqual(r.found(), ['#3 write 4 at +8 after #2 write']);
});

test('fresh memory has no past, and nothing was released to it', (t) => {
  const [r, , a, b] = three();
  r.write(a, DATA);
  r.write(a, A + 8, 8);
  r.amo(a, A, RL);
  r.rt['hg_fresh']!(a, A, 16);
  r.write(b, A + 8, 8);
  r.amo(b, A, AQ);
  t.deepEqual(r.found(), []);
  r.read(b, DATA);
  t.is(r.found().length, 1);
});

test('bytes written one by one share a cell, so the shadow does not overflow', (t) => {
  const [r, , a, b] = three();
  for (let i = 0; i < 8; i++) r.write(a, A + i, 1);
  for (let i = 0; i < 8; i++) {
    r.read(b, A + i, 1);
    t.is(r.found().length, 1, `byte ${i}`);
  }
});
