/**
 * The command line, in Valgrind's shape: options, then the program and its arguments. Options also come from
 * ~/.capgrindrc, $CAPGRIND_OPTS and ./.capgrindrc, in that order; later ones win.
 */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import yargs from 'yargs';
import type { L4Config } from '../../kernel/l4/env.js';
import type { Policy } from '../engine/config.js';
import { QUANTUM, type ScheduleConfig, type ScheduleKind } from '../engine/schedule/config.js';
import { OptionValues, UsageError } from './option-values.js';
import { REPORT_OPTIONS, REPORT_SWITCHES, type ReportOptions, readReportOptions } from './report-options.js';

export { UsageError } from './option-values.js';

export interface Options extends ReportOptions {
  tool: string;
  os: 'auto' | 'linux' | 'l4';
  withItas: string | undefined;
  /** Set by `capgrind boot`. */
  boot: L4Config['boot'];
  atomicity: Policy | undefined;
  regionManager: 'virtual' | 'guest';
  /** A seeded schedule, or null for --schedule=free. */
  schedule: ScheduleConfig | null;
  /** File that the run is recorded to, for `capgrind replay`. */
  record: string | undefined;
  /** Under serial without a schedule: blocks of a turn, 0 for time slices. */
  quantum: number;
  sysroot: string | undefined;
  stats: boolean;
  auditAtomicity: boolean;
  maxThreads: number;
  traceSyscalls: boolean;
  /** File for the messages of an L4 program, empty for the report, undefined for none. */
  traceIpc: string | undefined;
  extraDebuginfoPath: string[];
  dump: string | undefined;
  dumpAt: string | undefined;
  debug: boolean;
  /** Options of tools: name (without `tool:`) and value. */
  toolOptions: Record<string, string>;
  /** Everything before the program, from all sources, as XML quotes it. */
  words: string[];
  program: string | undefined;
  args: string[];
}

const LARGEST = 2 ** 32 - 1;

/** --trace-ipc: a file, empty for the report, undefined for no trace. */
function ipcFile(v: unknown): string | undefined {
  if (v === undefined || v === 'no') return undefined;
  return v === '' || v === 'yes' ? '' : resolve(String(v));
}

/** --schedule and what belongs to it. */
function readSchedule(v: OptionValues): Pick<Options, 'schedule' | 'quantum'> {
  const kind = v.text('schedule') ?? 'free';
  if (kind !== 'free' && !Object.hasOwn(QUANTUM, kind)) {
    throw new UsageError(`Bad option: --schedule=${kind} (free, fair, random or pct)`);
  }
  if (kind === 'free') {
    for (const name of ['seed', 'pct-depth', 'pct-points', 'max-blocks', 'record']) {
      if (v.last(name) !== undefined) throw new UsageError(`--${name} needs --schedule=fair, random or pct`);
    }
    return { schedule: null, quantum: v.whole('quantum', 0, 1, 2 ** 31 - 1) };
  }
  const seeded = kind as ScheduleKind;
  return {
    quantum: 0,
    schedule: {
      kind: seeded,
      seed: v.whole('seed', 0, 0, LARGEST),
      quantum: v.whole('quantum', QUANTUM[seeded], 1, 2 ** 31 - 1),
      pctDepth: v.whole('pct-depth', 3, 1, 100),
      pctPoints: v.whole('pct-points', 0, 1, LARGEST),
      maxBlocks: v.whole('max-blocks', Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER),
    },
  };
}

