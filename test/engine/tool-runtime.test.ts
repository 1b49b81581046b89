/** A tool on one worker: counters, and wrapped functions as the engine calls them. */
import test from 'ava';
import type { AddressSpace } from '../../kernel/core/address-space.js';
import type { GuestMem } from '../../kernel/core/guest-mem.js';
import { T_PC, T_X, THREAD_STRIDE, THREADS } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { ToolRuntime } from '../../src/engine/tool-runtime.js';
import { parseBlock } from '../../src/ir/parse.js';
import { printStmt } from '../../src/ir/print.js';
import { verify } from '../../src/ir/verify.js';
import { TRAMPOLINE } from '../../src/jit/region.js';
import type { Tool, ToolInstance } from '../../src/tools/api.js';
import { FakeHost } from '../tools/fake-host.js';

/** A runtime around this instance; the tool's own look at memory is not used here. */
function runtime(instance: ToolInstance, functions: Record<string, number> = {}): ToolRuntime {
  const host = new FakeHost({}, { functions });
  const tool: Tool = {
    name: 'probe',
    title: 'Probe',
    copyright: 'nobody',
    atomicity: 'access',
    shadowScale: 0,
    findsErrors: false,
    options: {},
    create: () => instance,
  };
  const unused = {} as AddressSpace & GuestMem;
  return new ToolRuntime(tool, host.machine, unused, unused, host.log, host.symbols, {}, host.errors);
}

/** A `post` that leaves the result as it is. */
const nothing = (_: unknown): undefined => undefined;

const TS = THREADS;
const RA = 1;
const SP = 2;
const A0 = 10;

function setX(r: ToolRuntime, reg: number, v: number): void {
  r.machine.i64[(TS + T_X + reg * 8) >> 3] = BigInt(v);
}

function x(r: ToolRuntime, reg: number): number {
  return Number(r.machine.i64[(TS + T_X + reg * 8) >> 3]);
}

/** The guest is at the entry of a wrapped function: what generated code does there. */
function enter(
  r: ToolRuntime,
  wrap: number,
  entry: number,
  regs: { ra: number; sp: number; a0?: number },
): void {
  r.machine.i64[(TS + T_PC) >> 3] = BigInt(entry);
  setX(r, RA, regs.ra);
  setX(r, SP, regs.sp);
  setX(r, A0, regs.a0 ?? 0);
  r.imports()['wrap_enter']!(TS, wrap);
}

// --- counters ---------------------------------------------------------------------------------------------------

test('a counter is the sum over the threads that have ended', (t) => {
  const r = runtime({});
  const { i64 } = r.machine;
  const other = THREADS + THREAD_STRIDE;
  i64[(TS + r.counterOffset(0)) >> 3] = 5n;
  i64[(other + r.counterOffset(0)) >> 3] = (1n << 40n) + 1n;
  i64[(other + r.counterOffset(31)) >> 3] = 7n;
  t.is(r.counter(0), 0n);
  r.collect(TS);
  t.is(r.counter(0), 5n);
  r.collect(other);
  t.is(r.counter(0), (1n << 40n) + 6n);
  t.is(r.counter(31), 7n);
  t.is(r.counter(1), 0n);
});

test('counters of a thread do not meet each other or the next thread', (t) => {
  const r = runtime({});
  t.is(r.counterOffset(1) - r.counterOffset(0), 8);
  t.is(r.counterOffset(0) % 8, 0);
  t.true(r.counterOffset(31) + 8 <= THREAD_STRIDE);
});

test('sums are visible through another worker', (t) => {
  const r = runtime({});
  r.machine.i64[(TS + r.counterOffset(3)) >> 3] = 9n;
  r.collect(TS);
  const machine = Machine.attach(r.machine.memory);
  const unused = {} as AddressSpace & GuestMem;
  const report = new ToolRuntime(r.tool, machine, unused, unused, r.log, r.symbols, {}, r.errors);
  t.is(report.counter(3), 9n);
});

// --- instrumentation --------------------------------------------------------------------------------------------

const BLOCK = `block 0x1000 len=4 insns=1 temps=0
  imark 0x1000 4 addi
  put a0, 1:i64
  -> goto 0x1004
`;

test('a tool without instrumentation and wraps costs nothing', (t) => {
  t.is(runtime({}).instrument(), null);
});

test('the entry of a wrapped function calls out behind its first mark, registers in place', (t) => {
  const r = runtime({ wraps: [{ names: ['other'] }, { names: ['f'], pre: () => undefined }] }, { f: 0x1000 });
  const block = r.instrument()!(parseBlock(BLOCK));
  t.deepEqual(verify(block), []);
  t.deepEqual(block.stmts.map(printStmt), [
    'imark 0x1000 4 addi',
    'call.sync wrap_enter(1:i32)',
    'put a0, 1:i64',
  ]);
  const elsewhere = parseBlock(BLOCK.replaceAll('0x1000', '0x1010'));
  t.is(r.instrument()!(elsewhere), elsewhere);
});

