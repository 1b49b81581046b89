/** print.ts and parse.ts are each other's inverse, and parse.ts and verify.ts say what is wrong where. */
import test from 'ava';
import { type Block, c32, c64, EXIT_ILLEGAL, REG_F, REG_FCSR, TS } from '../../src/ir/ir.js';
import { IrSyntaxError, parseBlock, parseBlocks } from '../../src/ir/parse.js';
import { printBlock } from '../../src/ir/print.js';
import { assertValid, verify } from '../../src/ir/verify.js';

const HEAD = 'block 0x1000 len=4 insns=1 temps=9\n  imark 0x1000 4 addi\n';
const block = (...lines: string[]): string => `${HEAD}${lines.map((l) => `  ${l}\n`).join('')}`;

/** Every kind of statement and terminator, and the forms of operands and offsets. */
const EVERYTHING: Block = {
  pc: 0x7fff_ffff_f000,
  len: 2,
  insns: 1,
  temps: 8,
  stmts: [
    { s: 'imark', pc: 0x7fff_ffff_f000, len: 2, op: 'amoadd.w' },
    { s: 'get', d: { k: 't', id: 0, ty: 'i64' }, reg: 10 },
    { s: 'get', d: { k: 't', id: 1, ty: 'f64' }, reg: REG_F + 8 },
    {
      s: 'op',
      d: { k: 't', id: 2, ty: 'i64' },
      op: 'i64.add',
      a: [{ k: 't', id: 0, ty: 'i64' }, c64(-(1n << 63n))],
    },
    {
      s: 'xlat',
      d: { k: 't', id: 3, ty: 'i32' },
      addr: { k: 't', id: 2, ty: 'i64' },
      off: -8,
      size: 8,
      acc: 'rw',
      base: -1,
    },
    {
      s: 'load',
      d: { k: 't', id: 4, ty: 'i64' },
      op: 'i64.load16_u',
      h: { k: 't', id: 3, ty: 'i32' },
      off: -8,
      guest: true,
    },
    { s: 'store', op: 'i32.store8', h: TS, off: 768, v: c32(-1), guest: false },
    { s: 'fp', d: { k: 't', id: 5, ty: 'f64' }, op: 'sqrt_d', rm: 7, a: [{ k: 't', id: 1, ty: 'f64' }] },
    { s: 'call', d: { k: 't', id: 6, ty: 'i32' }, fn: 'tool_fn', a: [], sync: true },
    { s: 'call', d: null, fn: 'note', a: [TS, c64(5)], sync: false },
    { s: 'exitif', cond: { k: 't', id: 6, ty: 'i32' }, why: EXIT_ILLEGAL, arg: 3 },
    { s: 'fence', full: true, pred: 3, succ: 12 },
    { s: 'put', reg: REG_FCSR, v: { k: 't', id: 6, ty: 'i32' } },
  ],
  term: { t: 'icall', target: { k: 't', id: 4, ty: 'i64' }, ret: 0x8000_0000_0000 },
};

test('the text of every kind of statement', (t) => {
  assertValid(EVERYTHING);
  t.is(
    printBlock(EVERYTHING),
    `block 0x7ffffffff000 len=2 insns=1 temps=8
  imark 0x7ffffffff000 2 amoadd.w
  t0:i64 = get a0
  t1:f64 = get fs0
  t2:i64 = i64.add t0, -9223372036854775808:i64
  t3:i32 = xlat t2-8 size=8 acc=rw base=-
  t4:i64 = i64.load16_u [t3-8]
  i32.store8 host [ts+768], -1:i32
  t5:f64 = fp.sqrt_d rm=7 t1
  t6:i32 = call.sync tool_fn()
  call note(ts, 5:i64)
  exitif t6 illegal 3
  fence full 3 12
  put fcsr, t6
  -> icall t4 ret 0x800000000000
`,
  );
  t.deepEqual(parseBlock(printBlock(EVERYTHING)), EVERYTHING);
});

test('the text of every terminator', (t) => {
  const terms = [
    '-> goto 0x1004',
    '-> br t0 0x1010 else 0x1004',
    '-> call 0x2000 ret 0x1004',
    '-> ijump t1',
    '-> ret t1',
    '-> exit syscall at 0x1000 next 0x1004',
    '-> exit 99 at 0x1000 next 0x1004',
  ];
  const text = terms.map((term) => block('t0:i32 = i32.eqz 1:i32', 't1:i64 = get ra', term)).join('');
  const blocks = parseBlocks(`# a comment\n\n${text}`);
  t.is(blocks.length, terms.length);
  t.is(blocks.map(printBlock).join(''), text);
  t.deepEqual(blocks[2]!.term, { t: 'call', pc: 0x2000, ret: 0x1004 });
});