/** The parser; also what prints --help. */
function parser() {
  const y = yargs()
    .scriptName('capgrind')
    .usage(
      'capgrind [options] PROGRAM [ARGUMENTS]\ncapgrind replay FILE [options]\n\nRuns an RV64GC Linux program under a tool, every thread on a worker.',
    )
    .parserConfiguration({
      'halt-at-non-option': true,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': true,
      'boolean-negation': false,
      'parse-positional-numbers': false,
    })
    .version(false)
    .help(false)
    .exitProcess(false)
    .option('tool', {
      type: 'string',
      describe: 'none, lackey, helgrind, capcheck, or the path of a module',
      default: 'helgrind',
    })
    .option('os', {
      type: 'string',
      describe: 'linux, l4 (L4Re on a simulated Fiasco.OC), or auto: see the file',
    })
    .option('with-itas', { type: 'string', describe: "L4Re's own ITAS (l4re), to run in the program's task" })
    .option('atomicity', {
      type: 'string',
      describe:
        'serial: one thread at a time; restart: all at once, blocks start over; parallel: all at once',
    })
    .option('region-manager', {
      type: 'string',
      describe: "virtual: faults are resolved inside capgrind; guest: by the program's own region manager",
    })
    .option('schedule', { type: 'string', describe: 'free, or seeded and repeatable: fair, random, pct' })
    .option('seed', { type: 'string', describe: 'of --schedule and of the random numbers of the guest' })
    .option('quantum', { type: 'string', describe: 'blocks of a turn; accesses at most: random' })
    .option('pct-depth', { type: 'string', describe: 'ordering constraints of the bugs that pct looks for' })
    .option('pct-points', { type: 'string', describe: 'accesses among which pct changes priorities' })
    .option('max-blocks', { type: 'string', describe: 'a scheduled run of more blocks ends as a livelock' })
    .option('record', {
      type: 'string',
      describe: 'file for `capgrind replay`: a scheduled run and all it was told',
    })
    .option('sysroot', {
      type: 'string',
      describe: 'where the interpreter and libraries of dynamic programs are',
    })
    .option('audit-atomicity', {
      type: 'string',
      describe: 'count block executions that other threads broke into',
    })
    .option('stats', { type: 'string', describe: 'figures about the run at its end' })
    .option('max-threads', { type: 'string', describe: 'guest threads alive at once, at most' })
    .option('trace-syscalls', { type: 'string', describe: 'show system calls' })
    .option('trace-ipc', {
      type: 'string',
      describe: 'decoded messages of L4 programs at the end, or in a file; a picture for .html',
    })
    .option('extra-debuginfo-path', { type: 'string', describe: 'directory with separate debug files' })
    .option('dump', { type: 'string', describe: 'guest, ir, instrumented or wasm: show translated code' })
    .option('dump-at', { type: 'string', describe: 'function or address for --dump' })
    .option('debug', { type: 'string', describe: 'JavaScript stacks for errors of capgrind itself' })
    .option('version', { type: 'boolean', describe: 'print the version' })
    .option('help', { alias: 'h', type: 'boolean', describe: 'print this' });
  for (const [name, describe] of Object.entries(REPORT_OPTIONS)) y.option(name, { type: 'string', describe });
  for (const [name, alias, describe] of REPORT_SWITCHES) {
    y.option(name, { type: 'count', describe, ...(alias === undefined ? {} : { alias }) });
  }
  return y;
}

const KNOWN = new Set([
  ...Object.keys(REPORT_OPTIONS),
  ...REPORT_SWITCHES.flatMap(([name, alias]) => [name, alias ?? name]),
  'tool',
  'os',
  'with-itas',
  'atomicity',
  'region-manager',
  'schedule',
  'seed',
  'quantum',
  'pct-depth',
  'pct-points',
  'max-blocks',
  'record',
  'sysroot',
  'stats',
  'audit-atomicity',
  'max-threads',
  'trace-syscalls',
  'trace-ipc',
  'extra-debuginfo-path',
  'dump',
  'dump-at',
  'debug',
  'version',
  'help',
  'h',
]);

export async function helpText(): Promise<string> {
  return parser().getHelp();
}

export type Parsed = { kind: 'run'; options: Options } | { kind: 'help'; tool: string } | { kind: 'version' };

/** `replay FILE [options]`: the file, and the options among the words around it. Throws UsageError. */
export function parseReplay(words: readonly string[]): { file: string; options: Options } {
  const files = words.filter((w) => !w.startsWith('-'));
  if (files.length !== 1) throw new UsageError('replay takes one file of --record');
  const parsed = parseCommandLine(words.filter((w) => w.startsWith('-')));
  if (parsed.kind !== 'run') throw new UsageError('replay takes the options of a run');
  if (parsed.options.schedule || parsed.options.atomicity) {
    throw new UsageError('replay takes its schedule from the recording');
  }
  return { file: files[0]!, options: parsed.options };
}

const POLICIES: readonly Policy[] = ['serial', 'restart', 'parallel', 'unsafe'];

function policy(name: string | undefined): Policy | undefined {
  const found = POLICIES.find((p) => p === name);
  if (name !== undefined && found === undefined) {
    throw new UsageError(`Bad option: --atomicity=${name} (serial, restart or parallel)`);
  }
  return found;
}

