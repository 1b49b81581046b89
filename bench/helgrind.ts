/**
 * Helgrind beside Valgrind's: one binary under capgrind and under Valgrind's riscv64 build in qemu, the same source built for
 * this machine under the machine's own Valgrind, and bare; interleaved. Programs of one thread, and kernels of bench/guests in
 * one and two threads, each of which does the same work.
 *
 *   CAPGRIND_VALGRIND_RISCV64=COMMAND node dist/bench/helgrind.js [--only=NAME,...] [--runs=N] [--quick] [--limit=SECONDS]
 *
 * COMMAND is called as `COMMAND helgrind OPTIONS PROGRAM ARGS`; without it, and without a `valgrind`, their columns stay empty.
 * Prints tables with the goals and writes all samples to bench/results/helgrind-TIME.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../src/engine/paths.js';
import { figure, geometricMean, median, table } from '../src/report/figures.js';
import { type Command, sample } from '../src/scaling/child.js';
import { buildPrograms, MAIN, ROOT, versionOf } from './contestants.js';

const PROGRAMS = join(ROOT, 'bench/results/bin');
const SYSROOT = '/usr/riscv64-linux-gnu';
const VALGRIND_RISCV64 = process.env['CAPGRIND_VALGRIND_RISCV64'];
const HAS_VALGRIND = versionOf('valgrind') !== undefined;
/** What issue 4 asks for, by number of threads: of the time of Valgrind for riscv64, and of the machine's own. */
const GOALS = { riscv64: [0.15, 0.1], own: [1, 0.6], growth: 0.85, memory: { times: 8, plus: 200 << 20 } };

interface Case {
  readonly name: string;
  readonly program: string;
  /** Binary for riscv64: dynamic where threads are used, so that Valgrind sees them. */
  readonly guest: 'riscv64' | 'dynamic';
  readonly args: readonly string[];
  readonly quick: readonly string[];
}

const words = (text: string): string[] => (text === '' ? [] : text.split(' '));
const single = (program: string, args: string, quick: string): Case => ({
  name: program,
  program,
  guest: 'riscv64',
  args: words(args),
  quick: words(quick),
});

/** Programs without threads. */
const SINGLE: readonly Case[] = [
  single('quicksort', '6000000', '200000'),
  single('pointers', '100000 30', '20000 2'),
  single('matmul', '500', '60'),
  single('sha256', '16384', '256'),
  single('sieve', '8000000 20', '100000 5'),
  single('fib', '35', '22'),
];

/** Kinds of bench/guests/src/kernels.c with rounds per thread; `growth`: threads that have nothing to wait for. */
const KERNELS = {
  private: { rounds: 40_000, growth: true },
  read: { rounds: 40_000, growth: true },
  lock: { rounds: 100_000, growth: false },
  chase: { rounds: 50_000, growth: false },
  matmul: { rounds: 150, growth: false },
  sort: { rounds: 150, growth: false },
  sieve: { rounds: 200, growth: false },
  hash: { rounds: 1500, growth: false },
} as const;

const kernel = (kind: keyof typeof KERNELS, threads: number): Case => {
  const args = (rounds: number): string[] => [kind, String(threads), String(Math.ceil(rounds))];
  const { rounds } = KERNELS[kind];
  return {
    name: kind,
    program: 'kernels',
    guest: 'dynamic',
    args: args(rounds),
    quick: args(rounds / 100),
  };
};

type Who = 'ours' | 'riscv64' | 'own' | 'native';

function commandOf(who: Who, c: Case, args: readonly string[]): Command | null {
  const guest = join(PROGRAMS, `${c.program}.${c.guest}`);
  const native = join(PROGRAMS, `${c.program}.native`);
  switch (who) {
    case 'ours':
      return {
        file: process.execPath,
        args: [MAIN, '--tool=helgrind', '-q', `--sysroot=${SYSROOT}`, guest, ...args],
      };
    case 'riscv64':
      return VALGRIND_RISCV64 ? { file: VALGRIND_RISCV64, args: ['helgrind', '-q', guest, ...args] } : null;
    case 'own':
      return HAS_VALGRIND ? { file: 'valgrind', args: ['--tool=helgrind', '-q', native, ...args] } : null;
    case 'native':
      return { file: native, args };
  }
}

interface Measured {
  readonly name: string;
  readonly args: readonly string[];
  readonly samples: Record<Who, number[]>;
  /** Peak resident bytes of one more run. */
  readonly peak: Partial<Record<Who, number>>;
}

interface Settings {
  readonly runs: number;
  readonly quick: boolean;
  readonly only: readonly string[];
  readonly limit: number;
}

const everything: Measured[] = [];

async function measure(s: Settings, c: Case): Promise<Measured> {
  const args = s.quick ? c.quick : c.args;
  const m: Measured = {
    name: c.name,
    args,
    samples: { ours: [], riscv64: [], own: [], native: [] },
    peak: {},
  };
  let expected: string | undefined;
  const broken = new Set<Who>();
  for (let round = 0; round <= s.runs; round++) {
    // The last round is for memory: looking at it costs time.
    const watch = round === s.runs;
    for (const who of ['native', 'ours', 'own', 'riscv64'] as const) {
      const command = commandOf(who, c, args);
      if (command === null || broken.has(who) || (watch && (who === 'riscv64' || who === 'own'))) continue;
      try {
        const one = await sample(command, s.limit, watch);
        expected ??= one.stdout;
        if (one.stdout !== expected) throw new Error(`printed ${one.stdout.trim()}, not ${expected.trim()}`);
        if (watch) m.peak[who] = one.peakBytes;
        else m.samples[who].push(one.seconds);
      } catch (error) {
        console.log(`${c.name}, ${who}: ${(error as Error).message}`);
        broken.add(who);
        m.samples[who] = [];
        process.exitCode = 1;
      }
    }
  }
  everything.push(m);
  return m;
}

