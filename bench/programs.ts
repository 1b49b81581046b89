/**
 * What is measured: programs of bench/guests/src with their arguments. `full` takes five to ten seconds under qemu (a
 * second or two natively mostly), so start-up and compilation do not decide; `quick` is for trying the benchmark out.
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

/** Computation on one thread: these make up the geometric mean. */
export const COMPUTATION: readonly BenchProgram[] = [
  program('bytecode', '1200', '15'),
  program('fib', '42', '32'),
  program('lz', '1024 650', '256 20'),
  program('mandelbrot', '2300', '250'),
  program('matmul', '800', '160'),
  program('nbody', '3500000', '40000'),
  program('nqueens', '15', '11'),
  program('pointers', '200000 240', '50000 4'),
  program('quicksort', '40000000', '800000'),
  program('sha256', '110000', '2048'),
  program('sieve', '8000000 140', '1000000 10'),
  program('stream', '16 170', '4 6'),
  program('strings', '280', '5'),
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
