/** Lackey's counting on blocks whose counts are known by looking at them, and the layout of its report. */
import test from 'ava';
import { FRAMES } from '../../kernel/core/layout.js';
import type { Block } from '../../src/ir/ir.js';
import { parseBlock } from '../../src/ir/parse.js';
import { verify } from '../../src/ir/verify.js';
import lackey from '../../src/tools/lackey/index.js';
import { FakeHost, type FakeSymbols } from './fake-host.js';

const defaults = Object.fromEntries(Object.entries(lackey.options).map(([k, o]) => [k, o.default]));

/** lw a1, 0(a0); sd a1, 8(a0); bnez a1, 0x2000 */
const BLOCK = `block 0x1000 len=12 insns=3 temps=6
  imark 0x1000 4 lw
  t0:i64 = get a0
  t1:i32 = xlat t0+0 size=4 acc=r base=a0
  t2:i64 = i64.load32_s [t1+0]
  put a1, t2
  imark 0x1004 4 sd
  t3:i32 = xlat t0+8 size=8 acc=w base=a0
  i64.store [t3+8], t2
  imark 0x1008 4 bne
  t4:i32 = i64.ne t2, 0:i64
  -> br t4 0x2000 else 0x100c
`;

interface Rig {
  host: FakeHost;
  block: Block;
  imports: Record<string, CallableFunction>;
  finish(): string[];
}

function rig(options: Record<string, string>, symbols: FakeSymbols = {}): Rig {
  const host = new FakeHost({ ...defaults, ...options }, symbols);
  const tool = lackey.create(host);
  return {
    host,
    block: tool.instrument!(parseBlock(BLOCK)),
    imports: tool.imports!,
    finish: () => {
      tool.finish!({ status: 3, signal: 0 });
      return host.lines;
    },
  };
}

/** Runs the block with this word in memory. */
function run(r: Rig, word: number): void {
  r.host.machine.i32[FRAMES >> 2] = word;
  r.host.run(r.block, { 10: BigInt(FRAMES) });
}

test('blocks, instructions and branches are counted, taken ones apart', (t) => {
  const r = rig({});
  t.deepEqual(verify(r.block), []);
  run(r, 7);
  run(r, 0);
  run(r, -1);
  const lines = r.finish();
  t.true(lines.includes('  total:         3'));
  t.true(lines.includes('  taken:         2 (66%)'));
  t.true(lines.includes('  SBs entered:   3'));
  t.true(lines.includes('  SBs completed: 3'));
  t.true(lines.includes('  guest instrs:  9'));
  t.true(lines.includes('  guest instrs : SB entered  = 30 : 10'));
  t.true(lines.includes('Exit code:       3'));
});

test('the guest does the same as without lackey', (t) => {
  const r = rig({ 'detailed-counts': 'yes' });
  run(r, -2);
  t.is(r.host.machine.i64[(FRAMES + 8) >> 3], -2n);
});

test('a block at the start of the named function is a call of it', (t) => {
  const hit = rig({ fnname: 'f' }, { functions: { f: 0x1000 } });
  run(hit, 0);
  run(hit, 0);
  t.is(hit.finish()[0], 'Counted 2 calls to f()');
  const miss = rig({ fnname: 'f' }, { functions: { f: 0xff0 } });
  run(miss, 0);
  t.is(miss.finish()[0], 'Counted 0 calls to f()');
  const once = rig({ fnname: 'f' }, { functions: { f: 0x1000 } });
  run(once, 0);
  t.is(once.finish()[0], 'Counted 1 call to f()');
});

test('detailed counts go by type of what is moved', (t) => {
  const r = rig({ 'basic-counts': 'no', 'detailed-counts': 'yes' });
  t.deepEqual(verify(r.block), []);
  run(r, 1);
  const row = (type: string): string[] =>
    r.host.lines
      .find((l) => l.trim().startsWith(type))!
      .trim()
      .split(/\s+/)
      .slice(1);
  r.finish();
  // lw loads 32 bits, sd stores 64; the comparison gives an i32.
  t.deepEqual(row('I32'), ['1', '0', '1']);
  t.deepEqual(row('I64'), ['0', '1', '0']);
  t.deepEqual(row('F64'), ['0', '0', '0']);
  t.false(r.host.lines.some((l) => l.startsWith('Jccs')));
});

test('trace-mem names every access, instructions too, in order', (t) => {
  const r = rig({ 'basic-counts': 'no', 'trace-mem': 'yes' });
  t.deepEqual(verify(r.block), []);
  const kinds = r.block.stmts.flatMap((s) => (s.s === 'call' && s.fn === 'lk_trace' ? [s.a[0]] : []));
  t.deepEqual(
    kinds.map((o) => (o?.k === 'c' ? o.v : null)),
    [0, 1, 0, 2, 0],
  );
  r.imports['lk_trace']!(0, 0, 0x1000, 0, 4);
  r.imports['lk_trace']!(0, 1, 0xffffffc0 | 0, 0x3f, 4);
  r.imports['lk_trace']!(0, 2, 0x20, 0, 8);
  t.deepEqual(r.host.lines, ['I  00001000,4\n', ' L 3fffffffc0,4\n', ' S 00000020,8\n']);
});

test('large numbers have commas; nothing executed divides nothing', (t) => {
  const r = rig({});
  // Calls, branches, taken, entered, completed, instructions, statements.
  r.host.totals = [1234n, 1000000n, 999999n, 100n, 99n, 1234567n, 5n];
  const lines = r.finish();
  t.is(lines[0], 'Counted 1,234 calls to main()');
  t.true(lines.includes('  total:         1,000,000'));
  t.true(lines.includes('  taken:         999,999 (99%)'));
  t.true(lines.includes('  guest instrs:  1,234,567'));
  const empty = rig({});
  empty.host.totals = [];
  t.true(empty.finish().includes('  taken:         0 (0%)'));
});