test('every name is wrapped, in libraries mapped later too', (t) => {
  const functions: Record<string, number> = { f: 0x1000 };
  const r = runtime({ wraps: [{ names: ['f', 'g'], pre: () => undefined }] }, functions);
  const wrapped = (pc: string): boolean =>
    r.instrument()!(parseBlock(BLOCK.replaceAll('0x1000', pc))).stmts.some((s) => s.s === 'call');
  t.deepEqual(['0x1000', '0x2000', '0x3000'].map(wrapped), [true, false, false]);
  functions['g'] = 0x2000;
  r.findWraps();
  t.deepEqual(['0x1000', '0x2000', '0x3000'].map(wrapped), [true, true, false]);
});

test('the trampoline is left alone', (t) => {
  const r = runtime({
    instrument: () => {
      throw new Error('asked');
    },
  });
  const block = parseBlock(BLOCK.replaceAll('0x1000', `0x${TRAMPOLINE.toString(16)}`));
  t.is(r.instrument()!(block), block);
});

// --- wrapped functions ------------------------------------------------------------------------------------------

test('pre sees the arguments, and a function without post returns by itself', (t) => {
  const seen: number[] = [];
  const r = runtime({ wraps: [{ names: ['f'], pre: (c) => void seen.push(c.ts, c.arg(0), c.arg(1)) }] });
  setX(r, 11, -1);
  enter(r, 0, 0x1000, { ra: 0x500, sp: 0x8000, a0: 0x3f_0000_0010 });
  t.deepEqual(seen, [TS, 0x3f_0000_0010, -1]);
  t.is(x(r, RA), 0x500);
});

test('post sees result and arguments as passed, on return through the trampoline', (t) => {
  const seen: number[] = [];
  const r = runtime({
    wraps: [{ names: ['f'], post: (c, result) => nothing(seen.push(c.arg(0), result)) }],
  });
  enter(r, 0, 0x1000, { ra: 0x500, sp: 0x8000, a0: 3 });
  t.is(x(r, RA), TRAMPOLINE);
  t.deepEqual(r.hiddenReturns(), [0x500]);
  setX(r, A0, 42);
  t.is(r.returned(TS), 0x500);
  t.deepEqual(seen, [3, 42]);
  t.is(x(r, A0), 42);
  t.deepEqual(r.hiddenReturns(), []);
});

test('a number from post replaces the result, also a negative one', (t) => {
  const r = runtime({ wraps: [{ names: ['f'], post: () => -2 }] });
  enter(r, 0, 0x1000, { ra: 0x500, sp: 0x8000 });
  r.returned(TS);
  t.is(x(r, A0), -2);
});

test('during post the thread is at the function, for traces', (t) => {
  let pc = 0n;
  const r = runtime({
    wraps: [
      {
        names: ['f'],
        post: () => {
          pc = r.machine.i64[(TS + T_PC) >> 3]!;
          return undefined;
        },
      },
    ],
  });
  enter(r, 0, 0x1000, { ra: 0x500, sp: 0x8000 });
  r.machine.i64[(TS + T_PC) >> 3] = BigInt(TRAMPOLINE);
  r.returned(TS);
  t.is(pc, 0x1000n);
});

test('nested calls return innermost first', (t) => {
  const order: string[] = [];
  const r = runtime({
    wraps: [
      { names: ['outer'], post: () => nothing(order.push('outer')) },
      { names: ['inner'], post: () => nothing(order.push('inner')) },
    ],
  });
  enter(r, 0, 0x1000, { ra: 0x500, sp: 0x8000 });
  enter(r, 1, 0x2000, { ra: 0x1010, sp: 0x7f00 });
  t.deepEqual(r.hiddenReturns(), [0x1010, 0x500]);
  t.is(r.returned(TS), 0x1010);
  setX(r, SP, 0x8000);
  t.is(r.returned(TS), 0x500);
  t.deepEqual(order, ['inner', 'outer']);
});

test('calls that longjmp left are forgotten: the caller gets its own return', (t) => {
  const order: string[] = [];
  const r = runtime({
    wraps: [
      { names: ['outer'], post: () => nothing(order.push('outer')) },
      { names: ['inner'], post: () => nothing(order.push('inner')) },
    ],
  });
  enter(r, 0, 0x1000, { ra: 0x500, sp: 0x8000 });
  enter(r, 1, 0x2000, { ra: 0x1010, sp: 0x7f00 });
  enter(r, 1, 0x2000, { ra: 0x2010, sp: 0x7e00 });
  // longjmp back into outer, which returns with the stack pointer it was called with.
  setX(r, SP, 0x8000);
  t.is(r.returned(TS), 0x500);
  t.deepEqual(order, ['outer']);
});

test('the next thread on the worker starts without calls of the last one', (t) => {
  const r = runtime({ wraps: [{ names: ['f'], post: () => undefined }] });
  enter(r, 0, 0x1000, { ra: 0x500, sp: 0x8000 });
  r.threadDone();
  t.deepEqual(r.hiddenReturns(), []);
});
