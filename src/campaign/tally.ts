/** Counts over the runs so far, in whatever order they end. */
import { type Failure, failureOf, outputFailure } from './outcome.js';
import type { StoredRun } from './store.js';
import type { ExpectedOutput } from './summary.js';

export class Tally {
  done = 0;
  /** Lowest seed of each failure, and of each output among runs that did not fail. */
  private readonly lowest = new Map<string, number>();
  /** Runs that failed by themselves, whatever they printed. */
  private failing = 0;
  /** Other runs, by their output. */
  private readonly fine = new Map<string, number>();
  private reference: { seed: number; output: string } | undefined;

  constructor(private readonly expected: ExpectedOutput) {}

  /** Runs that count as failed, by what is known now. */
  get failed(): number {
    const wanted = typeof this.expected === 'object' ? this.expected.hash : this.reference?.output;
    if (this.expected === 'any' || wanted === undefined) return this.failing;
    const others = [...this.fine].reduce((n, [output, runs]) => (output === wanted ? n : n + runs), 0);
    return this.failing + others;
  }

  /** Adds a run; its failure if none before failed like it. What an output is worth may not be certain yet. */
  add(run: StoredRun): Failure | null {
    this.done++;
    const failure = failureOf(run.outcome);
    const { key } = failure ?? outputFailure(run.outcome);
    const known = this.lowest.get(key);
    this.lowest.set(key, Math.min(known ?? run.seed, run.seed));
    if (failure) this.failing++;
    else this.addFine(run);
    return known === undefined ? failure : null;
  }

  /** Whether evidence of this run, not yet added, may be wanted in the end. */
  mayBeFirst(run: StoredRun): boolean {
    const failure = failureOf(run.outcome);
    if (!failure && this.expected === 'any') return false;
    const known = this.lowest.get((failure ?? outputFailure(run.outcome)).key);
    return known === undefined || run.seed < known;
  }

  private addFine({ seed, outcome: { output } }: StoredRun): void {
    this.fine.set(output, (this.fine.get(output) ?? 0) + 1);
    if (this.reference === undefined || seed < this.reference.seed) this.reference = { seed, output };
  }
}
