/** Where helgrind puts its calls. A race's own access must be checked before a store changes what is there. */
import test from 'ava';
import { parseBlock } from '../../src/ir/parse.js';
import { printStmt } from '../../src/ir/print.js';
import { verify } from '../../src/ir/verify.js';
import helgrind from '../../src/tools/helgrind/index.js';
import { FakeHost, type FakeSymbols } from './fake-host.js';

/** Memory operations and helgrind's calls of an instrumented block, in order, arguments left out. */
function placed(text: string, symbols: FakeSymbols = {}, options: Record<string, string> = {}): string[] {
  const host = new FakeHost({ 'check-stack-refs': 'yes', ...options }, symbols, 4);
  const block = helgrind.create(host).instrument!(parseBlock(text));
  const problems = verify(block);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return block.stmts.flatMap((s) => {
    if (s.s === 'load' || s.s === 'store') return [s.op];
    if (s.s !== 'call') return [];
    if (s.fn !== 'hg_atomic') return [s.fn];
    const how = s.a[1]!;
    return [`hg_atomic ${how.k === 'c' ? how.v : '?'}`];
  });
}

const ACQUIRE = 'hg_atomic 1';
const RELEASE = 'hg_atomic 2';

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

test('plain accesses are checked before they happen', (t) => {
  t.deepEqual(placed(LOAD), ['hg_read', 'i64.load32_s']);
  t.deepEqual(placed(STORE), ['hg_write', 'i64.store8']);
});

test('size and instruction are passed on', (t) => {
  const host = new FakeHost({ 'check-stack-refs': 'yes' }, {}, 4);
  const tool = helgrind.create(host);
  const call = (text: string): string => {
    const { stmts } = tool.instrument!(parseBlock(text));
    return printStmt(stmts.find((s) => s.s === 'call')!);
  };
  t.regex(call(LOAD), /^call hg_read\(t\d+, 4:i32, 4096:i64\)$/);
  t.regex(call(STORE), /^call hg_write\(t\d+, 1:i32, 4096:i64\)$/);
});

test('an AMO releases before and acquires after', (t) => {
  const text = `block 0x1000 len=4 insns=1 temps=4
  imark 0x1000 4 amoadd.w
  t0:i64 = get a0
  t1:i64 = get a1
  t2:i32 = xlat t0+0 size=4 acc=rw base=a0
  t3:i64 = call amo_w(1:i32, t2, t1)
  put a2, t3
  -> goto 0x1004
`;
  t.deepEqual(placed(text), [RELEASE, 'amo_w', ACQUIRE]);
});

test('LR acquires; SC does both', (t) => {
  const text = `block 0x1000 len=8 insns=2 temps=6
  imark 0x1000 4 lr.d
  t0:i64 = get a0
  t1:i32 = xlat t0+0 size=8 acc=r base=a0
  t2:i64 = call lr_d(t1)
  put a1, t2
  imark 0x1004 4 sc.d
  t3:i32 = xlat t0+0 size=8 acc=w base=a0
  t4:i64 = get a2
  t5:i64 = call sc_d(t3, t4)
  put a3, t5
  -> goto 0x1008
`;
  t.deepEqual(placed(text), ['lr_d', ACQUIRE, RELEASE, 'sc_d', ACQUIRE]);
});

// How compilers write atomic_load_explicit(acquire) and atomic_store_explicit(release) for RISC-V.
test('fence rw,w in front makes a store a release; fence r,rw behind makes a load an acquire', (t) => {
  const release = `block 0x1000 len=8 insns=2 temps=3
  imark 0x1000 4 fence
  fence weak 3 1
  imark 0x1004 4 sw
  t0:i64 = get a0
  t1:i64 = get a1
  t2:i32 = xlat t0+0 size=4 acc=w base=a0
  i64.store32 [t2+0], t1
  -> goto 0x1008
`;
  t.deepEqual(placed(release), [RELEASE, 'i64.store32']);
  const acquire = `block 0x1000 len=8 insns=2 temps=3
  imark 0x1000 4 lw
  t0:i64 = get a0
  t1:i32 = xlat t0+0 size=4 acc=r base=a0
  t2:i64 = i64.load32_s [t1+0]
  put a1, t2
  imark 0x1004 4 fence
  fence weak 2 3
  -> goto 0x1008
`;
  t.deepEqual(placed(acquire), ['i64.load32_s', ACQUIRE]);
});

test('a fence that orders output to devices only releases nothing', (t) => {
  const text = `block 0x1000 len=8 insns=2 temps=3
  imark 0x1000 4 fence
  fence weak 1 4
  imark 0x1004 4 sw
  t0:i64 = get a0
  t1:i64 = get a1
  t2:i32 = xlat t0+0 size=4 acc=w base=a0
  i64.store32 [t2+0], t1
  -> goto 0x1008
`;
  t.deepEqual(placed(text), ['hg_write', 'i64.store32']);
});

test('another instruction between access and fence makes it plain again', (t) => {
  const text = `block 0x1000 len=12 insns=3 temps=3
  imark 0x1000 4 fence
  fence weak 3 1
  imark 0x1004 4 addi
  imark 0x1008 4 sw
  t0:i64 = get a0
  t1:i64 = get a1
  t2:i32 = xlat t0+0 size=4 acc=w base=a0
  i64.store32 [t2+0], t1
  -> goto 0x100c
`;
  t.deepEqual(placed(text), ['hg_write', 'i64.store32']);
});

test('--check-stack-refs=no leaves out accesses through sp only', (t) => {
  const off = { 'check-stack-refs': 'no' };
  t.deepEqual(placed(LOAD, {}, off), ['hg_read', 'i64.load32_s']);
  const stack = LOAD.replace('get a0', 'get sp').replace('base=a0', 'base=sp');
  t.deepEqual(placed(stack, {}, off), ['i64.load32_s']);
  t.deepEqual(placed(stack), ['hg_read', 'i64.load32_s']);
});

test('the C library is not checked, but for what copies on behalf of the caller', (t) => {
  const user = [0x8000, 0x9000] as const;
  t.deepEqual(placed(LOAD, { user, functions: { printf: 0xff0 } }), ['i64.load32_s']);
  t.deepEqual(placed(LOAD, { user, functions: { __GI_memcpy: 0xff0 } }), ['hg_read', 'i64.load32_s']);
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
