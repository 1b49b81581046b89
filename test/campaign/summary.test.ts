import test from 'ava';
import fc from 'fast-check';
import type { StoredRun } from '../../src/campaign/store.js';
import { type ExpectedOutput, summarise } from '../../src/campaign/summary.js';
import { Tally } from '../../src/campaign/tally.js';
import { run } from './runs.js';

const race = (n: number) => ({ kind: 'Race', context: `${n}`, at: `f${n}` });

test('each failure is counted and reduced to the lowest seed', (t) => {
  const s = summarise(
    [run(3), run(4, { status: 1 }), run(5, { end: 'deadlock' }), run(8, { status: 1, output: 'b' })],
    'any',
  );
  t.is(s.done, 4);
  t.is(s.failed, 3);
  t.deepEqual(
    s.failures.map((f) => [f.title, f.first.seed, f.runs]),
    [
      ['exit status 1', 4, 2],
      ['deadlock', 5, 1],
    ],
  );
  t.is(s.outputs, 2);
});

test('each finding has the runs and the first seed that have it, also among others', (t) => {
  const s = summarise(
    [run(1), run(2, { findings: [race(1), race(2)] }), run(3, { findings: [race(2)] })],
    'any',
  );
  t.deepEqual(
    s.findings.map((f) => [f.title, f.firstSeed, f.runs]),
    [
      ['Race at f1', 2, 1],
      ['Race at f2', 2, 2],
    ],
  );
});

test('output: the lowest seed that is fine sets what the others have to print', (t) => {
  const runs = [run(1, { status: 1, output: 'x' }), run(2), run(3, { output: 'b' }), run(4)];
  t.is(summarise(runs, 'any').failed, 1);
  const same = summarise(runs, 'same');
  t.deepEqual(
    same.failures.map((f) => [f.title, f.first.seed]),
    [
      ['exit status 1', 1],
      ['different output (b)', 3],
    ],
  );
  const given = summarise(runs, { hash: 'b' });
  t.deepEqual(
    given.failures.map((f) => [f.title, f.first.seed, f.runs]),
    [
      ['exit status 1', 1, 1],
      ['different output (aaaa)', 2, 2],
    ],
  );
});

test('interleavings are counted where there are any', (t) => {
  t.is(summarise([run(1), run(2)], 'any').interleavings, 0);
  t.is(summarise([run(1, { interleaving: 'a' }), run(2, { interleaving: 'b' })], 'any').interleavings, 2);
});

const anyRun = fc.record({
  end: fc.constantFrom('exit' as const, 'deadlock' as const, 'timeout' as const),
  status: fc.constantFrom(0, 0, 0, 1, 2),
  output: fc.constantFrom('a', 'b', 'c'),
  findings: fc.constantFrom([], [], [race(1)], [race(2)]),
});
const expectations: ExpectedOutput[] = ['any', 'same', { hash: 'b' }];

test('a tally comes to the same as the summary, in whatever order runs end', (t) => {
  fc.assert(
    fc.property(
      fc.array(anyRun, { minLength: 1, maxLength: 30 }),
      fc.infiniteStream(fc.nat()),
      fc.constantFrom(...expectations),
      (parts, random, expected) => {
        const runs = parts.map((part, i) => run(i, part));
        const tally = new Tally(expected);
        const kept = new Set<number>();
        for (const r of shuffled(runs, random)) {
          if (tally.mayBeFirst(r)) kept.add(r.seed);
          tally.add(r);
        }
        const summary = summarise(runs, expected);
        t.is(tally.failed, summary.failed);
        t.is(tally.done, summary.done);
        for (const f of summary.failures) t.true(kept.has(f.first.seed), `evidence of seed ${f.first.seed}`);
      },
    ),
  );
});

function shuffled(runs: readonly StoredRun[], random: Iterator<number>): StoredRun[] {
  const left = [...runs];
  return runs.map(() => left.splice((random.next().value as number) % left.length, 1)[0]!);
}
