/** `capgrind boot`: a whole system of L4Re from its modules.list, on the simulated Fiasco.OC. */
import { resolve } from 'node:path';
import type { RunResult } from '../engine/main-process.js';
import { parseCommandLine, UsageError } from './options.js';
import { describeOptions, type OwnOption, splitWords, wholeOption } from './own-options.js';
import { runProgram } from './run.js';

const OPTIONS: readonly OwnOption[] = [
  { name: 'modules-list', value: 'FILE', describe: "L4Re's list of what there is to boot" },
  { name: 'entry', value: 'NAME', describe: 'the entry of the list to boot' },
  {
    name: 'module-search-path',
    value: 'DIR[:DIR]',
    describe: "where the entry's files are, besides the list's folder",
  },
  { name: 'memory', value: 'MIB', describe: 'memory of the machine (256)' },
  { name: 'help', describe: 'print this' },
];
const MEMORY_MIB: readonly [number, number] = [16, 2048];

/** Runs the command. Throws UsageError, or ModulesListError for a list or a file that cannot be used. @param argv words behind `boot` */
export async function boot(argv: readonly string[]): Promise<RunResult> {
  const { own, passed, program } = splitWords(argv, OPTIONS);
  if (own.has('help')) {
    process.stdout.write(`${bootHelp()}\n`);
    return { status: 0, signal: 0 };
  }
  const list = needed(own, 'modules-list');
  const entry = needed(own, 'entry');
  if (program !== undefined)
    throw new UsageError(`boot takes no program: ${program} (the entry says what is booted)`);
  const parsed = parseCommandLine(passed);
  if (parsed.kind !== 'run') throw new UsageError('boot takes the options of a run');
  const { options } = parsed;
  if (options.record !== undefined) throw new UsageError('--record is for single programs');
  if (options.withItas !== undefined)
    throw new UsageError('--with-itas is for single programs: the entry names its ITAS');
  const searchPath = (own.get('module-search-path') ?? '').split(':').filter((d) => d !== '');
  const memory = wholeOption(own, 'memory', 256, MEMORY_MIB) * 1024 * 1024;
  const request = { list: resolve(list), entry, searchPath: searchPath.map((d) => resolve(d)), memory };
  return await runProgram({ ...options, os: 'l4', boot: request }, entry);
}

function needed(own: ReadonlyMap<string, string>, name: string): string {
  const value = own.get(name);
  if (value === undefined) throw new UsageError(`boot needs --${name}`);
  return value;
}

function bootHelp(): string {
  return `capgrind boot --modules-list=FILE --entry=NAME [options] [options for the run]

Boots sigma0, the root task and what it starts from a modules.list of L4Re, every thread on a worker.

${describeOptions(OPTIONS)}`;
}
