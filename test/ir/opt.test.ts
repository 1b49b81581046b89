/** IR in, optimised IR out: file-tests/opt. */
import test from 'ava';
import { optimise } from '../../src/ir/opt.js';
import { parseBlock } from '../../src/ir/parse.js';
import { printBlock } from '../../src/ir/print.js';
import { assertValid } from '../../src/ir/verify.js';
import { fileTests } from '../support/file-tests.js';

fileTests(test, new URL('../../../test/ir/file-tests/opt/', import.meta.url), (input) => {
  const block = parseBlock(input);
  assertValid(block);
  const out = optimise(block);
  assertValid(out);
  return printBlock(out);
});
