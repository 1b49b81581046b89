import test from 'ava';
import { COLD, LARGE, SMALL } from '../support/jit-rig.js';
import { differential, Executor } from './differential.js';
import { qemuInstalled } from './qemu.js';

const ALL = Boolean(process.env['CAPGRIND_TEST_ALL']);
/** Repeats a failure: CAPGRIND_SEED=n runs that one program. */
const ONLY = process.env['CAPGRIND_SEED'];

function executors(slots: number): Executor[] {
  return [
    new Executor('interpreter', null, slots, LARGE),
    new Executor('large regions', LARGE, slots, LARGE),
    new Executor('small regions', SMALL, slots, SMALL),
  ];
}

test('interpreter, translated code and qemu agree on random programs', (t) => {
  t.timeout(ALL ? 3_600_000 : 120_000);
  const count = ONLY ? 1 : ALL ? 100_000 : 2_000;
  const share = qemuInstalled() ? (ONLY ? 1 : ALL ? 1 : 0.25) : 0;
  const { failures, counts } = differential(executors(500), ONLY ? Number(ONLY) : 1, count, share);
  t.is(failures.join('\n\n'), '');
  t.is(counts.programs, count);
  t.is(counts.complete, count);
});

test('the interpreter of cold code agrees with that of the IR', (t) => {
  t.timeout(ALL ? 3_600_000 : 120_000);
  const count = ALL ? 100_000 : 500;
  for (const trapping of [false, true]) {
    const pair = [new Executor('interpreter', null, 200, COLD), new Executor('cold code', COLD, 200, COLD)];
    const { failures, counts } = differential(pair, trapping ? 7_000_000 : 1, count, 0, trapping);
    t.is(failures.join('\n\n'), '');
    t.is(counts.programs, count);
  }
});

test('registers and memory are exact at every trap', (t) => {
  t.timeout(ALL ? 3_600_000 : 120_000);
  const count = ALL ? 20_000 : 400;
  const { failures, counts } = differential(executors(200), 7_000_000, count, 0, true);
  t.is(failures.join('\n\n'), '');
  // Enough programs trap early, and enough do not.
  t.true(counts.complete > count * 0.1 && counts.complete < count * 0.7, `${counts.complete} of ${count}`);
});

test('with threads about, stores test the reservation filter and end reservations', (t) => {
  t.timeout(ALL ? 3_600_000 : 120_000);
  const count = ALL ? 20_000 : 300;
  const all = executors(300);
  for (const e of all) e.rig.multi();
  const { failures, counts } = differential(all, 9_000_000, count, 0);
  t.is(failures.join('\n\n'), '');
  t.is(counts.complete, count);
});
