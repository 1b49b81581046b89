/** `capgrind stress` as a user meets it, with real runs. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import {
  BIN,
  capgrind,
  MAIN,
  type Outcome,
  ROOT,
  SCRATCH,
  type Settings,
  story,
  Turns,
} from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';
import { schemaErrors } from '../support/json-schema.js';
import { Tiny } from '../support/tiny-guest.js';
import { parseXml } from '../support/xml.js';

const turns = new Turns(2);
const EXIT = join(BIN, 'exit-code');
const folder = (): string => mkdtempSync(join(SCRATCH, 'stress-'));
const LONG = 900_000;

const stress = (cwd: string, args: readonly string[], settings: Settings = {}): Promise<Outcome> =>
  turns.take(() => capgrind(['stress', '--tool=none', ...args], { cwd, timeoutMs: 240_000, ...settings }));

interface Json {
  done: number;
  failed: number;
  complete: boolean;
  failures: {
    kind: string;
    title: string;
    firstSeed: number;
    runs: number;
    replay: string;
    evidence: string;
  }[];
  runs: { seed: number; end: string; status: number; signal: number; milliseconds: number }[];
}
const json = (file: string): Json => JSON.parse(readFileSync(file, 'utf8')) as Json;

usual('failures are reduced, shown with a replay that works, and written in all forms', async (t) => {
  t.timeout(LONG);
  const cwd = folder();
  const args = [
    '--runs=5',
    '--seed-start',
    '254',
    '--jobs=2',
    '--out=out',
    '--json=r.json',
    '--junit',
    'r.xml',
  ];
  const o = await stress(cwd, [...args, EXIT, '{seed}']);
  t.is(o.status, 1, story(o));
  t.regex(o.stdout, /^capgrind stress: 5 of 5 runs, 2 at a time, \d/);
  t.true(o.stdout.includes('seeds 254 to 258: 4 failed, in 4 ways'), story(o));
  t.regex(o.stderr, /^capgrind stress: seed 255: exit status 255$/m);
  const result = json(join(cwd, 'r.json'));
  const schema = JSON.parse(readFileSync(join(ROOT, 'docs/stress.schema.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  t.deepEqual(schemaErrors(result, schema), []);
  t.deepEqual(
    result.failures.map((f) => [f.title, f.firstSeed]),
    [
      ['exit status 254', 254],
      ['exit status 255', 255],
      ['exit status 1', 257],
      ['exit status 2', 258],
    ],
  );
  const [suite] = parseXml(readFileSync(join(cwd, 'r.xml'), 'utf8')).children;
  t.like(suite!.attributes, { tests: '5', failures: '4', errors: '0' });
  const kept = join(cwd, result.failures[2]!.evidence);
  t.deepEqual(readdirSync(kept).sort(), ['report', 'stderr', 'stdout']);
  t.regex(readFileSync(join(kept, 'report'), 'utf8'), /Command: .*exit-code 257$/m);
  const replay = result.failures[2]!.replay.split(' ');
  t.deepEqual(replay.slice(0, 2), ['node', MAIN]);
  t.is((await turns.take(() => capgrind(replay.slice(2), { cwd }))).status, 1);
});

more('results are kept: a second time nothing is run, other arguments are another campaign', async (t) => {
  t.timeout(LONG);
  const cwd = folder();
  const first = await stress(cwd, ['--runs=3', '--json=1.json', EXIT, '{seed}']);
  t.is(first.status, 1, story(first));
  t.true(existsSync(join(cwd, 'capgrind-stress.db')));
  const again = await stress(cwd, ['--runs=3', '--json=2.json', EXIT, '{seed}']);
  t.is(again.status, 1, story(again));
  t.true(again.stderr.includes('3 of 3 results are in capgrind-stress.db already'), story(again));
  t.deepEqual(json(join(cwd, '2.json')), json(join(cwd, '1.json')));
  const other = await stress(cwd, ['--runs=2', EXIT, '0']);
  t.is(other.status, 0, story(other));
  t.true(other.stdout.includes('2 of 2 runs, ') && other.stdout.includes('none failed'), story(other));
  const none = await stress(cwd, ['--runs=1', '--db=none', EXIT, '{seed}']);
  t.false(none.stderr.includes('already'), story(none));
});

more('time limit, signals and output are told apart', async (t) => {
  t.timeout(LONG);
  const cwd = folder();
  const hang = await stress(cwd, [
    '--runs=1',
    '--timeout=4',
    '--json=h.json',
    new Tiny().print('x').spin().file(),
  ]);
  t.is(hang.status, 1, story(hang));
  t.like(json(join(cwd, 'h.json')).failures[0], { kind: 'timeout', title: 'time limit reached' });
  const dies = await stress(cwd, ['--runs=1', '--json=d.json', new Tiny().raise(6).exit(0).file()]);
  t.like(json(join(cwd, 'd.json')).failures[0], { kind: 'signal', title: 'signal 6' }, story(dies));
  writeFileSync(join(cwd, 'wanted'), 'x\n');
  const says = new Tiny().print('x\n').exit(0).file();
  t.is((await stress(cwd, ['--runs=1', '--output=wanted', says])).status, 0);
  const echo = ['--runs=2', '--json=e.json', '--output=same', join(BIN, 'echo'), '{seed}'];
  const differs = await stress(cwd, echo);
  t.is(differs.status, 1, story(differs));
  t.like(json(join(cwd, 'e.json')).failures[0], { kind: 'output', firstSeed: 2 });
});

more('a seeded schedule tells a livelock, and the replay has its seed', async (t) => {
  t.timeout(LONG);
  const cwd = folder();
  const program = new Tiny().spin().file();
  const args = ['--runs=2', '--seed-start=5', '--max-blocks=20000', '--json=l.json', program];
  const o = await stress(cwd, args);
  t.is(o.status, 1, story(o));
  const [livelock] = json(join(cwd, 'l.json')).failures;
  t.like(livelock, { kind: 'livelock', title: 'livelock', firstSeed: 5, runs: 2 }, story(o));
  t.true(livelock!.replay.includes(' --max-blocks=20000 --schedule=pct --seed=5 '), livelock!.replay);
});

async function mistake(
  t: ExecutionContext,
  args: readonly string[],
  about: RegExp,
  cwd = folder(),
): Promise<void> {
  const o = await stress(cwd, args);
  const lines = o.stderr.trimEnd().split('\n');
  t.is(o.status, 2, story(o));
  t.is(o.stdout, '');
  t.true(lines.length <= 2 && lines.every((l) => l.startsWith('capgrind: ')), story(o));
  t.regex(lines[0]!, about);
}

usual('mistakes are one line and status 2', async (t) => {
  t.timeout(LONG);
  await mistake(t, [], /no program/);
  await mistake(t, ['--runs=0', EXIT], /--runs=0/);
  await mistake(t, ['--runs', 'many', EXIT], /--runs=many/);
  await mistake(t, ['--jobs'], /--jobs needs a value/);
  await mistake(t, ['--seed=3', EXIT], /--seed is not for stress/);
  await mistake(t, ['--log-file=x', EXIT], /--log-file is not for stress/);
  await mistake(t, ['--atomicity=maybe', EXIT], /--atomicity=maybe/);
  await mistake(t, ['--db=none', '--no-such=1', EXIT], /Unknown option: --no-such/);
  await mistake(t, ['--db=none', '/no/such/program'], /\/no\/such\/program/);
  await mistake(t, ['--output=/no/such/file', EXIT], /\/no\/such\/file/);
});

usual('a results file that is none is one line and status 2', async (t) => {
  t.timeout(LONG);
  const cwd = folder();
  writeFileSync(join(cwd, 'letter'), 'Dear reader, this is no database.\n'.repeat(50));
  await mistake(t, ['--db=letter', EXIT, '0'], /letter.*not a database/, cwd);
});

usual('--help says what there is', async (t) => {
  const o = await turns.take(() => capgrind(['stress', '--help']));
  t.is(o.status, 0, story(o));
  for (const name of ['runs', 'jobs', 'seed-start', 'timeout', 'db', 'out', 'junit', 'json', 'stop-after']) {
    t.true(o.stdout.includes(`--${name}`), name);
  }
});

/** Words of the command lines of all processes. */
function processes(): string[][] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')] : [];
    } catch {
      return [];
    }
  });
}

