import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { TEST_ALL } from '../support/capgrind.js';
import { runsNow } from '../support/extent.js';
import { COLD, LARGE, SMALL } from '../support/jit-rig.js';
import { type Counts, differential, Executor } from './differential.js';
import { qemuInstalled } from './qemu.js';

const ALL = TEST_ALL;
/** Programs of the usual run are few, and those of test:more others. */
const MORE = !runsNow(true);
/** Repeats a failure: CAPGRIND_SEED=n runs that one program. */
const ONLY = process.env['CAPGRIND_SEED'];

/** Programs between two turns of the event loop. */
const PIECE = 1000;

function executors(slots: number): Executor[] {
  return [
    new Executor('interpreter', null, slots, LARGE),
    new Executor('large regions', LARGE, slots, LARGE),
    new Executor('small regions', SMALL, slots, SMALL),
  ];
}

/**
 * `differential` in pieces, with turns of the event loop before and between them: AVA has to hear of the time limit, and
 * takes a process that says nothing for long to be stuck.
 */
async function compare(
  all: readonly Executor[],
  seed: number,
  count: number,
  share: number,
  traps = false,
): Promise<{ failures: string[]; counts: Counts }> {
  const failures: string[] = [];
  const counts: Counts = { programs: 0, qemu: 0, complete: 0 };
  for (let done = 0; done < count && failures.length === 0; done += PIECE) {
    await setImmediate();
    const piece = differential(all, seed + done, Math.min(PIECE, count - done), share, traps);
    failures.push(...piece.failures);
    for (const key of Object.keys(counts) as (keyof Counts)[]) counts[key] += piece.counts[key];
  }
  return { failures, counts };
}

test('interpreter, translated code and qemu agree on random programs', async (t) => {
  t.timeout(ALL ? 3_600_000 : 400_000);
  const count = ONLY ? 1 : ALL ? 100_000 : MORE ? 4_000 : 600;
  const share = qemuInstalled() ? (ONLY ? 1 : ALL ? 1 : 0.25) : 0;
  const { failures, counts } = await compare(
    executors(500),
    ONLY ? Number(ONLY) : MORE ? 10_001 : 1,
    count,
    share,
  );
  t.is(failures.join('\n\n'), '');
  t.is(counts.programs, count);
  t.is(counts.complete, count);
});

test('the interpreter of cold code agrees with that of the IR', async (t) => {
  t.timeout(ALL ? 3_600_000 : 400_000);
  const count = ALL ? 100_000 : MORE ? 1_000 : 200;
  for (const trapping of [false, true]) {
    const pair = [new Executor('interpreter', null, 200, COLD), new Executor('cold code', COLD, 200, COLD)];
    const { failures, counts } = await compare(
      pair,
      (trapping ? 7_000_000 : 1) + (MORE ? 10_000 : 0),
      count,
      0,
      trapping,
    );
    t.is(failures.join('\n\n'), '');
    t.is(counts.programs, count);
  }
});

test('registers and memory are exact at every trap', async (t) => {
  t.timeout(ALL ? 3_600_000 : 400_000);
  const count = ALL ? 20_000 : MORE ? 800 : 150;
  const { failures, counts } = await compare(executors(200), MORE ? 7_100_000 : 7_000_000, count, 0, true);
  t.is(failures.join('\n\n'), '');
  // Enough programs trap early, and enough do not.
  t.true(counts.complete > count * 0.1 && counts.complete < count * 0.7, `${counts.complete} of ${count}`);
});

test('with threads about, stores test the reservation filter and end reservations', async (t) => {
  t.timeout(ALL ? 3_600_000 : 400_000);
  const count = ALL ? 20_000 : MORE ? 600 : 150;
  const all = executors(300);
  for (const e of all) e.rig.multi();
  const { failures, counts } = await compare(all, MORE ? 9_100_000 : 9_000_000, count, 0);
  t.is(failures.join('\n\n'), '');
  t.is(counts.complete, count);
});
