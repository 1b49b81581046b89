import test from 'ava';
import { failureOf } from '../../src/campaign/outcome.js';
import { outcome } from './runs.js';

const race = (n: number) => ({ kind: 'Race', context: `${n}`, at: `f${n}` });

test('exit status 0 without findings is no failure, whatever was printed', (t) => {
  t.is(failureOf(outcome()), null);
  t.is(failureOf(outcome({ output: 'bbbb', interleaving: '1', blocks: 5 })), null);
});

test('each way to end badly is a failure of its own', (t) => {
  const all = [
    outcome({ status: 1 }),
    outcome({ status: 2 }),
    outcome({ end: 'signal', signal: 11, status: 139 }),
    outcome({ end: 'signal', signal: 6, status: 134 }),
    outcome({ end: 'deadlock' }),
    outcome({ end: 'livelock' }),
    outcome({ end: 'timeout' }),
    outcome({ end: 'crash', message: 'one' }),
    outcome({ end: 'crash', message: 'two' }),
    outcome({ findings: [race(1)] }),
    outcome({ findings: [race(2)] }),
    outcome({ findings: [race(1), race(2)] }),
    outcome({ status: 1, findings: [race(1)] }),
  ];
  const failures = all.map(failureOf);
  t.true(failures.every((f) => f !== null));
  t.is(new Set(failures.map((f) => f!.key)).size, all.length);
  t.is(new Set(failures.map((f) => f!.title)).size, all.length);
});

test('what does not tell failures apart: output, interleaving, how far a run came before it was cut off', (t) => {
  const key = (o: Parameters<typeof outcome>[0]) => failureOf(outcome(o))!.key;
  t.is(key({ status: 1 }), key({ status: 1, output: 'bbbb', interleaving: '7', blocks: 3 }));
  t.is(key({ end: 'timeout' }), key({ end: 'timeout', signal: 15, findings: [race(1)] }));
});

test('titles are what a person would say', (t) => {
  const title = (o: Parameters<typeof outcome>[0]) => failureOf(outcome(o))!.title;
  t.is(title({ status: 3 }), 'exit status 3');
  t.is(title({ end: 'signal', signal: 11 }), 'signal 11');
  t.is(title({ end: 'deadlock', findings: [race(1)] }), 'deadlock, Race at f1');
  t.is(title({ findings: [1, 2, 3, 4, 5].map(race) }), 'Race at f1, Race at f2, Race at f3, 2 more findings');
});
