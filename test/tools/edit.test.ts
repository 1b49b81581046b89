import test from 'ava';
import { THREADS } from '../../kernel/core/layout.js';
import { c32, c64 } from '../../src/ir/ir.js';
import { parseBlock } from '../../src/ir/parse.js';
import { printBlock, printStmt } from '../../src/ir/print.js';
import { verify } from '../../src/ir/verify.js';
import { BlockEditor } from '../../src/tools/edit.js';
import { FakeHost } from './fake-host.js';

/** addi a0, a0, 1; addi a1, a0, 2 */
const TEXT = `block 0x1000 len=8 insns=2 temps=4
  imark 0x1000 4 addi
  t0:i64 = get a0
  t1:i64 = i64.add t0, 1:i64
  put a0, t1
  imark 0x1004 4 addi
  t2:i64 = get a0
  t3:i64 = i64.add t2, 2:i64
  put a1, t3
  -> goto 0x1008
`;

test('an editor that only keeps gives the same block', (t) => {
  const e = new BlockEditor(parseBlock(TEXT));
  t.is(printBlock(e.rewrite((s) => e.add(s))), TEXT);
});

test('the block given is not changed', (t) => {
  const block = parseBlock(TEXT);
  const e = new BlockEditor(block);
  e.rewrite(
    (s) => e.add(s),
    () => e.count(64, 1),
  );
  t.is(printBlock(block), TEXT);
});

test('statements go before and after what is visited, and at the end', (t) => {
  const e = new BlockEditor(parseBlock(TEXT));
  const b = e.rewrite(
    (s) => {
      if (s.s === 'put') e.call('before');
      e.add(s);
      if (s.s === 'imark') e.call('after', c32(s.pc));
    },
    () => e.call('end', e.reg(11)),
  );
  t.deepEqual(verify(b), []);
  const order = b.stmts.filter((s) => s.s === 'call' || s.s === 'imark' || s.s === 'put').map(printStmt);
  t.deepEqual(order, [
    'imark 0x1000 4 addi',
    'call after(4096:i32)',
    'call before()',
    'put a0, t1',
    'imark 0x1004 4 addi',
    'call after(4100:i32)',
    'call before()',
    'put a1, t3',
    'call end(t4)',
  ]);
  t.is(b.term.t, 'goto');
});

test('new temporaries do not meet those of the block', (t) => {
  const e = new BlockEditor(parseBlock(TEXT));
  const ids = [e.tmp('i32').id, e.tmp('i64').id];
  t.deepEqual(ids, [4, 5]);
  t.is(e.rewrite((s) => e.add(s)).temps, 6);
});

test('host() adds nothing for offset 0', (t) => {
  const e = new BlockEditor(parseBlock(TEXT));
  const h = c32(4096);
  t.is(e.host(h, 0), h);
  const moved = e.host(h, -8);
  t.is(moved.ty, 'i32');
  t.not(moved, h);
});

test('count and countIf add to 64-bit words of the thread state', (t) => {
  const host = new FakeHost({});
  const { i64 } = host.machine;
  const carry = host.counterOffset(0);
  const yes = host.counterOffset(1);
  const no = host.counterOffset(2);
  // A sum that goes past 32 bits.
  i64[(THREADS + carry) >> 3] = 0xffffffffn;
  const e = new BlockEditor(parseBlock(TEXT));
  const b = e.rewrite(
    (s) => {
      e.add(s);
      if (s.s === 'imark') e.count(carry, 3);
    },
    () => {
      e.countIf(yes, e.op('i64.eq', 'i32', e.reg(11), c64(13)));
      e.countIf(no, e.op('i64.eq', 'i32', e.reg(11), c64(14)));
    },
  );
  t.deepEqual(verify(b), []);
  host.run(b, { 10: 10n });
  // a0 = 10 + 1, a1 = 11 + 2: the guest's registers are what they were without the counting.
  t.deepEqual([host.counter(0), host.counter(1), host.counter(2)], [0x100000005n, 1n, 0n]);
  host.run(b, { 10: 11n });
  t.deepEqual([host.counter(0), host.counter(1), host.counter(2)], [0x10000000bn, 1n, 1n]);
});
