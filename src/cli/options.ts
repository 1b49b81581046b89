/**
 * The command line, in Valgrind's shape: options, then the program and its arguments. Options also come from
 * ~/.capgrindrc, $CAPGRIND_OPTS and ./.capgrindrc, in that order; later ones win.
 */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import yargs from 'yargs';
import { QUANTUM, type ScheduleConfig, type ScheduleKind } from '../engine/schedule/config.js';

export interface Options {
  tool: string;
  os: 'auto' | 'linux' | 'l4';
  atomicity: 'serial' | 'parallel' | undefined;
  /** A seeded schedule, or null for --schedule=free. */
  schedule: ScheduleConfig | null;
  /** Under serial without a schedule: blocks of a turn, 0 for time slices. */
  quantum: number;
  sysroot: string | undefined;
  logFile: string | undefined;
  logFd: number | undefined;
  result: string | undefined;
  errorExitcode: number;
  numCallers: number;
  quiet: number;
  verbose: number;
  stats: boolean;
  maxThreads: number;
  traceSyscalls: boolean;
  /** File for the messages of an L4 program, empty for the report, undefined for none. */
  traceIpc: string | undefined;
  showBelowMain: boolean;
  demangle: boolean;
  errorLimit: boolean;
  suppressions: string[];
  defaultSuppressions: boolean;
  genSuppressions: 'no' | 'all' | 'yes';
  showErrorList: 'no' | 'yes' | 'all';
  errorMarkers: { begin: string; end: string } | undefined;
  exitOnFirstError: boolean;
  inputFd: number;
  xml: boolean;
  xmlFile: string | undefined;
  xmlFd: number | undefined;
  xmlUserComment: string | undefined;
  fullpathAfter: string[];
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

/** A mistake on the command line: one line for the user. */
export class UsageError extends Error {}

const yesNo = (v: unknown, name: string): boolean => {
  if (v === true || v === 'yes' || v === 'true') return true;
  if (v === false || v === 'no' || v === 'false') return false;
  throw new UsageError(`Bad option: --${name}=${String(v)} (yes or no)`);
};

const whole = (v: unknown, name: string, lo: number, hi: number): number => {
  const n = typeof v === 'number' ? v : Number(v);
  if (!Number.isInteger(n) || n < lo || n > hi) {
    throw new UsageError(`Bad option: --${name}=${String(v)} (a whole number from ${lo} to ${hi})`);
  }
  return n;
};

const list = (v: unknown): string[] => (v === undefined ? [] : (Array.isArray(v) ? v : [v]).map(String));

const LARGEST = 2 ** 32 - 1;

/** --trace-ipc: a file, empty for the report, undefined for no trace. */
function ipcFile(v: unknown): string | undefined {
  if (v === undefined || v === 'no') return undefined;
  return v === '' || v === 'yes' ? '' : resolve(String(v));
}

/** --schedule and what belongs to it. */
function readSchedule(v: (name: string) => unknown): Pick<Options, 'schedule' | 'quantum'> {
  const number = (name: string, otherwise: number, lo: number, hi: number): number =>
    v(name) === undefined ? otherwise : whole(v(name), name, lo, hi);
  const kind = String(v('schedule') ?? 'free');
  if (kind !== 'free' && !Object.hasOwn(QUANTUM, kind)) {
    throw new UsageError(`Bad option: --schedule=${kind} (free, fair, random or pct)`);
  }
  if (kind === 'free') {
    for (const name of ['seed', 'pct-depth', 'pct-steps', 'max-blocks']) {
      if (v(name) !== undefined) throw new UsageError(`--${name} needs --schedule=fair, random or pct`);
    }
    return { schedule: null, quantum: number('quantum', 0, 1, 2 ** 31 - 1) };
  }
  const seeded = kind as ScheduleKind;
  return {
    quantum: 0,
    schedule: {
      kind: seeded,
      seed: number('seed', 0, 0, LARGEST),
      quantum: number('quantum', QUANTUM[seeded], 1, 2 ** 31 - 1),
      pctDepth: number('pct-depth', 3, 1, 100),
      pctSteps: number('pct-steps', 0, 1, LARGEST),
      maxBlocks: number('max-blocks', Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER),
    },
  };
}

/** The parser; also what prints --help. */
function parser() {
  return yargs()
    .scriptName('capgrind')
    .usage(
      'capgrind [options] PROGRAM [ARGUMENTS]\n\nRuns an RV64GC Linux program under a tool, every thread on a worker.',
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
    .option('atomicity', { type: 'string', describe: 'serial: one thread at a time; parallel: all at once' })
    .option('schedule', { type: 'string', describe: 'free, or seeded and repeatable: fair, random, pct' })
    .option('seed', { type: 'string', describe: 'of --schedule and of the random numbers of the guest' })
    .option('quantum', { type: 'string', describe: 'blocks of a turn: serial, fair; longest: random, pct' })
    .option('pct-depth', { type: 'string', describe: 'ordering constraints of the bugs that pct looks for' })
    .option('pct-steps', { type: 'string', describe: 'blocks among which pct changes priorities' })
    .option('max-blocks', { type: 'string', describe: 'a scheduled run of more blocks ends as a livelock' })
    .option('sysroot', {
      type: 'string',
      describe: 'where the interpreter and libraries of dynamic programs are',
    })
    .option('log-file', {
      type: 'string',
      describe: 'report goes to this file; %p is the pid, %q{VAR} a variable',
    })
    .option('log-fd', { type: 'string', describe: 'report goes to this descriptor' })
    .option('result', { type: 'string', describe: 'outcome and findings go to this file, as JSON' })
    .option('error-exitcode', { type: 'string', describe: 'exit status when errors were found' })
    .option('error-limit', { type: 'string', describe: 'stop reporting after 1000 different errors' })
    .option('suppressions', { type: 'string', describe: 'do not report the errors that this file describes' })
    .option('default-suppressions', {
      type: 'string',
      describe: 'use the suppressions that come with capgrind',
    })
    .option('gen-suppressions', {
      type: 'string',
      describe: 'no, yes (ask), all: print suppressions for errors',
    })
    .option('show-error-list', {
      type: 'string',
      describe: 'no, yes, all (also suppressed): errors at the end',
    })
    .option('s', { type: 'count', describe: 'as --show-error-list=yes' })
    .option('error-markers', { type: 'string', describe: 'BEGIN,END: lines around each error' })
    .option('exit-on-first-error', { type: 'string', describe: 'stop at the first error' })
    .option('input-fd', { type: 'string', describe: 'where the answers to --gen-suppressions=yes come from' })
    .option('xml', { type: 'string', describe: "report in Valgrind's XML, to --xml-file or --xml-fd" })
    .option('xml-file', { type: 'string', describe: 'file for --xml=yes, named as --log-file' })
    .option('xml-fd', { type: 'string', describe: 'descriptor for --xml=yes' })
    .option('xml-user-comment', { type: 'string', describe: 'put into the XML as it is' })
    .option('read-var-info', { type: 'string', describe: 'accepted; has no effect' })
    .option('num-callers', { type: 'string', describe: 'frames in a stack trace, 2..500' })
    .option('quiet', { alias: 'q', type: 'count', describe: 'only errors' })
    .option('verbose', { alias: 'v', type: 'count', describe: 'more about what happens' })
    .option('stats', { type: 'string', describe: 'figures about the run at its end' })
    .option('max-threads', { type: 'string', describe: 'guest threads alive at once, at most' })
    .option('trace-syscalls', { type: 'string', describe: 'show system calls' })
    .option('trace-ipc', {
      type: 'string',
      describe: 'decoded messages of L4 programs at the end, or in a file; a picture for .html',
    })
    .option('show-below-main', { type: 'string', describe: 'stack traces go on below main' })
    .option('demangle', { type: 'string', describe: 'C++ and Rust names as in the source' })
    .option('fullpath-after', { type: 'string', describe: 'show source paths from this string on' })
    .option('extra-debuginfo-path', { type: 'string', describe: 'directory with separate debug files' })
    .option('dump', { type: 'string', describe: 'guest, ir, instrumented or wasm: show translated code' })
    .option('dump-at', { type: 'string', describe: 'function or address for --dump' })
    .option('debug', { type: 'string', describe: 'JavaScript stacks for errors of capgrind itself' })
    .option('version', { type: 'boolean', describe: 'print the version' })
    .option('help', { alias: 'h', type: 'boolean', describe: 'print this' });
}

const KNOWN = new Set([
  'tool',
  'os',
  'atomicity',
  'schedule',
  'seed',
  'quantum',
  'pct-depth',
  'pct-steps',
  'max-blocks',
  'sysroot',
  'log-file',
  'log-fd',
  'result',
  'error-exitcode',
  'num-callers',
  'quiet',
  'q',
  'verbose',
  'v',
  'stats',
  'max-threads',
  'trace-syscalls',
  'trace-ipc',
  'show-below-main',
  'demangle',
  'fullpath-after',
  'error-limit',
  'suppressions',
  'default-suppressions',
  'gen-suppressions',
  'show-error-list',
  's',
  'error-markers',
  'exit-on-first-error',
  'input-fd',
  'xml',
  'xml-file',
  'xml-fd',
  'xml-user-comment',
  'read-var-info',
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

export type Parsed = { kind: 'run'; options: Options } | { kind: 'help' } | { kind: 'version' };

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
  const v = (name: string): unknown => {
    const x = p[name];
    return Array.isArray(x) ? x[x.length - 1] : x;
  };
  if (p['help']) return { kind: 'help' };
  if (p['version']) return { kind: 'version' };
  const toolOptions: Record<string, string> = {};
  for (const [name, value] of Object.entries(p)) {
    if (name === '_' || name === '$0' || KNOWN.has(name)) continue;
    toolOptions[name] = String(Array.isArray(value) ? value[value.length - 1] : value);
  }
  const words = p._.map(String);
  const atomicity = v('atomicity') as string | undefined;
  if (atomicity !== undefined && atomicity !== 'serial' && atomicity !== 'parallel') {
    throw new UsageError(`Bad option: --atomicity=${atomicity} (serial or parallel)`);
  }
  const os = (v('os') ?? 'auto') as string;
  if (os !== 'auto' && os !== 'linux' && os !== 'l4') {
    throw new UsageError(`Bad option: --os=${os} (linux, l4 or auto)`);
  }
  const sysroot = v('sysroot') as string | undefined;
  const turns = readSchedule(v);
  if (turns.schedule && atomicity === 'parallel') {
    throw new UsageError(
      `--schedule=${turns.schedule.kind} runs one thread at a time: not with --atomicity=parallel`,
    );
  }
  return {
    kind: 'run',
    options: {
      tool: String(v('tool')),
      os,
      atomicity,
      ...turns,
      sysroot: sysroot === undefined ? undefined : resolve(sysroot),
      logFile: v('log-file') as string | undefined,
      logFd: v('log-fd') === undefined ? undefined : whole(v('log-fd'), 'log-fd', -1, 65535),
      result: path(v('result'), 'result'),
      errorExitcode:
        v('error-exitcode') === undefined ? 0 : whole(v('error-exitcode'), 'error-exitcode', 0, 255),
      numCallers: v('num-callers') === undefined ? 12 : whole(v('num-callers'), 'num-callers', 2, 500),
      quiet: Number(p['quiet'] ?? 0),
      verbose: Number(p['verbose'] ?? 0),
      stats: v('stats') === undefined ? false : yesNo(v('stats') === '' ? true : v('stats'), 'stats'),
      maxThreads: v('max-threads') === undefined ? 500 : whole(v('max-threads'), 'max-threads', 1, 1000),
      traceSyscalls: flag(v('trace-syscalls'), 'trace-syscalls', false),
      traceIpc: ipcFile(v('trace-ipc')),
      showBelowMain: flag(v('show-below-main'), 'show-below-main', false),
      demangle: flag(v('demangle'), 'demangle', true),
      errorLimit: flag(v('error-limit'), 'error-limit', true),
      suppressions: list(p['suppressions']),
      defaultSuppressions: flag(v('default-suppressions'), 'default-suppressions', true),
      genSuppressions: choice(v('gen-suppressions'), 'gen-suppressions', ['no', 'all', 'yes']),
      showErrorList:
        Number(p['s'] ?? 0) > 0
          ? choice(v('show-error-list') ?? 'yes', 'show-error-list', ['yes', 'all', 'no'])
          : choice(v('show-error-list'), 'show-error-list', ['no', 'yes', 'all']),
      errorMarkers: markers(v('error-markers')),
      exitOnFirstError: flag(v('exit-on-first-error'), 'exit-on-first-error', false),
      inputFd: v('input-fd') === undefined ? 0 : whole(v('input-fd'), 'input-fd', 0, 65535),
      xml: flag(v('xml'), 'xml', false),
      xmlFile: v('xml-file') as string | undefined,
      xmlFd: v('xml-fd') === undefined ? undefined : whole(v('xml-fd'), 'xml-fd', 0, 65535),
      xmlUserComment: v('xml-user-comment') as string | undefined,
      fullpathAfter: list(p['fullpath-after']),
      extraDebuginfoPath: list(p['extra-debuginfo-path']),
      dump: v('dump') as string | undefined,
      dumpAt: v('dump-at') as string | undefined,
      debug: flag(v('debug'), 'debug', false),
      toolOptions,
      words: all.slice(0, all.length - words.length).filter((w) => w !== '--'),
      program: words[0],
      args: words.slice(1),
    },
  };
}

function path(v: unknown, name: string): string | undefined {
  // Without a value the option would name a file called yes.
  if (v === '' || v === 'yes') throw new UsageError(`Bad option: --${name} (needs a file: --${name}=FILE)`);
  return v === undefined ? undefined : resolve(String(v));
}

/** One of the words; the first when nothing is said. */
function choice<W extends string>(v: unknown, name: string, words: readonly W[]): W {
  if (v === undefined) return words[0]!;
  const found = words.find((w) => w === v);
  if (found === undefined) throw new UsageError(`Bad option: --${name}=${String(v)} (${words.join(', ')})`);
  return found;
}

function markers(v: unknown): { begin: string; end: string } | undefined {
  if (v === undefined) return undefined;
  const words = String(v).split(',');
  if (words.length !== 2) throw new UsageError(`Bad option: --error-markers=${String(v)} (BEGIN,END)`);
  return { begin: words[0]!, end: words[1]! };
}

function flag(v: unknown, name: string, otherwise: boolean): boolean {
  return v === undefined ? otherwise : yesNo(v === '' ? true : v, name);
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
