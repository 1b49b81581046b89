/** Where helgrind puts its calls. A race's own access must be checked before a store changes what is there. */
import test from 'ava';
import {
  COLD_CHECKED,
  COLD_EDGES,
  COLD_FOR_CALLER,
  COLD_NO_STACK,
  G_MULTI,
} from '../../kernel/core/layout.js';
import { parseBlock } from '../../src/ir/parse.js';
import { printStmt } from '../../src/ir/print.js';
import { verify } from '../../src/ir/verify.js';
import helgrind from '../../src/tools/helgrind/index.js';
import { FakeHost, type FakeSymbols } from './fake-host.js';

/** A host of a program that has created threads, or has not yet. */
function hostOf(options: Record<string, string>, symbols: FakeSymbols, threads = true): FakeHost {
  const host = new FakeHost({ 'check-stack-refs': 'yes', ...options }, symbols, 4);
  host.machine.i32[G_MULTI >> 2] = threads ? 1 : 0;
  return host;
}

/** Memory operations and helgrind's calls of an instrumented block, in order; of arguments only how, or sets. */
function placed(
  text: string,
  symbols: FakeSymbols = {},
  options: Record<string, string> = {},
  host = hostOf(options, symbols),
): string[] {
  const block = helgrind.create(host).instrument!(parseBlock(text));
  const problems = verify(block);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return block.stmts.flatMap((s) => {
    if ((s.s === 'load' || s.s === 'store') && s.guest) return [s.op];
    if (s.s !== 'call') return [];
    const shown = {
      hg_atomic_begin: [2],
      hg_load_acquire: [2],
      hg_lr: [2],
      hg_amo_end: [0],
      hg_sc_end: [0],
      hg_store_end: [0],
      hg_fence: [0, 1],
    }[s.fn];
    return [[s.fn, ...(shown ?? []).map((i) => (s.a[i] as { v: number }).v)].join(' ')];
  });
}

const LOAD = `block 0x1000 len=4 insns=1 temps=3
  imark 0x1000 4 lw
  t0:i64 = get a0
  t1:i32 = xlat t0+4 size=4 acc=r base=a0
  t2:i64 = i64.load32_s [t1+4]
  put a1, t2
  -> goto 0x1004
`;
const STORE = `block 0x1000 len=4 insns=1 temps=3
  imark 0x1000 4 sb
  t0:i64 = get a0
  t1:i64 = get a1
  t2:i32 = xlat t0-1 size=1 acc=w base=a0
  i64.store8 [t2-1], t1
  -> goto 0x1004
`;

test('a store is looked at before it happens, a load after', (t) => {
  t.deepEqual(placed(LOAD), ['i64.load32_s', 'hg_read']);
  t.deepEqual(placed(STORE), ['hg_write', 'i64.store8']);
});

test('before the second thread exists nothing is looked at: it all comes before what others will do', (t) => {
  const alone = hostOf({}, {}, false);
  t.deepEqual(placed(LOAD, {}, {}, alone), ['i64.load32_s']);
  t.deepEqual(placed(STORE, {}, {}, alone), ['i64.store8']);
});

test('the interpreter of cold code is told what generated code would do', (t) => {
  const symbols = { user: [0x8000, 0x9000] as const, functions: { printf: 0xff0, __GI_memcpy: 0x1ff0 } };
  const cold = (pc: number, options = {}, threads = true): number =>
    helgrind.create(hostOf(options, symbols, threads)).cold!(pc);
  t.is(cold(0x8000), COLD_CHECKED | COLD_EDGES);
  t.is(cold(0x8000, { 'check-stack-refs': 'no' }), COLD_CHECKED | COLD_EDGES | COLD_NO_STACK);
  t.is(cold(0x1000), 0);
  t.is(cold(0x2000), COLD_CHECKED | COLD_FOR_CALLER);
  t.is(cold(0x8000, {}, false), 0);
});

test('size and instruction are passed on', (t) => {
  const tool = helgrind.create(hostOf({}, {}));
  const call = (text: string): string => {
    const { stmts } = tool.instrument!(parseBlock(text));
    return printStmt(stmts.find((s) => s.s === 'call')!);
  };
  t.regex(call(LOAD), /^call hg_read\(t\d+, 4:i32, 4096:i64\) when t\d+$/);
  t.regex(call(STORE), /^call hg_write\(t\d+, 1:i32, 4096:i64\) when t\d+$/);
});

const amo = (op: string): string => `block 0x1000 len=4 insns=1 temps=4
  imark 0x1000 4 ${op}
  t0:i64 = get a0
  t1:i64 = get a1
  t2:i32 = xlat t0+0 size=4 acc=rw base=a0
  t3:i64 = call amo_w(1:i32, t2, t1)
  put a2, t3
  -> goto 0x1004
`;

test('an AMO is enclosed, and its order is that of its bits', (t) => {
  for (const [op, how] of [
    ['amoadd.w', 0],
    ['amoadd.w.aq', 1],
    ['amoadd.w.rl', 2],
    ['amoadd.w.aqrl', 3],
  ] as const)
    t.deepEqual(placed(amo(op)), [`hg_atomic_begin ${how}`, 'amo_w', `hg_amo_end ${how}`]);
});

