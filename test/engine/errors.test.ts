import test from 'ava';
import { G_LOCK_TOOL } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { Errors } from '../../src/engine/errors.js';

/** Reports an error and says whether it was written. */
function reported(errors: Errors, kind: string, pcs: number[]): boolean {
  let written = false;
  errors.report(kind, pcs, () => {
    written = true;
  });
  return written;
}

test('the first of its kind and stack is written, later ones are counted', (t) => {
  const errors = new Errors(Machine.create(0));
  t.deepEqual(errors.totals(), { errors: 0, contexts: 0 });
  t.true(reported(errors, 'Race', [0x1000, 0x2000]));
  t.false(reported(errors, 'Race', [0x1000, 0x2000]));
  t.false(reported(errors, 'Race', [0x1000, 0x2000]));
  t.deepEqual(errors.totals(), { errors: 3, contexts: 1 });
});

test('kind and place keep errors apart', (t) => {
  const errors = new Errors(Machine.create(0));
  t.true(reported(errors, 'Race 4 r', [0x1000]));
  t.true(reported(errors, 'Race 4 w', [0x1000]));
  t.true(reported(errors, 'Race 4 r', [0x1004]));
  t.true(reported(errors, 'Race 4 r', [0x1000, 0x2000]));
  t.deepEqual(errors.totals(), { errors: 4, contexts: 4 });
});

test('only the four innermost frames matter', (t) => {
  const errors = new Errors(Machine.create(0));
  t.true(reported(errors, 'Race', [1, 2, 3, 4, 5]));
  t.false(reported(errors, 'Race', [1, 2, 3, 4, 6]));
  t.true(reported(errors, 'Race', [1, 2, 3, 7, 5]));
});

test('addresses that differ above 32 bits are different', (t) => {
  const errors = new Errors(Machine.create(0));
  t.true(reported(errors, 'Race', [0x3f_0000_1000]));
  t.true(reported(errors, 'Race', [0x3e_0000_1000]));
});

test('workers share one table', (t) => {
  const machine = Machine.create(0);
  const here = new Errors(machine);
  const there = new Errors(Machine.attach(machine.memory));
  t.true(reported(here, 'Race', [0x1000]));
  t.false(reported(there, 'Race', [0x1000]));
  t.deepEqual(there.totals(), { errors: 2, contexts: 1 });
});

test('whoever writes holds the tool-state lock, and gives it back even when writing fails', (t) => {
  const machine = Machine.create(0);
  const errors = new Errors(machine);
  const word = G_LOCK_TOOL >> 2;
  errors.report('A', [1], () => t.not(machine.i32[word], 0));
  t.is(machine.i32[word], 0);
  t.throws(() =>
    errors.report('B', [1], () => {
      throw new Error('disk full');
    }),
  );
  t.is(machine.i32[word], 0);
});

test('after a thousand distinct ones the rest is only counted', (t) => {
  const errors = new Errors(Machine.create(0));
  let written = 0;
  for (let i = 0; i < 1010; i++) if (reported(errors, 'Race', [i * 4])) written++;
  t.is(written, 1000);
  t.deepEqual(errors.totals(), { errors: 1010, contexts: 1000 });
});

test('the list has kind, hash, count and the innermost frames of each', (t) => {
  const errors = new Errors(Machine.create(0));
  reported(errors, 'Race 4 r', [0x3f_8000_1000, 2, 3, 4, 5]);
  reported(errors, 'Race 4 w', [0x1000]);
  reported(errors, 'Race 4 r', [0x3f_8000_1000, 2, 3, 4, 6]);
  reported(errors, 'Race 4 r', []);
  const list = errors.list();
  t.deepEqual(
    list.map(({ kind, count, pcs }) => ({ kind, count, pcs })),
    [
      { kind: 'Race 4 r', count: 2, pcs: [0x3f_8000_1000, 2, 3, 4] },
      { kind: 'Race 4 w', count: 1, pcs: [0x1000] },
      { kind: 'Race 4 r', count: 1, pcs: [] },
    ],
  );
  t.is(new Set(list.map((f) => f.hash)).size, 3);
  t.true(list.every((f) => Number.isInteger(f.hash) && f.hash >= 0 && f.hash < 2 ** 32));
  const again = new Errors(Machine.create(0));
  reported(again, 'Race 4 w', [0x1000]);
  t.is(again.list()[0]!.hash, list[1]!.hash, 'the same error has the same hash in another run');
});

test('kinds beyond the room for them, and long ones, do no harm', (t) => {
  const errors = new Errors(Machine.create(0));
  const long = 'k'.repeat(100);
  reported(errors, long, [1]);
  for (let i = 0; i < 80; i++) reported(errors, `kind ${i}`, [1]);
  const list = errors.list();
  t.is(list.length, 81);
  t.is(list[0]!.kind, long.slice(0, 31));
  t.is(list[1]!.kind, 'kind 0');
  t.deepEqual(list.at(-1)!.pcs, [1]);
});
