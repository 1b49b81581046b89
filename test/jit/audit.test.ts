/** What --audit-atomicity adds to blocks: file-tests/audit. */
import test from 'ava';
import { parseBlock } from '../../src/ir/parse.js';
import { printBlock } from '../../src/ir/print.js';
import { assertValid } from '../../src/ir/verify.js';
import { auditBlock } from '../../src/jit/audit.js';
import { ownLines } from '../../src/jit/own.js';
import { fileTests } from '../support/file-tests.js';

fileTests(test, new URL('../../../test/jit/file-tests/audit/', import.meta.url), (input) => {
  const out = auditBlock(parseBlock(input));
  assertValid(out);
  return printBlock(out);
});

test('what the audit is told may be told again: a block that starts over needs not run alone for it', (t) => {
  const block = parseBlock(`block 0x1000 len=4 insns=1 temps=3
  imark 0x1000 4 ld
  t0:i64 = get a1
  t1:i32 = xlat t0+0 size=8 acc=r base=a1
  t2:i64 = i64.load [t1+0]
  -> goto 0x1004
`);
  const kinds = ownLines(auditBlock(block)).stmts.map((s) => (s.s === 'call' ? s.fn : s.s));
  t.deepEqual(kinds, ['audit_begin', 'imark', 'get', 'xlat', 'own', 'audit_access', 'load', 'audit_end']);
});
