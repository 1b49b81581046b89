/**
 * The benchmark: capgrind beside qemu-riscv64 and the machine itself, on the same sources, interleaved.
 *
 *   npm run bench -- [--only=NAME,...] [--runs=N] [--quick]
 *
 * Prints tables and writes every sample to bench/results/TIME.json. --quick: small inputs, to try the benchmark itself.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../src/engine/paths.js';
import { figure, geometricMean, median, spread, table } from '../src/report/figures.js';
import { type Sample, sample } from '../src/scaling/child.js';
import { buildPrograms, type Contestant, canRun, commandFor, ROOT, versionOf } from './contestants.js';
import { type BenchProgram, COMPUTATION, RATES, START_UP, THREADS, TOUCH } from './programs.js';

const LIMIT_SECONDS = 300;
const BASIC: readonly Contestant[] = ['native', 'qemu', 'none'];
const SCALING: readonly Contestant[] = ['native', 'none', 'lackey'];

interface Settings {
  readonly runs: number;
  readonly quick: boolean;
  readonly only: readonly string[];
}

interface Measured {
  readonly name: string;
  readonly args: readonly string[];
  /** Samples of each contestant that could run; wall seconds, or rates where `unit` says so. */
  readonly samples: Partial<Record<Contestant, number[]>>;
  readonly unit: string;
  /** Why a contestant has no figure although it tried. */
  readonly problems: Partial<Record<Contestant, string>>;
}

const everything: Measured[] = [];

function settings(): Settings {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(runs) || runs < 1 || runs > 100)
    throw new Error(`--runs=${values.runs}: 1 to 100, please`);
  const only = values.only?.split(',') ?? [];
  const known = new Set([...COMPUTATION, START_UP, TOUCH, THREADS, ...RATES].map((p) => p.name));
  for (const name of only) {
    if (!known.has(name)) throw new Error(`--only=${name}: there are ${[...known].sort().join(', ')}`);
  }
  return { runs, quick: values.quick, only };
}

/**
 * Runs one program under every contestant in turn, `runs` times over, so that what else the machine does hits all
 * alike. All must print the same.
 */
async function measure(
  s: Settings,
  program: BenchProgram,
  who: readonly Contestant[],
  unit = 's',
  value: (sample: Sample) => number = (one) => one.seconds,
): Promise<Measured> {
  const args = s.quick ? program.quick : program.full;
  const measured: Measured = { name: program.name, args, samples: {}, unit, problems: {} };
  let expected: string | undefined;
  for (let round = 0; round < s.runs; round++) {
    for (const c of who) {
      if (measured.problems[c] !== undefined || !canRun(c, program.name)) continue;
      try {
        const one = await sample(commandFor(c, program.name, args), LIMIT_SECONDS);
        expected ??= one.stdout;
        if (one.stdout !== expected)
          throw new Error(`${c} printed ${one.stdout.trim()}, not ${expected.trim()}`);
        const v = value(one);
        if (!(v > 0)) throw new Error(`${c} gave no figure: ${one.stderr.trim()}`);
        measured.samples[c] = [...(measured.samples[c] ?? []), v];
      } catch (error) {
        // A run that went wrong spoils the contestant's figure for this program, not the benchmark.
        measured.problems[c] = (error as Error).message;
        delete measured.samples[c];
        process.exitCode = 1;
      }
    }
  }
  everything.push(measured);
  for (const [c, problem] of Object.entries(measured.problems))
    console.log(`${program.name}, ${c}: ${problem}`);
  return measured;
}

const middle = (m: Measured, c: Contestant): number | undefined => {
  const samples = m.samples[c];
  return samples && median(samples);
};

/** a / b where both are there. */
const ratio = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a / b;

const wantedOf = (s: Settings, programs: readonly BenchProgram[]): readonly BenchProgram[] =>
  programs.filter((p) => s.only.length === 0 || s.only.includes(p.name));

async function computation(s: Settings): Promise<void> {
  const rows = [['program', 'native s', 'qemu s', 'capgrind s', '± %', 'against native', 'against qemu']];
  const toNative: number[] = [];
  const toQemu: number[] = [];
  for (const program of wantedOf(s, COMPUTATION)) {
    const m = await measure(s, program, BASIC);
    const [native, qemu, ours] = BASIC.map((c) => middle(m, c));
    const [n, q] = [ratio(ours, native), ratio(ours, qemu)];
    if (n !== undefined) toNative.push(n);
    if (q !== undefined) toQemu.push(q);
    const noise = m.samples.none ? figure(100 * spread(m.samples.none)) : '-';
    rows.push([program.name, figure(native), figure(qemu), figure(ours), noise, figure(n), figure(q)]);
  }
  if (rows.length === 1) return;
  const mean = (v: number[]): string => (v.length ? figure(geometricMean(v)) : '-');
  rows.push(['geometric mean', '', '', '', '', mean(toNative), mean(toQemu)]);
  console.log(
    `\nTime of capgrind --tool=none against the others (below 1: capgrind is faster)\n\n${table(rows)}`,
  );
}

