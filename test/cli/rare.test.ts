/** Rare bugs: the seed that shows one shows it each time, and finds what a free run does not. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { BUDGET, knownSeeds } from '../../bench/rare-table.js';
import { BIN, capgrind, type Outcome, story, TEST_ALL, Turns } from '../support/capgrind.js';

const turns = new Turns(2);
const run = (args: readonly string[]): Promise<Outcome> =>
  turns.take(() => capgrind(args, { timeoutMs: 240_000 }));
const scheduleLine = (o: Outcome): string => /==1000== (schedule: .*)/.exec(o.stderr)?.[1] ?? story(o);

const KNOWN = knownSeeds();
/** Exit status by the words that a campaign says how a run failed in. */
const STATUS: readonly [RegExp, number][] = [
  [/^exit status 1$/, 1],
  [/^deadlock/, 121],
  [/^livelock/, 122],
];
const USUAL = [
  ['rare-torn', 'random'],
  ['rare-inversion', 'pct'],
];

test('the documentation has a seed for each guest, below 1001', (t) => {
  const guests = readdirSync(BIN).filter((f) => f.startsWith('rare-'));
  t.deepEqual([...new Set(KNOWN.map((k) => k.guest))].sort(), guests.sort());
  for (const k of KNOWN) t.true(k.seed >= 1 && k.seed <= 1000, JSON.stringify(k));
});

for (const k of KNOWN) {
  const usual = USUAL.some(([guest, schedule]) => guest === k.guest && schedule === k.schedule);
  if (!usual && !TEST_ALL) continue;
  test(`${k.guest}, ${k.schedule}: seed ${k.seed} fails the same way each time`, async (t) => {
    t.timeout(1_200_000);
    const words = ['--tool=none', `--schedule=${k.schedule}`, `--seed=${k.seed}`, BUDGET];
    const times = TEST_ALL ? 20 : 2;
    const all = await Promise.all(Array.from({ length: times }, () => run([...words, join(BIN, k.guest)])));
    const status = STATUS.find(([said]) => said.test(k.fails))?.[1];
    for (const o of all) {
      t.is(o.status, status ?? -1, story(o));
      t.is(scheduleLine(o), scheduleLine(all[0]!));
      t.is(o.stdout, all[0]!.stdout);
    }
    if (k.guest !== 'rare-inversion') return;
    t.regex(all[0]!.stderr, /Deadlock/);
    t.regex(all[0]!.stderr, /forwards \(rare-inversion\.c:\d+\)/);
    t.regex(all[0]!.stderr, /backwards \(rare-inversion\.c:\d+\)/);
  });
}

const MOMENT = join(BIN, 'moment-race');
const RACE =
  /Possible data race during write of size 8[\s\S]*borrower \(moment-race\.c:\d+\)[\s\S]*owner \(moment-race\.c:\d+\)/;

test('helgrind: pct finds a race that free runs miss, and the report names the seed', async (t) => {
  t.timeout(1_200_000);
  const free = await Promise.all(
    Array.from({ length: TEST_ALL ? 20 : 2 }, () => run(['--tool=helgrind', MOMENT])),
  );
  for (const o of free) t.regex(o.stderr, /ERROR SUMMARY: 0 errors/, story(o));
  const again = await run(['--tool=helgrind', '--schedule=pct', '--seed=13', MOMENT]);
  t.regex(again.stderr, RACE, story(again));
  t.regex(again.stderr, /schedule: pct seed 13 hash/);
  t.regex(again.stderr, /ERROR SUMMARY: 1 errors/);
});

test('helgrind: a campaign finds that race, names its first seed and the command that runs it again', async (t) => {
  t.timeout(1_200_000);
  const first = TEST_ALL ? 1 : 12;
  const own = ['--db=none', '--jobs=2', '--stop-after=1', `--seed-start=${first}`, `--runs=${14 - first}`];
  const o = await run(['stress', ...own, '--tool=helgrind', MOMENT]);
  t.is(o.status, 1, story(o));
  t.regex(o.stdout, /1\. Race 8 w at borrower \(moment-race\.c:\d+\): 1 run, first with seed 13/);
  const replay = /replay: .*(--tool=helgrind --schedule=pct --seed=13 .*)/.exec(o.stdout)?.[1];
  t.truthy(replay, story(o));
  const again = await run(replay!.split(' '));
  t.regex(again.stderr, RACE, story(again));
});

test('helgrind: a thread that has ended before anybody joins it is no race', async (t) => {
  const o = await run(['--tool=helgrind', '--schedule=pct', '--seed=1', MOMENT]);
  t.regex(o.stderr, /ERROR SUMMARY: 0 errors/, story(o));
});
