import test from 'ava';
import { UsageError } from '../../src/cli/options.js';
import { threadCounts } from '../../src/cli/scaling-options.js';
import { againstNative, type Curve, figuresOf } from '../../src/scaling/curves.js';
import { type Contestant, measure } from '../../src/scaling/measure.js';
import { scalingJson, scalingText } from '../../src/scaling/text.js';
import { SCRATCH } from '../support/capgrind.js';

const curve = (points: [number, number[]][], part: Partial<Curve> = {}): Curve => ({
  name: 'c',
  native: false,
  problem: '',
  points: points.map(([threads, samples]) => ({ threads, samples })),
  ...part,
});

test('speed-up and efficiency of work that is divided: against the fewest threads', (t) => {
  const c = curve([
    [1, [9, 8, 7]],
    [2, [5]],
    [4, [1, 3]],
  ]);
  t.deepEqual(figuresOf(c, 'total'), [
    { threads: 1, seconds: 8, speedUp: 1, efficiency: 1 },
    { threads: 2, seconds: 5, speedUp: 1.6, efficiency: 0.8 },
    { threads: 4, seconds: 2, speedUp: 4, efficiency: 1 },
  ]);
  const from2 = curve([
    [2, [8]],
    [4, [5]],
  ]);
  t.deepEqual(figuresOf(from2, 'total')[1], { threads: 4, seconds: 5, speedUp: 1.6, efficiency: 0.8 });
});

test('work that each thread adds: the same time is a perfect speed-up', (t) => {
  const c = curve([
    [1, [2]],
    [4, [2]],
  ]);
  t.deepEqual(figuresOf(c, 'thread')[1], { threads: 4, seconds: 2, speedUp: 4, efficiency: 1 });
});

test('without the first point there is nothing to compare with', (t) => {
  t.deepEqual(
    figuresOf(
      curve([
        [1, []],
        [2, [1]],
      ]),
      'total',
    ),
    [],
  );
  t.deepEqual(figuresOf(curve([]), 'total'), []);
});

test('against native', (t) => {
  const native = curve([
    [1, [2]],
    [2, [1]],
  ]);
  const own = curve([
    [1, [4]],
    [2, [2.5]],
  ]);
  t.is(againstNative(own, native, 'total', 2), 0.8);
  t.is(againstNative(own, native, 'total', 4), undefined);
});

test('numbers of threads', (t) => {
  t.deepEqual(threadCounts('4,1,2,2'), [1, 2, 4]);
  t.deepEqual(threadCounts('max', 6), [1, 2, 4, 6]);
  t.deepEqual(threadCounts('max', 1), [1]);
  t.deepEqual(threadCounts('max,3', 4), [1, 2, 3, 4]);
  for (const bad of ['0', '', '1,', 'two', '1.5', '-1'])
    t.throws(() => threadCounts(bad), { instanceOf: UsageError });
});

test('the text has a row for each curve, and the gaps where nothing ran', (t) => {
  const curves = [
    curve(
      [
        [1, [1]],
        [2, [0.5]],
      ],
      { name: 'native', native: true },
    ),
    curve([[1, [2]]], { name: 'none, parallel', problem: '2 threads: boom' }),
  ];
  const result = { title: 'p', work: 'total' as const, repeats: 1, processors: 2, threads: [1, 2], curves };
  const text = scalingText(result);
  t.regex(text, /^native +1\.00 +0\.500$/m);
  t.regex(text, /^none, parallel +2\.00 +-$/m);
  t.regex(text, /^native +1\.00 \(100 %\) +2\.00 \(100 %\)$/m);
  t.regex(text, /^none, parallel, 2 threads: boom$/m);
  const json = JSON.parse(scalingJson(result, '1')) as {
    curves: { points: { speedUp: number }[]; problem: unknown }[];
  };
  t.is(json.curves[0]!.points[1]!.speedUp, 2);
  t.is(json.curves[1]!.problem, '2 threads: boom');
});

/** A contestant whose runs note their order, and fail from a number of threads on. */
function noting(name: string, failsFrom: number, order: string[]): Contestant {
  const command = (threads: number) => {
    order.push(`${name}${threads}`);
    return { file: '/bin/sh', args: ['-c', threads >= failsFrom ? 'echo no >&2; exit 3' : 'true'] };
  };
  return { name, native: false, command };
}

test('repeats are interleaved, and what failed is not tried again', async (t) => {
  const order: string[] = [];
  const seen: number[] = [];
  const curves = await measure([noting('a', 99, order), noting('b', 2, order)], {
    threads: [1, 2, 4],
    repeats: 2,
    limitSeconds: 60,
    scratch: SCRATCH,
    ran: (done) => void seen.push(done),
  });
  t.deepEqual(order, ['a1', 'b1', 'a2', 'b2', 'a4', 'a1', 'b1', 'a2', 'a4']);
  t.is(seen.at(-1), 12);
  t.deepEqual(
    curves.map((c) => c.points.map((p) => [p.threads, p.samples.length])),
    [
      [
        [1, 2],
        [2, 2],
        [4, 2],
      ],
      [[1, 2]],
    ],
  );
  t.is(curves[0]!.problem, '');
  t.regex(curves[1]!.problem, /^2 threads: .*ended with 3: no$/);
});
