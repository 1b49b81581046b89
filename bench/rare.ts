/**
 * The guests of test/guests/src/rare, each with one bug that a free run hardly ever meets: which seed of which schedule
 * is the first to show it, and whether a replay of that seed fails the same way every time.
 *
 *   node dist/bench/rare.js [--only=GUEST,..] [--schedules=random,pct] [--runs=N] [--replays=N] [--jobs=N] [--db=FILE]
 *   node dist/bench/rare.js --known [--only=GUEST,..] [--schedules=..] [--replays=N] [--jobs=N]
 *
 * Campaigns are those of `capgrind stress` and go on where they were stopped (--db); with --known the seeds are those of
 * docs/stress.md. Prints a table in Markdown; exit status 1 when a bug was not found or a replay differed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runChild } from '../src/campaign/child-run.js';
import { failureOf, type Outcome } from '../src/campaign/outcome.js';
import { MAIN, ROOT } from './contestants.js';
import { BUDGET, knownSeeds } from './rare-table.js';

const BIN = join(ROOT, 'test/guests/bin');
const TIMEOUT_S = 300;

interface Settings {
  readonly guests: readonly string[];
  readonly schedules: readonly string[];
  readonly runs: number;
  readonly replays: number;
  readonly jobs: number;
  readonly db: string;
  readonly known: boolean;
}

/** What a campaign found: the lowest seed that fails, with what came of it. */
interface Found {
  readonly seed: number;
  readonly title: string;
  /** undefined: that of the first replay is what the others are compared with. */
  readonly outcome: Result | undefined;
}

type Result = Pick<Outcome, 'end' | 'status' | 'interleaving' | 'blocks' | 'output'>;

interface Campaign {
  readonly failures: readonly { title: string; firstSeed: number; outcome: Result }[];
}

function settings(): Settings {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      schedules: { type: 'string', default: 'random,pct' },
      runs: { type: 'string', default: '1000' },
      replays: { type: 'string', default: '100' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      db: { type: 'string', default: join(ROOT, 'bench/results/rare.db') },
      known: { type: 'boolean', default: false },
    },
  });
  const whole = (name: 'runs' | 'replays' | 'jobs', least: number): number => {
    const n = Number(values[name]);
    if (!Number.isInteger(n) || n < least) throw new Error(`--${name}=${values[name]}: a whole number`);
    return n;
  };
  const all = readdirSync(BIN).filter((f) => f.startsWith('rare-'));
  const guests = values.only?.split(',').map((g) => `rare-${g.replace(/^rare-/, '')}`) ?? all;
  const unknown = guests.filter((g) => !all.includes(g));
  if (unknown.length > 0) throw new Error(`no such guest: ${unknown.join(', ')} (${all.join(', ')})`);
  return {
    guests,
    schedules: values.schedules.split(','),
    runs: whole('runs', 1),
    replays: whole('replays', 0),
    jobs: whole('jobs', 1),
    db: values.db,
    known: values.known,
  };
}

/** The words of the runs, without seed and program. */
const options = (schedule: string): string[] => ['--tool=none', `--schedule=${schedule}`, BUDGET];

/** The seed of the table in the documentation. */
function documented(guest: string, schedule: string): Found | undefined {
  const known = knownSeeds().find((k) => k.guest === guest && k.schedule === schedule);
  return known && { seed: known.seed, title: known.fails, outcome: undefined };
}

/** The first seed that fails, undefined when none of `s.runs` does. Throws when the campaign itself fails. */
async function search(
  s: Settings,
  guest: string,
  schedule: string,
  scratch: string,
): Promise<Found | undefined> {
  const json = join(scratch, 'campaign.json');
  const own = [`--runs=${s.runs}`, `--jobs=${s.jobs}`, '--stop-after=1', `--timeout=${TIMEOUT_S}`];
  const words = [...own, `--db=${s.db}`, `--json=${json}`, ...options(schedule), join(BIN, guest)];
  const campaign = spawn(process.execPath, [MAIN, 'stress', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  campaign.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const end = (): void => {
    campaign.kill('SIGTERM');
  };
  process.once('SIGTERM', end);
  const [status] = (await once(campaign, 'close')) as [number | null];
  process.off('SIGTERM', end);
  if (status !== 0 && status !== 1) throw new Error(`${guest}: ${said.trim().split('\n').at(-1)}`);
  const { failures } = JSON.parse(readFileSync(json, 'utf8')) as Campaign;
  const first = failures.reduce<Campaign['failures'][number] | undefined>(
    (best, f) => (best && best.firstSeed < f.firstSeed ? best : f),
    undefined,
  );
  return first && { seed: first.firstSeed, title: first.title, outcome: first.outcome };
}

/** How many of the replays failed as the table says, and as the run that found it did: end, interleaving and output. */
async function replay(
  s: Settings,
  guest: string,
  schedule: string,
  found: Found,
  scratch: string,
): Promise<number> {
  let left = s.replays;
  let same = 0;
  let expected = found.outcome;
  const job = async (): Promise<void> => {
    // Result files are named after the seed, which is the same for all.
    const own = mkdtempSync(join(scratch, 'job-'));
    const shard = {
      campaign: '',
      seed: found.seed,
      options: [...options(schedule), `--seed=${found.seed}`],
      program: join(BIN, guest),
      args: [],
      timeoutMs: TIMEOUT_S * 1000,
    };
    while (left > 0) {
      left--;
      const answer = await runChild(
        shard,
        { command: [process.execPath, MAIN], scratch: own },
        new AbortController().signal,
      );
      if (answer.kind === 'refusal') throw new Error(answer.message);
      expected ??= answer.outcome;
      const alike = brief(answer.outcome) === brief(expected);
      if (alike && failureOf(answer.outcome)?.title === found.title) same++;
    }
  };
  await Promise.all(Array.from({ length: s.jobs }, job));
  return same;
}

const brief = (o: Result): string => JSON.stringify([o.end, o.status, o.interleaving, o.blocks, o.output]);

async function main(): Promise<void> {
  const s = settings();
  mkdirSync(dirname(s.db), { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'capgrind-rare-'));
  let good = true;
  console.log('| guest | schedule | first seed | how it fails | replays that fail the same way |');
  console.log('| --- | --- | --- | --- | --- |');
  try {
    for (const guest of s.guests) {
      for (const schedule of s.schedules) {
        const found = s.known ? documented(guest, schedule) : await search(s, guest, schedule, scratch);
        if (s.known && !found) continue;
        const same = found && s.replays > 0 ? await replay(s, guest, schedule, found, scratch) : undefined;
        if (!found || (same !== undefined && same !== s.replays)) good = false;
        const replays = same === undefined ? '-' : `${same} of ${s.replays}`;
        const seed = found?.seed ?? `none in ${s.runs}`;
        console.log(`| ${guest} | ${schedule} | ${seed} | ${found?.title ?? '-'} | ${replays} |`);
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  if (!good) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`rare: ${(error as Error).message}`);
  process.exitCode = 1;
}
