/**
 * Command lines of `capgrind stress` and `capgrind scaling`: options of their own, which may have their value behind
 * `=` or in the next word, among options that are passed on to the runs, then the program and its arguments.
 */
import { UsageError } from './options.js';

export interface OwnOption {
  readonly name: string;
  /** What the value is called in the help; an option without one is a switch. */
  readonly value?: string;
  readonly describe: string;
}

export interface OwnWords {
  /** Values by name; a switch has an empty one. */
  readonly own: ReadonlyMap<string, string>;
  /** Options for the runs, in their order. */
  readonly passed: readonly string[];
  readonly program: string | undefined;
  readonly args: readonly string[];
}

/** Takes a command line apart. Throws UsageError for an own option without its value. */
export function splitWords(argv: readonly string[], options: readonly OwnOption[]): OwnWords {
  const own = new Map<string, string>();
  const passed: string[] = [];
  let i = 0;
  for (; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') {
      i++;
      break;
    }
    if (!word.startsWith('-')) break;
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const option = options.find((o) => o.name === name);
    if (!option) {
      passed.push(word);
    } else if (option.value === undefined) {
      if (value !== undefined) throw new UsageError(`Bad option: ${word} (--${name} takes no value)`);
      own.set(option.name, '');
    } else {
      const given = value ?? argv[++i];
      if (given === undefined || given === '')
        throw new UsageError(`--${name} needs a value: ${option.value}`);
      own.set(option.name, given);
    }
  }
  return { own, passed, program: argv[i], args: argv.slice(i + 1) };
}

/** The options as a help text lists them. */
export function describeOptions(options: readonly OwnOption[]): string {
  const left = options.map((o) => `  --${o.name}${o.value === undefined ? '' : `=${o.value}`}`);
  const width = Math.max(...left.map((l) => l.length)) + 2;
  return options.map((o, i) => `${left[i]!.padEnd(width)}${o.describe}`).join('\n');
}

/** A whole number among own options. Throws UsageError. */
export function wholeOption(
  own: ReadonlyMap<string, string>,
  name: string,
  otherwise: number,
  [lo, hi]: readonly [number, number],
): number {
  const given = own.get(name);
  if (given === undefined) return otherwise;
  const n = Number(given);
  if (!/^\d+$/.test(given) || n < lo || n > hi) {
    throw new UsageError(`Bad option: --${name}=${given} (a whole number from ${lo} to ${hi})`);
  }
  return n;
}

/** A word as a shell reads it back. */
export function shellWord(word: string): string {
  return /^[\w./:=@%+,{}-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
