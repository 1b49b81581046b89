/** Runs a program with one number of threads after the other, under each contestant in turn, several times. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readRunReport } from '../report/run-report.js';
import { type Command, sample } from './child.js';
import type { Curve, Point } from './curves.js';

export interface Contestant {
  readonly name: string;
  readonly native: boolean;
  /**
   * The command for a number of threads. With `resultFile`, capgrind writes its result there: its own time, without the
   * start of node, then counts instead of that of the whole process.
   */
  command(threads: number, resultFile: string): Command;
  /** Seconds that the program itself says it took, from its standard error: they then count instead. */
  seconds?(stderr: string): number | undefined;
}

export interface MeasureSettings {
  /** Numbers of threads, fewest first. */
  readonly threads: readonly number[];
  readonly repeats: number;
  readonly limitSeconds: number;
  /** Folder for result files. */
  readonly scratch: string;
  /** Called after each run. */
  ran(done: number, total: number): void;
}

/**
 * Measures all. Repeats are interleaved: what the machine does beside this falls on every contestant. A contestant
 * whose run fails is not tried again with as many threads or more.
 */
export async function measure(contestants: readonly Contestant[], s: MeasureSettings): Promise<Curve[]> {
  const lines = contestants.map((c) => new Line(c, s));
  const total = s.repeats * s.threads.length * contestants.length;
  let done = 0;
  for (let repeat = 0; repeat < s.repeats; repeat++) {
    for (const threads of s.threads) {
      for (const line of lines) {
        await line.run(threads);
        s.ran(++done, total);
      }
    }
  }
  return lines.map((l) => l.curve());
}

class Line {
  private readonly samples = new Map<number, number[]>();
  private problem = '';
  /** From this number of threads on, runs fail. */
  private failsFrom = Number.POSITIVE_INFINITY;

  constructor(
    private readonly who: Contestant,
    private readonly s: MeasureSettings,
  ) {}

  async run(threads: number): Promise<void> {
    if (threads >= this.failsFrom) return;
    const file = join(this.s.scratch, 'result.json');
    rmSync(file, { force: true });
    try {
      const { seconds, stderr } = await sample(this.who.command(threads, file), this.s.limitSeconds);
      const told = readRunReport(file);
      const own = this.who.seconds?.(stderr) ?? (told ? told.milliseconds / 1000 : seconds);
      this.samples.set(threads, [...(this.samples.get(threads) ?? []), own]);
    } catch (error) {
      this.failsFrom = threads;
      this.problem = `${threads} thread${threads === 1 ? '' : 's'}: ${reason((error as Error).message)}`;
    }
  }

  curve(): Curve {
    const points: Point[] = this.s.threads
      .filter((threads) => threads < this.failsFrom)
      .map((threads) => ({ threads, samples: this.samples.get(threads) ?? [] }));
    return { name: this.who.name, native: this.who.native, points, problem: this.problem };
  }
}

/** One line: what capgrind said, if it did, else what is known of the process. */
function reason(message: string): string {
  return /(?<=capgrind: ).*/.exec(message)?.[0] ?? message.split('\n')[0]!;
}