async function startUpAndMemory(s: Settings): Promise<void> {
  const rows = [['', 'native', 'qemu', 'capgrind']];
  for (const program of wantedOf(s, [START_UP, TOUCH])) {
    const m = await measure(s, program, BASIC);
    const args = m.args.length ? ` ${m.args.join(' ')}` : '';
    rows.push([`${program.name}${args}: time`, ...BASIC.map((c) => figure(middle(m, c), 's'))]);
    const peaks: Measured = { ...m, samples: {}, unit: 'bytes', problems: {} };
    for (const c of BASIC) {
      if (m.samples[c] === undefined) continue;
      const one = await sample(commandFor(c, program.name, m.args), LIMIT_SECONDS, true);
      // A process may be over before the first look at it.
      if (one.peakBytes > 0) peaks.samples[c] = [one.peakBytes];
    }
    everything.push(peaks);
    const mib = (c: Contestant): number | undefined => ratio(middle(peaks, c), 1 << 20);
    rows.push([`${program.name}${args}: resident at most`, ...BASIC.map((c) => figure(mib(c), 'MiB'))]);
  }
  if (rows.length > 1) console.log(`\nStart-up, fresh memory\n\n${table(rows)}`);
}

async function scaling(s: Settings): Promise<void> {
  if (wantedOf(s, [THREADS]).length === 0) return;
  const rows = [['', 'native', 'none', 'lackey']];
  const times: Measured[] = [];
  for (const n of ['1', '2']) {
    const program = { ...THREADS, full: [n, ...THREADS.full], quick: [n, ...THREADS.quick] };
    const m = await measure(s, program, SCALING);
    times.push(m);
    rows.push([`${n} thread${n === '1' ? '' : 's'}`, ...SCALING.map((c) => figure(middle(m, c), 's'))]);
  }
  const [one, two] = times as [Measured, Measured];
  const gain = SCALING.map((c) => ratio(middle(one, c), middle(two, c)));
  rows.push(['work done in that time', ...gain.map((g) => figure(g && 2 * g))]);
  rows.push(['against native', ...gain.map((g) => figure(ratio(g, gain[0])))]);
  console.log(`\nTwo threads that share nothing (${cpus().length} processors; ideal 2)\n\n${table(rows)}`);
}

async function rates(s: Settings): Promise<void> {
  const rows = [['', 'native', 'qemu', 'capgrind', 'unit']];
  for (const entry of RATES) {
    if (wantedOf(s, [entry]).length === 0) continue;
    const m = await measure(s, entry, BASIC, entry.unit, (one) => rateIn(one.stderr, entry.unit));
    rows.push([entry.title, ...BASIC.map((c) => figure(middle(m, c))), entry.unit]);
  }
  if (rows.length > 1) console.log(`\nSynchronisation and threads (more is better)\n\n${table(rows)}`);
}

/** The number in front of the unit in what a program printed; 0 when there is none. */
function rateIn(text: string, unit: string): number {
  const at = text.indexOf(` ${unit}`);
  return at < 0 ? 0 : Number(/[\d.e+]+$/.exec(text.slice(0, at))?.[0] ?? 0);
}

function save(s: Settings, began: Date, load: readonly number[]): string {
  const host = {
    processor: cpus()[0]?.model,
    processors: cpus().length,
    loadBefore: load,
    node: process.version,
    capgrind: VERSION,
    qemu: versionOf('qemu-riscv64'),
    compiler: versionOf('riscv64-linux-gnu-gcc'),
  };
  const folder = join(ROOT, 'bench/results');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${began.toISOString().slice(0, 19).replaceAll(':', '-')}.json`);
  writeFileSync(path, `${JSON.stringify({ began, host, ...s, results: everything }, null, 1)}\n`);
  return path;
}

async function main(): Promise<void> {
  const s = settings();
  const began = new Date();
  const load = loadavg();
  const programs = wantedOf(s, [...COMPUTATION, START_UP, TOUCH, THREADS, ...RATES]);
  buildPrograms([...new Set(programs.map((p) => p.name))]);
  if (versionOf('qemu-riscv64') === undefined)
    console.log('qemu-riscv64 is not installed: no figures for it');
  if (!s.quick && load[0]! > cpus().length / 2)
    console.log(`the machine is busy (load ${load[0]!.toFixed(1)}): expect noise`);
  await computation(s);
  await startUpAndMemory(s);
  await scaling(s);
  await rates(s);
  console.log(
    `\nMedians of ${s.runs}${s.quick ? ', quick inputs' : ''}; all samples in ${save(s, began, load)}`,
  );
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
