import test from 'ava';
import { UsageError } from '../../src/cli/options.js';
import { splitWords } from '../../src/cli/own-options.js';
import { parseStress } from '../../src/cli/stress-options.js';

const parse = (words: string, env: NodeJS.ProcessEnv = {}) => parseStress(words.split(' '), env)!;

test('threads take turns by pct unless something else was said', (t) => {
  t.deepEqual(parse('--max-blocks=9 prog').passed, ['--max-blocks=9', '--schedule=pct']);
  t.true(parse('prog').seeded);
  t.deepEqual(parse('--schedule=random prog').passed, ['--schedule=random']);
  t.true(parse('--schedule=random prog').seeded);
  for (const words of ['--schedule=free prog', '--atomicity=parallel prog', '--atomicity=serial prog']) {
    t.false(parse(words).seeded, words);
  }
  const parallel = parse('prog', { CAPGRIND_OPTS: '--atomicity=parallel' });
  t.deepEqual([parallel.passed, parallel.seeded], [[], false]);
  t.true(parse('prog', { CAPGRIND_OPTS: '--schedule=random' }).seeded);
});

test('own options may have their value in the next word; all behind the program is its own', (t) => {
  const o = parse('--runs 7 -q --tool=none --jobs=3 prog --runs 9 {seed}');
  t.like(o, { runs: 7, jobs: 3, program: 'prog' });
  t.deepEqual(o.args, ['--runs', '9', '{seed}']);
  t.deepEqual(o.passed, ['-q', '--tool=none', '--schedule=pct']);
  t.is(parse('-- --odd x').program, '--odd');
  t.is(parseStress(['--help']), null);
});

test('seeds stay below 2^32', (t) => {
  t.is(parse('--seed-start=4294967295 --runs=1 prog').firstSeed, 4294967295);
  t.throws(() => parse('--seed-start=4294967295 --runs=2 prog'), {
    instanceOf: UsageError,
    message: /last seed/,
  });
});

test('a switch takes no value, an option needs one', (t) => {
  const options = [
    { name: 'fresh', describe: '' },
    { name: 'n', value: 'N', describe: '' },
  ];
  t.throws(() => splitWords(['--fresh=1', 'p'], options), { instanceOf: UsageError });
  t.throws(() => splitWords(['--n='], options), { instanceOf: UsageError });
  t.deepEqual(
    [...splitWords(['--fresh', '--n', '=', 'p'], options).own],
    [
      ['fresh', ''],
      ['n', '='],
    ],
  );
});