const running = (word: string): boolean => processes().some((words) => words.includes(word));
/** Whether a run is there, not only its campaign, which has the program among its words as well. */
const isRun = (program: string): boolean =>
  processes().some((words) => words.includes(program) && !words.includes('stress'));

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const began = Date.now(); !condition(); ) {
    if (Date.now() - began > 200_000) throw new Error(`timed out: ${what}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}

const onLinux: typeof usual = process.platform === 'linux' ? usual : () => undefined;

onLinux('Ctrl-C ends the run under way, keeps the results, and says what there is', async (t) => {
  t.timeout(LONG);
  const cwd = folder();
  const args = ['--db=r.db', '--jobs=1', '--tool=none'];
  const done = await stress(cwd, [...args, '--runs=1', EXIT, '0']);
  t.is(done.status, 0, story(done));
  const spin = new Tiny().spin().file('spin-until-interrupted');
  const cut = await stress(cwd, [...args, '--runs=3', spin], {
    started: (child) => void until(() => isRun(spin), 'the run').then(() => child.kill('SIGINT')),
  });
  t.is(cut.status, 130, story(cut));
  t.true(cut.stdout.includes('0 of 3 runs'), story(cut));
  t.false(running(spin), 'the run is gone');
  const again = await stress(cwd, [...args, '--runs=1', EXIT, '0']);
  t.true(again.stderr.includes('1 of 1 results are in r.db already'), story(again));
});

/** A guest that makes the file and then does not come to an end. */
const spinner = (file: string): string =>
  // openat(AT_FDCWD, file, O_CREAT | O_WRONLY, 0644); the text printed lies at the beginning of the data.
  new Tiny().print(`${file}\0`).syscall(56, -100, 0x11000, 0o101, 0o644).spin().file('spin-until-killed');

for (const [when, begun] of [
  ['as soon as it has begun one', (_: string, program: string) => isRun(program)],
  ['while a guest runs', (file: string) => existsSync(file)],
] as const) {
  onLinux(`a campaign that is killed takes its runs with it: ${when}`, async (t) => {
    t.timeout(LONG);
    const cwd = folder();
    const file = join(cwd, 'begun');
    const program = spinner(file);
    const words = [MAIN, 'stress', '--tool=none', '--runs=1', program];
    const child = spawn(process.execPath, words, { cwd, stdio: 'ignore' });
    await until(() => begun(file, program), 'the run');
    child.kill('SIGKILL');
    await until(() => !running(program), 'the end of the run');
    t.pass();
  });
}
