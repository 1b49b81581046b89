/** What `capgrind scaling` is asked to do. */
import { availableParallelism } from 'node:os';
import type { Work } from '../scaling/curves.js';
import { UsageError } from './options.js';
import { describeOptions, type OwnOption, splitWords, wholeOption } from './own-options.js';

const OPTIONS: readonly OwnOption[] = [
  { name: 'tools', value: 'A,B,..', describe: 'tools to run under (none)' },
  { name: 'policies', value: 'A,B,..', describe: 'policies of --atomicity to run under (parallel,serial)' },
  { name: 'threads', value: '1,2,..|max', describe: 'numbers of threads; max: 1, 2, 4 .. processors (max)' },
  { name: 'repeats', value: 'K', describe: 'runs of each, of which the median counts (3)' },
  {
    name: 'work',
    value: 'total|thread',
    describe: 'more threads divide the same work (total), or add to it',
  },
  {
    name: 'native',
    value: 'COMMAND',
    describe: 'shell command of a native build, with {threads}: its curve too',
  },
  { name: 'timeout', value: 'SECONDS', describe: 'longest a run may take (300)' },
  { name: 'html', value: 'FILE', describe: 'write a page with the curves' },
  { name: 'json', value: 'FILE', describe: 'write all figures as JSON' },
  { name: 'help', describe: 'print this' },
];

const OURS = ['tool', 'atomicity', 'schedule', 'log-file', 'log-fd', 'result', 'dump', 'dump-at'];

export interface ScalingOptions {
  readonly tools: readonly string[];
  readonly policies: readonly string[];
  /** Fewest first. */
  readonly threads: readonly number[];
  readonly repeats: number;
  readonly work: Work;
  readonly native: string | undefined;
  readonly limitSeconds: number;
  readonly html: string | undefined;
  readonly json: string | undefined;
  readonly passed: readonly string[];
  readonly program: string;
  readonly args: readonly string[];
}

export function scalingHelp(): string {
  return `capgrind scaling [options] [options for the runs] PROGRAM [ARGUMENTS]

Runs a program with more and more threads under each tool and policy; {threads} in an argument stands for their number.
Prints time, speed-up and efficiency. Ends with 0, 1 when a run failed, 2 for a mistake.

${describeOptions(OPTIONS)}`;
}

/** Parses the words behind `scaling`. null: help is wanted. Throws UsageError. */
export function parseScaling(argv: readonly string[]): ScalingOptions | null {
  const { own, passed, program, args } = splitWords(argv, OPTIONS);
  if (own.has('help') || passed.includes('-h')) return null;
  if (program === undefined) throw new UsageError('no program specified');
  for (const word of passed) {
    const name = /^--([^=]+)/.exec(word)?.[1] ?? '';
    if (OURS.includes(name)) throw new UsageError(`--${name} is not for scaling: see --tools and --policies`);
  }
  const native = own.get('native');
  for (const [what, words] of [
    ['an argument', args],
    ['--native', native === undefined ? null : [native]],
  ] as const) {
    if (words && !words.some((w) => w.includes('{threads}'))) {
      throw new UsageError(`{threads} has to stand in ${what}: the number of threads goes there`);
    }
  }
  const work = own.get('work') ?? 'total';
  if (work !== 'total' && work !== 'thread')
    throw new UsageError(`Bad option: --work=${work} (total or thread)`);
  return {
    tools: list(own.get('tools') ?? 'none', 'tools'),
    policies: list(own.get('policies') ?? 'parallel,serial', 'policies'),
    threads: threadCounts(own.get('threads') ?? 'max'),
    repeats: wholeOption(own, 'repeats', 3, [1, 1000]),
    work,
    native,
    limitSeconds: wholeOption(own, 'timeout', 300, [1, 86_400]),
    html: own.get('html'),
    json: own.get('json'),
    passed,
    program,
    args,
  };
}

function list(text: string, name: string): string[] {
  const words = [...new Set(text.split(','))];
  if (words.includes(''))
    throw new UsageError(`Bad option: --${name}=${text} (names with commas between them)`);
  return words;
}

/** Numbers of threads from `1,2,4`, where `max` stands for 1, 2, 4 .. up to the processors. */
export function threadCounts(text: string, processors = availableParallelism()): number[] {
  const counts = text.split(',').flatMap((word) => {
    if (word === 'max') return upTo(processors);
    if (!/^\d+$/.test(word) || Number(word) < 1 || Number(word) > 1000) {
      throw new UsageError(
        `Bad option: --threads=${text} (numbers from 1 to 1000 with commas between, or max)`,
      );
    }
    return [Number(word)];
  });
  return [...new Set(counts)].sort((a, b) => a - b);
}

/** 1, 2, 4 .. and the number itself. */
function upTo(most: number): number[] {
  const counts: number[] = [];
  for (let n = 1; n < most; n *= 2) counts.push(n);
  return [...counts, most];
}
