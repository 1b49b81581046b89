/** `capgrind scaling` as a user meets it. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { BIN, capgrind, type Outcome, SCRATCH, story, Turns } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';

const turns = new Turns(2);
const EXIT = join(BIN, 'exit-code');
const folder = (): string => mkdtempSync(join(SCRATCH, 'scaling-'));
const scaling = (cwd: string, ...args: string[]): Promise<Outcome> =>
  turns.take(() => capgrind(['scaling', ...args], { cwd, timeoutMs: 400_000 }));

interface Json {
  format: string;
  curves: {
    name: string;
    problem: string | null;
    points: { threads: number; seconds: number; samples: number[] }[];
  }[];
}

usual('each tool and policy has its curve, beside that of the native command', async (t) => {
  t.timeout(900_000);
  const cwd = folder();
  const files = ['--json=s.json', '--html=s.html'];
  const native = ['--native', 'test {threads} -le 2'];
  const counters = [join(BIN, 'counters'), '{threads}', '10'];
  const o = await scaling(cwd, '--threads=1,2', '--repeats', '1', ...native, ...files, ...counters);
  t.is(o.status, 0, story(o));
  t.regex(o.stdout, /^none, parallel +[\d.]+ +[\d.]+$/m, story(o));
  t.regex(o.stdout, /^none, serial +1\.00 \(100 %\) +[\d.]+ \(\d+ %\)$/m);
  const json = JSON.parse(readFileSync(join(cwd, 's.json'), 'utf8')) as Json;
  t.is(json.format, 'capgrind-scaling-1');
  t.deepEqual(
    json.curves.map((c) => [c.name, c.problem, c.points.map((p) => [p.threads, p.samples.length])]),
    ['native', 'none, parallel', 'none, serial'].map((name) => [
      name,
      null,
      [
        [1, 1],
        [2, 1],
      ],
    ]),
  );
  t.true(json.curves.every((c) => c.points.every((p) => p.seconds > 0)));
  t.true(readFileSync(join(cwd, 's.html'), 'utf8').includes('none, serial'));
});

more('what cannot run is said, and the rest is there', async (t) => {
  t.timeout(900_000);
  const o = await scaling(
    folder(),
    '--threads=1',
    '--repeats=1',
    '--policies=parallel,never',
    EXIT,
    '0',
    '{threads}',
  );
  t.is(o.status, 1, story(o));
  t.regex(o.stdout, /^none, never, 1 thread: .*--atomicity=never/m, story(o));
  t.regex(o.stdout, /^none, parallel +1\.00 \(100 %\)$/m);
});

async function mistake(t: ExecutionContext, about: RegExp, ...args: string[]): Promise<void> {
  const o = await scaling(folder(), ...args);
  t.is(o.status, 2, story(o));
  t.regex(o.stderr.split('\n')[0]!, about);
  t.is(o.stdout, '');
}

usual('mistakes are one line and status 2', async (t) => {
  t.timeout(900_000);
  await mistake(t, /no program/);
  await mistake(t, /\{threads\} has to stand in an argument/, EXIT, '1');
  await mistake(t, /\{threads\} has to stand in --native/, '--native=./native', EXIT, '{threads}');
  await mistake(t, /--threads=0/, '--threads=0', EXIT, '{threads}');
  await mistake(t, /--work=much/, '--work=much', EXIT, '{threads}');
  await mistake(t, /--tool is not for scaling/, '--tool=none', EXIT, '{threads}');
});