const middle = (m: Measured, who: Who): number | undefined =>
  m.samples[who].length > 0 ? median(m.samples[who]) : undefined;
const ratio = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a / b;
const mean = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((v) => v !== undefined);
  return known.length > 0 ? geometricMean(known) : undefined;
};

function row(m: Measured): string[] {
  const [ours, riscv64, own, native] = (['ours', 'riscv64', 'own', 'native'] as const).map((w) =>
    middle(m, w),
  );
  return [
    m.name,
    ...[native, ours, riscv64, own, ratio(ours, riscv64), ratio(ours, own)].map((v) => figure(v)),
  ];
}

const HEAD = ['program', 'native s', 'capgrind s', 'riscv64 V. s', 'own V. s', 'to riscv64', 'to own'];

function show(title: string, all: readonly Measured[], threads: number): void {
  const toRiscv = mean(all.map((m) => ratio(middle(m, 'ours'), middle(m, 'riscv64'))));
  const toOwn = mean(all.map((m) => ratio(middle(m, 'ours'), middle(m, 'own'))));
  const goal = (goals: readonly number[]): string => `<= ${goals[threads - 1]}`;
  const rows = [
    HEAD,
    ...all.map(row),
    ['geometric mean', '', '', '', '', figure(toRiscv), figure(toOwn)],
    ['goal', '', '', '', '', goal(GOALS.riscv64), goal(GOALS.own)],
  ];
  console.log(`\n${title}\n\n${table(rows)}`);
}

/** Throughput from one thread to two: twice the work in so much more time. */
function showGrowth(one: readonly Measured[], two: readonly Measured[]): void {
  const rows = [['program', 'native', 'capgrind', 'part of it']];
  for (const [i, m] of one.entries()) {
    if (!KERNELS[m.name as keyof typeof KERNELS].growth) continue;
    const grown = (who: Who): number | undefined => {
      const r = ratio(middle(m, who), middle(two[i]!, who));
      return r === undefined ? undefined : 2 * r;
    };
    const part = ratio(grown('ours'), grown('native'));
    rows.push([m.name, figure(grown('native')), figure(grown('ours')), figure(part)]);
  }
  if (rows.length === 1) return;
  rows.push(['goal', '', '', `>= ${GOALS.growth}`]);
  console.log(
    `\nThroughput of two threads against one (${cpus().length} processors; ideal 2)\n\n${table(rows)}`,
  );
}

function showMemory(all: readonly Measured[]): void {
  const mib = (v: number | undefined): string => figure(ratio(v, 1 << 20));
  const { times, plus } = GOALS.memory;
  const rows = [['program', 'native MiB', 'capgrind MiB', 'allowed MiB']];
  for (const m of all) {
    const { native, ours } = m.peak;
    rows.push([
      m.name,
      mib(native),
      mib(ours),
      mib(native === undefined ? undefined : times * native + plus),
    ]);
  }
  console.log(`\nResident at most; allowed: ${times} times the program's own and 200 MiB\n\n${table(rows)}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      runs: { type: 'string', default: '3' },
      quick: { type: 'boolean', default: false },
      limit: { type: 'string', default: '300' },
    },
  });
  const s: Settings = {
    runs: values.quick ? 1 : Number(values.runs),
    quick: values.quick,
    only: values.only?.split(',') ?? [],
    limit: Number(values.limit),
  };
  if (!Number.isInteger(s.runs) || s.runs < 1) throw new Error('--runs: a whole number from 1');
  const wanted = (name: string): boolean => s.only.length === 0 || s.only.includes(name);
  const began = new Date();
  const singles = SINGLE.filter((c) => wanted(c.name));
  const kinds = (Object.keys(KERNELS) as (keyof typeof KERNELS)[]).filter(wanted);
  if (singles.length + kinds.length === 0)
    throw new Error(
      `--only: there are ${[...SINGLE.map((c) => c.name), ...Object.keys(KERNELS)].join(', ')}`,
    );
  buildPrograms([...new Set([...singles.map((c) => c.program), ...kinds.map(() => 'kernels')])]);
  const alone: Measured[] = [];
  for (const c of singles) alone.push(await measure(s, c));
  if (alone.length > 0) show('Programs without threads', alone, 1);
  const counts: [Measured[], Measured[]] = [[], []];
  for (const kind of kinds) {
    for (const threads of [1, 2]) counts[threads - 1]!.push(await measure(s, kernel(kind, threads)));
  }
  if (kinds.length > 0) {
    show('One thread beside the first one, which waits', counts[0], 1);
    show('Two threads, twice the work', counts[1], 2);
    showGrowth(...counts);
  }
  showMemory([...alone, ...counts[0]]);
  const host = {
    processor: cpus()[0]?.model,
    processors: cpus().length,
    load: loadavg(),
    node: process.version,
  };
  const versions = { capgrind: VERSION, valgrind: versionOf('valgrind'), riscv64: VALGRIND_RISCV64 };
  const path = join(
    ROOT,
    'bench/results',
    `helgrind-${began.toISOString().slice(0, 19).replaceAll(':', '-')}.json`,
  );
  mkdirSync(join(ROOT, 'bench/results'), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ began, host, versions, ...s, results: everything }, null, 1)}\n`);
  console.log(`\nMedians of ${s.runs}${s.quick ? ', quick inputs' : ''}; all samples in ${path}`);
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
