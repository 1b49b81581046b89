/**
 * What each policy of atomicity costs and what threads bring under it: one guest that shares nothing, a line of the
 * cache, an atomic counter or a lock; 1, 2 and 4 threads; a native build of the same source beside it, interleaved.
 *
 *   node dist/bench/atomicity.js [--only=KIND,...] [--policies=A,..] [--tool=NAME] [--runs=N] [--prefix=WORDS] [--quick]
 *
 * Times are the program's own, from the creation of its first thread to the end of the last. On a machine that others use,
 * --prefix='chrt -r 5' puts each run before them.
 *
 * Prints tables and what of the project's goals the figures reach, and writes all samples to
 * bench/results/atomicity-TIME.json. A policy that capgrind refuses is left out and named.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../src/engine/paths.js';
import { figure, table } from '../src/report/figures.js';
import type { Command } from '../src/scaling/child.js';
import { type Curve, figuresOf } from '../src/scaling/curves.js';
import { type Contestant, measure } from '../src/scaling/measure.js';
import { type ScalingResult, scalingText } from '../src/scaling/text.js';
import { checkGoals, fastest } from './atomicity-goals.js';
import { buildPrograms, canRun, commandFor, ROOT } from './contestants.js';

const PROGRAM = 'sharing';
const THREADS = [1, 2, 4];
/** Kinds of sharing, with thousands of rounds: seconds on one thread, of which the start of a worker is a small part. */
const KINDS = { nothing: 480_000, false: 400_000, atomic: 200_000, lock: 12_000 } as const;
type Kind = keyof typeof KINDS;
const REFERENCE = 'serial';

interface Settings {
  readonly kinds: readonly Kind[];
  readonly policies: readonly string[];
  readonly tool: 'none' | 'lackey' | 'helgrind';
  readonly runs: number;
  /** Words in front of each command. */
  readonly prefix: readonly string[];
  readonly quick: boolean;
}

function settings(): Settings {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      policies: { type: 'string', default: 'serial,restart,parallel' },
      tool: { type: 'string', default: 'none' },
      runs: { type: 'string', default: '5' },
      prefix: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
    },
  });
  const all = Object.keys(KINDS) as Kind[];
  const kinds = values.only === undefined ? all : (values.only.split(',') as Kind[]);
  const unknown = kinds.filter((k) => !all.includes(k));
  if (unknown.length > 0) throw new Error(`no such kind: ${unknown.join(', ')} (${all.join(', ')})`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs=${values.runs}: a whole number from 1`);
  const tool = values.tool as Settings['tool'];
  const prefix = values.prefix.split(' ').filter((word) => word !== '');
  return { kinds, policies: values.policies.split(','), tool, runs, prefix, quick: values.quick };
}

/** The policies that capgrind runs the tool under; says of the others why not. */
function allowed(s: Settings): string[] {
  return s.policies.filter((policy) => {
    const { file, args } = commandFor(s.tool, PROGRAM, ['nothing', '1', '1']);
    const [main, ...others] = args;
    const tried = spawnSync(file, [main!, `--atomicity=${policy}`, ...others], { encoding: 'utf8' });
    if (tried.status !== 0) console.log(`left out: ${policy}: ${tried.stderr.trim().split('\n')[0]}`);
    return tried.status === 0;
  });
}

/** What the program says of its threads. */
const seconds = (stderr: string): number | undefined => {
  const found = /^seconds ([\d.]+)$/m.exec(stderr);
  return found ? Number(found[1]) : undefined;
};

function contestants(s: Settings, kind: Kind): Contestant[] {
  const prefixed = ({ file, args }: Command): Command => {
    const [first, ...words] = [...s.prefix, file, ...args];
    return { file: first!, args: words };
  };
  const rounds = String(s.quick ? Math.ceil(KINDS[kind] / 100) : KINDS[kind]);
  const words = (threads: number): string[] => [kind, String(threads), rounds];
  const native: Contestant = {
    name: 'native',
    native: true,
    seconds,
    command: (threads) => prefixed(commandFor('native', PROGRAM, words(threads))),
  };
  const ours = s.policies.map(
    (policy): Contestant => ({
      name: policy,
      native: false,
      seconds,
      command: (threads, resultFile) => {
        const { file, args } = commandFor(s.tool, PROGRAM, words(threads));
        const [main, ...others] = args;
        return prefixed({
          file,
          args: [main!, `--atomicity=${policy}`, `--result=${resultFile}`, ...others],
        });
      },
    }),
  );
  return canRun('native', PROGRAM) ? [native, ...ours] : ours;
}

/** Times as parts of that of one thread under the serial policy. */
function ratios(curves: readonly Curve[]): string {
  const reference = curves.find((c) => c.name === REFERENCE);
  const base = reference && figuresOf(reference, 'total')[0]?.seconds;
  if (base === undefined) return '';
  const rows = curves
    .filter((c) => !c.native)
    .map((c) => [
      c.name,
      ...THREADS.map((n) => {
        const f = figuresOf(c, 'total').find((x) => x.threads === n);
        return figure(f && f.seconds / base);
      }),
    ]);
  const head = ['', ...THREADS.map((n) => `${n} thread${n === 1 ? '' : 's'}`)];
  return `\nTime against one thread under ${REFERENCE}\n\n${table([head, ...rows])}\n`;
}

async function main(): Promise<void> {
  const asked = settings();
  const began = new Date();
  const load = loadavg();
  buildPrograms([PROGRAM]);
  const s = { ...asked, policies: allowed(asked) };
  if (load[0]! > cpus().length / 2)
    console.log(`the machine is busy (load ${load[0]!.toFixed(1)}): expect noise`);
  const scratch = mkdtempSync(join(tmpdir(), 'capgrind-bench-'));
  const results: ScalingResult[] = [];
  try {
    for (const kind of s.kinds) {
      const curves = await measure(contestants(s, kind), {
        threads: THREADS,
        repeats: s.runs,
        limitSeconds: 300,
        scratch,
        ran: () => undefined,
      });
      const result: ScalingResult = {
        title: `${PROGRAM} ${kind}`,
        work: 'total',
        repeats: s.runs,
        processors: availableParallelism(),
        threads: THREADS,
        curves,
      };
      results.push(result);
      console.log(`\n== sharing: ${kind}, --tool=${s.tool}\n\n${scalingText(result)}${ratios(curves)}`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const kinds = new Map(results.map((r) => [r.title.split(' ')[1]!, r.curves]));
  const goals = { medians: checkGoals(kinds, s.quick), fastest: checkGoals(kinds, s.quick, fastest) };
  console.log(
    `\nBy medians\n${goals.medians.join('\n')}\n\nBy the fastest of ${s.runs}\n${goals.fastest.join('\n')}`,
  );
  const folder = join(ROOT, 'bench/results');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `atomicity-${began.toISOString().slice(0, 19).replaceAll(':', '-')}.json`);
  const host = { processor: cpus()[0]?.model, loadBefore: load, node: process.version, capgrind: VERSION };
  writeFileSync(path, `${JSON.stringify({ began, host, ...s, goals, results }, null, 1)}\n`);
  console.log(`\nall samples in ${path}`);
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