test('mistakes in the text are reported with their line', (t) => {
  const wrong: [string, number, RegExp][] = [
    ['block 0x1000 len=4\n', 1, /expected "insns="/],
    [block('put a9, 1:i64', '-> goto 0x0'), 3, /no register a9/],
    [block('put a0, t4', '-> goto 0x0'), 3, /t4 is not set/],
    [block('t0:i64 = get a0', 't0:i64 = get a1', '-> goto 0x0'), 4, /t0 is set twice/],
    [block('t0:i16 = get a0', '-> goto 0x0'), 3, /no type i16/],
    [block('t0:i64 = i64.plus t0, t0', '-> goto 0x0'), 3, /no operation i64.plus/],
    [block('t0:f64 = fp.tan_d rm=0 t1', '-> goto 0x0'), 3, /no floating-point operation tan_d/],
    [block('i64.load [ts+0]', '-> goto 0x0'), 3, /no statement i64.load/],
    [block('t0:i64 = i64.load [ts]', '-> goto 0x0'), 3, /expected an offset/],
    [block('put a0, 5', '-> goto 0x0'), 3, /expected an operand/],
    [block('-> leap 0x0'), 3, /no terminator leap/],
    [block('-> goto 0x0 now'), 3, /left over: "now"/],
    [block('exitif 1:i32 boredom 0', '-> goto 0x0'), 3, /no exit reason boredom/],
    [block('fence full 3 3'), 4, /no terminator/],
  ];
  for (const [text, line, message] of wrong) {
    const e = t.throws(() => parseBlocks(text), { instanceOf: IrSyntaxError, message }, text);
    t.is(e.line, line, text);
  }
  t.throws(() => parseBlock(''), { message: /one block expected/ });
});

test('the verifier finds what is wrong with a block', (t) => {
  const put = (reg: number): Block => ({
    ...EVERYTHING,
    stmts: [{ s: 'put', reg, v: c64(1) }],
    term: { t: 'goto', pc: 0 },
    insns: 0,
  });
  t.deepEqual(verify(put(10)), []);
  t.regex(verify(put(0))[0]!, /no register 0/);
  t.regex(verify(put(65))[0]!, /no register 65/);
  t.regex(verify(put(REG_F))[0]!, /f64 expected, not i64/);
  const broken: [string, RegExp][] = [
    [block('t0:i32 = i64.add 1:i64, 2:i64', '-> goto 0x0'), /the result is i64, not i32/],
    [block('t0:i64 = i64.add 1:i32, 2:i64', '-> goto 0x0'), /i64 expected, not i32/],
    [block('t0:i64 = i64.add 1:i64', '-> goto 0x0'), /2 operands expected, not 1/],
    [block('t9:i64 = get a0', '-> goto 0x0'), /t9 is beyond temps/],
    [block('t0:i32 = xlat 0:i64+0 size=3 acc=r base=-', '-> goto 0x0'), /size 3/],
    [block('t0:i32 = xlat 0:i64+0 size=4 acc=r base=fa0', '-> goto 0x0'), /no base register 42/],
    [block('t0:i32 = i64.load [ts+0]', '-> goto 0x0'), /the result is i64, not i32/],
    [block('i64.store [ts+0], 1:i32', '-> goto 0x0'), /i64 expected, not i32/],
    [block('t0:f64 = get fa0', 't1:f64 = fp.sqrt_d rm=5 t0', '-> goto 0x0'), /rounding mode 5/],
    [block('-> br 1:i64 0x0 else 0x4'), /i32 expected, not i64/],
    [block('imark 0x1004 4 addi', '-> goto 0x0'), /insns is 1, but there are 2/],
  ];
  for (const [text, message] of broken) t.regex(verify(parseBlock(text)).join('\n'), message, text);
  const late: Block = { ...put(10), term: { t: 'ret', target: { k: 't', id: 3, ty: 'i64' } } };
  t.regex(verify(late)[0]!, /terminator .*t3 is not set here/);
  const loose: Block = { ...put(10), stmts: [{ s: 'put', reg: 10, v: { k: 'c', ty: 'i64', v: 5n } }] };
  t.regex(verify(loose)[0]!, /5 is not a canonical i64/);
  t.throws(() => assertValid(late), { message: /^block 0x7ffffffff000:\nterminator/ });
});
