import test from 'ava';
import { LARGE, SMALL } from '../support/jit-rig.js';
import { differential, Executor } from './differential.js';
import { qemuInstalled } from './qemu.js';

const ALL = Boolean(process.env['CAPGRIND_TEST_ALL']);
/** Repeats a failure: CAPGRIND_SEED=n runs that one program. */
const ONLY = process.env['CAPGRIND_SEED'];

test('interpreter, translated code and qemu agree on random programs', (t) => {
  t.timeout(ALL ? 3_600_000 : 120_000);
  const executors = [
    new Executor('interpreter', null, 500, LARGE),
    new Executor('large regions', LARGE, 500, LARGE),
    new Executor('small regions', SMALL, 500, SMALL),
  ];
  const count = ONLY ? 1 : ALL ? 100_000 : 2_000;
  const share = qemuInstalled() ? (ONLY ? 1 : ALL ? 1 : 0.25) : 0;
  const { failures, counts } = differential(executors, ONLY ? Number(ONLY) : 1, count, share);
  t.is(failures.join('\n\n'), '');
  t.is(counts.programs, count);
});