/** Parses a command line (without node and script). Throws UsageError. */
export function parseCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Parsed {
  const all = [...rcOptions(env), ...argv].map(explicit(argv));
  let error: string | undefined;
  // Tool options are known to the tools only: they are taken out of yargs' hands as `--name=value`.
  const p = parser()
    .fail((message) => {
      error = message;
    })
    .parseSync(all) as Record<string, unknown> & { _: (string | number)[] };
  if (error) throw new UsageError(error);
  const v = new OptionValues(p);
  if (p['help']) return { kind: 'help', tool: v.text('tool') ?? 'none' };
  if (p['version']) return { kind: 'version' };
  const toolOptions: Record<string, string> = {};
  for (const [name, value] of Object.entries(p)) {
    if (name === '_' || name === '$0' || KNOWN.has(name)) continue;
    toolOptions[name] = String(Array.isArray(value) ? value[value.length - 1] : value);
  }
  const words = p._.map(String);
  const atomicity = policy(v.text('atomicity'));
  const os = v.text('os') ?? 'auto';
  if (os !== 'auto' && os !== 'linux' && os !== 'l4') {
    throw new UsageError(`Bad option: --os=${os} (linux, l4 or auto)`);
  }
  const regionManager = v.text('region-manager') ?? 'virtual';
  if (regionManager !== 'virtual' && regionManager !== 'guest') {
    throw new UsageError(`Bad option: --region-manager=${regionManager} (virtual or guest)`);
  }
  const turns = readSchedule(v);
  if (turns.schedule && atomicity !== undefined && atomicity !== 'serial') {
    throw new UsageError(
      `--schedule=${turns.schedule.kind} runs one thread at a time: not with --atomicity=${atomicity}`,
    );
  }
  return {
    kind: 'run',
    options: {
      ...readReportOptions(v),
      tool: String(v.last('tool')),
      os,
      withItas: v.path('with-itas'),
      boot: null,
      atomicity,
      regionManager,
      ...turns,
      record: v.text('record'),
      sysroot: v.path('sysroot'),
      stats: v.flag('stats', false),
      auditAtomicity: v.flag('audit-atomicity', false),
      maxThreads: v.whole('max-threads', 500, 1, 1000),
      traceSyscalls: v.flag('trace-syscalls', false),
      traceIpc: ipcFile(v.last('trace-ipc')),
      extraDebuginfoPath: v.list('extra-debuginfo-path'),
      dump: v.text('dump'),
      dumpAt: v.text('dump-at'),
      debug: v.flag('debug', false),
      toolOptions,
      words: all.slice(0, all.length - words.length).filter((w) => w !== '--'),
      program: words[0],
      args: words.slice(1),
    },
  };
}

/** An option without a value means yes; values come behind `=` only, so that a program name is never taken for one. */
function explicit(argv: readonly string[]): (word: string, i: number, all: string[]) => string {
  const first = argv.findIndex((w) => !w.startsWith('-') || w === '--');
  return (word, i, all) => {
    const own = i - (all.length - argv.length);
    if (first >= 0 && own >= first) return word;
    if (/^-[^-]/.test(word) && !/^-[qvsh]+$/.test(word)) throw new UsageError(`Unknown option: ${word}`);
    if (!word.startsWith('--') || word.includes('=') || BARE.has(word)) return word;
    return `${word}=yes`;
  };
}

const BARE = new Set(['--', '--help', '--version', '--quiet', '--verbose']);

/** Words of the option files and the environment variable. */
function rcOptions(env: NodeJS.ProcessEnv): string[] {
  const out: string[] = [];
  const home = homedir();
  out.push(...rcFile(join(home, '.capgrindrc')));
  out.push(...split(env['CAPGRIND_OPTS'] ?? ''));
  if (process.cwd() !== home) out.push(...rcFile(resolve('.capgrindrc')));
  return out;
}

/** An option file counts when it is regular, ours and not writable by everybody (as Valgrind has it). */
function rcFile(path: string): string[] {
  try {
    const st = statSync(path);
    const mine = process.getuid === undefined || st.uid === process.getuid();
    if (!st.isFile() || !mine || (st.mode & 0o002) !== 0) return [];
    return split(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}

function split(text: string): string[] {
  return text.split(/\s+/).filter((w) => w.startsWith('-'));
}
