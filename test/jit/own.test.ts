/** What line ownership adds to blocks (file-tests/own), and where blocks end for it. */
import test from 'ava';
import { parseBlock } from '../../src/ir/parse.js';
import { printBlock } from '../../src/ir/print.js';
import { assertValid } from '../../src/ir/verify.js';
import { decode } from '../../src/isa/decode.js';
import { endsBlock, giveUpOf, ownLines } from '../../src/jit/own.js';
import { discover } from '../../src/jit/region.js';
import { fileTests } from '../support/file-tests.js';

fileTests(test, new URL('../../../test/jit/file-tests/own/', import.meta.url), (input) => {
  const block = parseBlock(input);
  assertValid(block);
  const out = ownLines(block);
  assertValid(out);
  readsBack(out);
  return printBlock(out);
});

function readsBack(block: Parameters<typeof printBlock>[0]): void {
  const text = printBlock(block);
  if (printBlock(parseBlock(text)) !== text) throw new Error(`reads back differently:\n${text}`);
}

test('blocks end behind atomics and nowhere else', (t) => {
  // add a0, a0, a1; amoadd.d a0, a1, (a2); ld a0, 0(a2); lr.d a0, (a2); sc.d a0, a1, (a2); ret
  const words = [0x00b50533, 0x00b6352f, 0x00063503, 0x1006352f, 0x18b6352f, 0x00008067];
  const fetch = (pc: number) => (words[(pc - 0x1000) / 4] ? decode(words[(pc - 0x1000) / 4]!) : undefined);
  const r = discover(0x1000, fetch, { insns: 100, blocks: 10, ends: endsBlock });
  t.deepEqual(r.blocks.map((b) => [b.pc, b.insns]).sort(), [
    [0x1000, 2],
    [0x1008, 2],
    [0x1010, 1],
    [0x1014, 1],
  ]);
});

test('registers that a block changes before it may give up are kept, if the thread state lacks their old values', (t) => {
  const block = ownLines(
    parseBlock(`block 0x1000 len=12 insns=3 temps=4
  imark 0x1000 4 addi
  t0:i64 = get a0
  put a1, t0
  put a2, t0
  imark 0x1004 4 ld
  t1:i32 = xlat t0+0 size=8 acc=r base=a0
  t2:i64 = i64.load [t1+0]
  put a3, t2
  imark 0x1008 4 addi
  -> goto 0x100c
`),
  );
  const dirty = new Uint8Array(129);
  for (const reg of [11, 13, 14]) dirty[reg] = 1;
  t.like(giveUpOf(block, dirty), { dirty: [11, 13, 14], saved: [11], logs: false, pinned: false });
  t.is(giveUpOf(parseBlock(printBlock({ ...block, stmts: [], insns: 0 })), dirty), null);
});