test('LR comes before its edge, SC lies inside', (t) => {
  const text = `block 0x1000 len=8 insns=2 temps=6
  imark 0x1000 4 lr.d.aq
  t0:i64 = get a0
  t1:i32 = xlat t0+0 size=8 acc=r base=a0
  t2:i64 = call lr_d(t1)
  put a1, t2
  imark 0x1004 4 sc.d.rl
  t3:i32 = xlat t0+0 size=8 acc=w base=a0
  t4:i64 = get a2
  t5:i64 = call sc_d(t3, t4)
  put a3, t5
  -> goto 0x1008
`;
  t.deepEqual(placed(text), ['lr_d', 'hg_lr 1', 'hg_atomic_begin 2', 'sc_d', 'hg_sc_end 2']);
});

/** A fence of these sets (8 input, 4 output, 2 read, 1 write), then `between`, then a store. */
const fencedStore = (pred: number, succ: number, between = ''): string => `block 0x1000 len=8 insns=3 temps=9
  imark 0x1000 4 fence
  fence weak ${pred} ${succ}
  ${between || 'imark 0x1004 2 addi'}
  imark 0x1008 4 sw
  t0:i64 = get a0
  t1:i64 = get a1
  t2:i32 = xlat t0+0 size=4 acc=w base=a0
  i64.store32 [t2+0], t1
  -> goto 0x100c
`;

test('fence rw,w in front makes a store a release, arithmetic in between or not', (t) => {
  const release = ['hg_atomic_begin 4', 'i64.store32', 'hg_store_end 4'];
  t.deepEqual(placed(fencedStore(3, 1)), ['hg_fence 3 1', ...release]);
  t.deepEqual(placed(fencedStore(15, 15)), ['hg_fence 15 15', ...release]);
  const plain = ['hg_write', 'i64.store32'];
  t.deepEqual(placed(fencedStore(1, 4)), ['hg_fence 1 4', ...plain]);
  t.deepEqual(placed(fencedStore(2, 3)), ['hg_fence 2 3', ...plain]);
  const load = `imark 0x1004 4 lw
  t5:i64 = get a4
  t6:i32 = xlat t5+0 size=4 acc=r base=a4
  t7:i64 = i64.load32_s [t6+0]
  put a1, t7`;
  t.deepEqual(placed(fencedStore(3, 1, load)), ['hg_fence 3 1', 'i64.load32_s', 'hg_read', ...plain]);
});

/** A load with a fence right behind it, then a store. */
const fencedLoad = (pred: number, succ: number): string => `block 0x1000 len=8 insns=3 temps=9
  imark 0x1000 4 lw
  t0:i64 = get a0
  t1:i32 = xlat t0+0 size=4 acc=r base=a0
  t2:i64 = i64.load32_s [t1+0]
  put a1, t2
  imark 0x1004 4 fence
  fence weak ${pred} ${succ}
  imark 0x1008 4 sw
  t4:i32 = xlat t0+8 size=4 acc=w base=a0
  i64.store32 [t4+8], t2
  -> goto 0x100c
`;

test('fence r,rw behind makes a load an acquire', (t) => {
  const acquire = ['i64.load32_s', 'hg_load_acquire 0'];
  t.deepEqual(placed(fencedLoad(2, 3)), [...acquire, 'hg_fence 2 3', 'hg_write', 'i64.store32']);
  t.deepEqual(placed(fencedLoad(1, 3)).slice(0, 2), ['i64.load32_s', 'hg_read']);
});

test('a full fence behind a load belongs to it if it names devices, as gcc 12 writes it, and to the store too if not', (t) => {
  t.deepEqual(placed(fencedLoad(15, 15)).slice(3), ['hg_write', 'i64.store32']);
  t.deepEqual(placed(fencedLoad(3, 3)).slice(3), ['hg_atomic_begin 4', 'i64.store32', 'hg_store_end 4']);
});

test('once and its kind have edges, and their other accesses are their own', (t) => {
  for (const name of ['pthread_once', '__cxa_guard_acquire', '__atomic_fetch_add_1']) {
    const functions = { [name]: 0xff0 };
    t.deepEqual(placed(LOAD, { functions }), ['i64.load32_s']);
    t.deepEqual(placed(amo('amoadd.w.aq'), { functions }), ['hg_atomic_begin 9', 'amo_w', 'hg_amo_end 9']);
  }
});

test('--check-stack-refs=no leaves out accesses through sp only', (t) => {
  const off = { 'check-stack-refs': 'no' };
  t.deepEqual(placed(LOAD, {}, off), ['i64.load32_s', 'hg_read']);
  const stack = LOAD.replace('get a0', 'get sp').replace('base=a0', 'base=sp');
  t.deepEqual(placed(stack, {}, off), ['i64.load32_s']);
  t.deepEqual(placed(stack), ['i64.load32_s', 'hg_read']);
});

test('the C library is not checked, but for what copies on behalf of the caller', (t) => {
  const user = [0x8000, 0x9000] as const;
  t.deepEqual(placed(LOAD, { user, functions: { printf: 0xff0 } }), ['i64.load32_s']);
  t.deepEqual(placed(LOAD, { user, functions: { __GI_memcpy: 0xff0 } }), ['i64.load32_s', 'hg_read_for']);
});

test('calls and returns are followed everywhere, for stack traces', (t) => {
  const call = `block 0x1000 len=4 insns=1 temps=0
  imark 0x1000 4 jal
  put ra, 4100:i64
  -> call 0x2000 ret 0x1004
`;
  const ret = `block 0x1000 len=4 insns=1 temps=1
  imark 0x1000 4 jalr
  t0:i64 = get ra
  -> ret t0
`;
  for (const symbols of [{}, { user: [0x8000, 0x9000] as const }]) {
    t.deepEqual(placed(call, symbols), ['cs_push']);
    t.deepEqual(placed(ret, symbols), ['cs_pop']);
  }
});
