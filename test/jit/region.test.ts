/** Machine code to the blocks of a region: file-tests/region. Limits may be given: `limits insns blocks`. */
import test from 'ava';
import { optimise } from '../../src/ir/opt.js';
import { printBlock } from '../../src/ir/print.js';
import { decode } from '../../src/isa/decode.js';
import { discover } from '../../src/jit/region.js';
import { fileTests, readCode } from '../support/file-tests.js';

fileTests(test, new URL('../../../test/jit/file-tests/region/', import.meta.url), (input) => {
  const m = /^limits (\d+) (\d+)\n/.exec(input);
  const { pc, words } = readCode(m ? input.slice(m[0].length) : input);
  const limits = m ? { insns: Number(m[1]), blocks: Number(m[2]) } : { insns: 100, blocks: 10 };
  const fetch = (at: number) => (words.has(at) ? decode(words.get(at)!) : undefined);
  const r = discover(pc, fetch, limits);
  const edges = r.succ.map((s, i) => `${i}: ${s.join(' ')}`.trimEnd());
  return `${r.blocks.map((b) => printBlock(optimise(b))).join('')}succ ${edges.join(', ')}`;
});
