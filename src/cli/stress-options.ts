/** What `capgrind stress` is asked to do. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { hashOfOutput } from '../campaign/evidence.js';
import type { ExpectedOutput } from '../campaign/summary.js';
import { type Options, parseCommandLine, UsageError } from './options.js';
import { describeOptions, type OwnOption, splitWords, wholeOption } from './own-options.js';

export const DEFAULT_DB = 'capgrind-stress.db';
const DEFAULT_SCHEDULE = '--schedule=pct';
/** Seeds are what --seed takes. */
const LAST_SEED = 2 ** 32 - 1;

const OPTIONS: readonly OwnOption[] = [
  { name: 'runs', value: 'N', describe: 'how many seeds to run (100)' },
  { name: 'seed-start', value: 'N', describe: 'the first of them (1)' },
  { name: 'jobs', value: 'J', describe: 'runs at a time (processors of this machine)' },
  { name: 'timeout', value: 'SECONDS', describe: 'longest a run may take (60)' },
  { name: 'stop-after', value: 'N', describe: 'begin no more runs once N have failed' },
  {
    name: 'output',
    value: 'any|same|FILE',
    describe: 'what runs must print: anything (any), all the same, or this',
  },
  { name: 'db', value: 'FILE', describe: `results, kept as they come (${DEFAULT_DB}); none: not kept` },
  { name: 'fresh', describe: 'forget the results of this campaign in the file' },
  { name: 'out', value: 'DIR', describe: 'keep output and report of the first run of each failure' },
  { name: 'json', value: 'FILE', describe: 'write the results as JSON' },
  { name: 'junit', value: 'FILE', describe: 'write the results as JUnit XML' },
  { name: 'help', describe: 'print this' },
];

/** Of the options for runs, those that a campaign gives itself. */
const OURS = ['seed', 'log-file', 'log-fd', 'result', 'dump', 'dump-at'];

export interface StressOptions {
  readonly runs: number;
  readonly firstSeed: number;
  readonly jobs: number;
  readonly timeoutMs: number;
  readonly stopAfter: number;
  readonly expected: ExpectedOutput;
  /** Results file; null for none. */
  readonly db: string | null;
  readonly fresh: boolean;
  readonly out: string | undefined;
  readonly json: string | undefined;
  readonly junit: string | undefined;
  /** Options for the runs as given, without the seed. */
  readonly passed: readonly string[];
  /** What these and the option files come to. */
  readonly run: Options;
  readonly program: string;
  readonly args: readonly string[];
  readonly seeded: boolean;
}

export function stressHelp(): string {
  return `capgrind stress [options] [options for the runs] PROGRAM [ARGUMENTS]

Runs a program many times, each run with a seed of its own, and says in how many ways it fails and how to see each
again. Threads take turns by --schedule=pct unless --schedule or --atomicity says otherwise. {seed} in an argument
stands for the seed. Ends with 1 when a run failed, 0 when none did, 2 for a mistake.

${describeOptions(OPTIONS)}`;
}

/** Parses the words behind `stress`. null: help is wanted. Throws UsageError. */
export function parseStress(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): StressOptions | null {
  const { own, passed, program, args } = splitWords(argv, OPTIONS);
  if (own.has('help') || passed.includes('-h')) return null;
  if (program === undefined) throw new UsageError('no program specified');
  for (const word of passed) {
    const name = /^--([^=]+)/.exec(word)?.[1] ?? '';
    if (OURS.includes(name)) throw new UsageError(`--${name} is not for stress: each run gets its own`);
  }
  const runs = wholeOption(own, 'runs', 100, [1, LAST_SEED]);
  const firstSeed = wholeOption(own, 'seed-start', 1, [0, LAST_SEED]);
  if (firstSeed + runs - 1 > LAST_SEED) throw new UsageError(`the last seed would be above ${LAST_SEED}`);
  const { words, run } = withSchedule(passed, program, env);
  const db = own.get('db') ?? DEFAULT_DB;
  return {
    runs,
    firstSeed,
    jobs: wholeOption(own, 'jobs', availableParallelism(), [1, 1024]),
    timeoutMs: 1000 * wholeOption(own, 'timeout', 60, [1, 86_400]),
    stopAfter: wholeOption(own, 'stop-after', 0, [1, LAST_SEED]),
    expected: expectedOutput(own.get('output') ?? 'any'),
    db: db === 'none' ? null : db,
    fresh: own.has('fresh'),
    out: own.get('out'),
    json: own.get('json'),
    junit: own.get('junit'),
    passed: words,
    run,
    program,
    args,
    seeded: run.schedule !== null,
  };
}

/** The options for the runs, with a seeded schedule if nothing was said about how threads take turns. */
function withSchedule(
  passed: readonly string[],
  program: string,
  env: NodeJS.ProcessEnv,
): { words: readonly string[]; run: Options } {
  const chosen = passed.some((w) => /^--(schedule|atomicity)=/.test(w)) || chosenByFiles(program, env);
  const words = chosen ? passed : [...passed, DEFAULT_SCHEDULE];
  const parsed = parseCommandLine([...words, program], env);
  if (parsed.kind !== 'run') throw new UsageError('--version is not for stress');
  return { words, run: parsed.options };
}

/** Whether option files or the environment say how threads take turns. */
function chosenByFiles(program: string, env: NodeJS.ProcessEnv): boolean {
  const parsed = parseCommandLine([program], env);
  return (
    parsed.kind === 'run' && (parsed.options.schedule !== null || parsed.options.atomicity !== undefined)
  );
}

function expectedOutput(given: string): ExpectedOutput {
  if (given === 'any' || given === 'same') return given;
  try {
    return { hash: hashOfOutput(readFileSync(given)) };
  } catch (error) {
    throw new UsageError(`cannot read the expected output: ${(error as Error).message}`);
  }
}
