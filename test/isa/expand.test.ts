import test from 'ava';
import { decode } from '../../src/isa/decode.js';
import { expand, NOT_COMPRESSED, rvcTable } from '../../src/isa/expand.js';

const FIELDS = ['op', 'rd', 'rs1', 'rs2', 'imm'] as const;

test('every compressed instruction expands to the one that means the same', (t) => {
  let compressed = 0;
  const wrong: number[] = [];
  for (let half = 0; half < 65536; half++) {
    const word = expand(half);
    const short = (half & 3) === 3 ? null : decode(half);
    if (short === null) {
      if (word !== NOT_COMPRESSED) wrong.push(half);
      continue;
    }
    compressed++;
    const long = decode(word);
    if (FIELDS.some((f) => long?.[f] !== short[f])) wrong.push(half);
  }
  t.deepEqual(wrong, []);
  // Quadrants 0 to 2, less what is reserved.
  t.true(compressed > 40_000 && compressed < 49_152, `${compressed}`);
  t.is(decode(NOT_COMPRESSED), null);
});

test('the table has the words in memory order', (t) => {
  const table = new DataView(rvcTable().buffer);
  // c.li a0, 1 is addi a0, x0, 1.
  t.is(table.getUint32(0x4505 * 4, true), 0x00100513);
});
