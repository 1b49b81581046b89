/**
 * What is measured: programs of bench/guests/src with their arguments. `full` takes a second or two natively, so that
 * start-up and compilation do not decide; `quick` is for trying the benchmark itself out.
 */

export interface BenchProgram {
  readonly name: string;
  readonly full: readonly string[];
  readonly quick: readonly string[];
}

const program = (name: string, full: string, quick: string): BenchProgram => ({
  name,
  full: full === '' ? [] : full.split(' '),
  quick: quick.split(' '),
});

/** Computation on one thread: these make up the geometric mean. No arguments: the program's own defaults. */
export const COMPUTATION: readonly BenchProgram[] = [
  program('bytecode', '', '15'),
  program('fib', '', '32'),
  program('lz', '', '256 20'),
  program('mandelbrot', '', '250'),
  program('matmul', '', '160'),
  program('nbody', '', '40000'),
  program('nqueens', '', '11'),
  program('pointers', '', '50000 4'),
  program('quicksort', '', '800000'),
  program('sha256', '', '2048'),
  program('sieve', '', '1000000 10'),
  program('stream', '', '4 6'),
  program('strings', '', '5'),
];

/** Start and end of a process. */
export const START_UP: BenchProgram = { name: 'hello', full: [], quick: [] };

/** Fresh memory, one page after the other. */
export const TOUCH: BenchProgram = { name: 'touch', full: ['1024'], quick: ['64'] };

/** Share-nothing threads: the first argument, their number, is put in front. */
export const THREADS: BenchProgram = { name: 'threads', full: ['250'], quick: ['10'] };

/** Programs that print a rate (events a second) on standard error. */
export const RATES: readonly (BenchProgram & { readonly title: string; readonly unit: string })[] = [
  {
    title: 'mutex, 1 thread',
    unit: 'pairs/s',
    name: 'mutex',
    full: ['1', '10000000'],
    quick: ['1', '200000'],
  },
  {
    title: 'mutex, 2 threads',
    unit: 'pairs/s',
    name: 'mutex',
    full: ['2', '1000000'],
    quick: ['2', '50000'],
  },
  { title: 'create and join', unit: 'threads/s', name: 'spawn', full: ['2000'], quick: ['50'] },
];
