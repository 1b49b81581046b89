/** Machine code to IR, not optimised: file-tests/lift. */
import test from 'ava';
import { Builder } from '../../src/ir/builder.js';
import type { Term } from '../../src/ir/ir.js';
import { illegal, liftedOps, lifterOf } from '../../src/ir/lift.js';
import '../../src/ir/lift-fp.js';
import { printBlock } from '../../src/ir/print.js';
import { assertValid } from '../../src/ir/verify.js';
import { decode } from '../../src/isa/decode.js';
import { ROWS } from '../../src/isa/table.js';
import { fileTests, readCode } from '../support/file-tests.js';

function lift(input: string): string {
  const { pc, words } = readCode(input);
  const b = new Builder(pc);
  let at = pc;
  let term: Term | undefined;
  for (const word of words.values()) {
    const i = decode(word);
    const f = i ? lifterOf(i.op) : undefined;
    b.imark(at, i?.len ?? 2, i?.op ?? 'illegal');
    term = f ? f(b, i!, at) : illegal(at, i?.len ?? 2);
    at += i?.len ?? 2;
    if (term) break;
  }
  const block = b.finish(term ?? { t: 'goto', pc: at }, at);
  assertValid(block);
  return printBlock(block);
}

fileTests(test, new URL('../../../test/ir/file-tests/lift/', import.meta.url), lift);

test('every instruction of the table can be lifted', (t) => {
  const lifted = new Set(liftedOps());
  t.deepEqual(
    ROWS.map((r) => r.name).filter((n) => !lifted.has(n)),
    [],
  );
});
