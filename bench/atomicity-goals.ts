/** What the project wants of its policies on two processors, as one line each: reached or not, or why nothing is said. */
import { availableParallelism } from 'node:os';
import { figure, median } from '../src/report/figures.js';
import type { Curve } from '../src/scaling/curves.js';

/** Which of several samples counts: their median, or on a machine that others use as well the fastest. */
export type Pick = (samples: readonly number[]) => number;
export const fastest: Pick = (samples) => Math.min(...samples);

const ratio = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a / b;

function line(what: string, is: number | undefined, bound: number, least: boolean): string {
  if (is === undefined || Number.isNaN(bound)) return `not measured: ${what}`;
  const good = least ? is >= bound : is <= bound;
  const limit = `${least ? 'at least' : 'at most'} ${figure(bound)}`;
  return `${good ? 'reached' : 'MISSED'}: ${what}: ${figure(is)}, ${limit}`;
}

/** @param kinds the curves measured, by kind of sharing */
export function checkGoals(
  kinds: ReadonlyMap<string, readonly Curve[]>,
  quick: boolean,
  pick: Pick = median,
): string[] {
  /** Seconds of a curve with so many threads. */
  const seconds = (curves: readonly Curve[], name: string, threads: number): number | undefined => {
    const samples = curves.find((c) => c.name === name)?.points.find((x) => x.threads === threads)?.samples;
    return samples === undefined || samples.length === 0 ? undefined : pick(samples);
  };
  if (quick) return ['goals: not looked at, since a quick run measures the start'];
  const out: string[] = [];
  const cores = availableParallelism();
  for (const [kind, curves] of kinds) {
    const native = ratio(seconds(curves, 'native', 1), seconds(curves, 'native', 2));
    const gain = (policy: string): number | undefined =>
      ratio(seconds(curves, 'serial', 2), seconds(curves, policy, 2));
    if (kind === 'nothing') {
      const own = ratio(seconds(curves, 'parallel', 1), seconds(curves, 'parallel', 2));
      out.push(
        line(
          'share-nothing, native speed-up by 2 threads over that of parallel',
          ratio(native, own),
          1.2,
          false,
        ),
        line(
          'share-nothing, time of restart over that of parallel, 2 threads',
          ratio(seconds(curves, 'restart', 2), seconds(curves, 'parallel', 2)),
          2,
          false,
        ),
      );
    }
    // Where sharing makes the native build slower with a second thread, there is nothing to gain.
    const wanted = native === undefined ? Number.NaN : 0.85 * native;
    out.push(
      line(`${kind}, 2 threads under parallel against serial`, gain('parallel'), wanted, true),
      line(`${kind}, 2 threads under restart against serial`, gain('restart'), 1.2, true),
    );
  }
  if (cores < 2) out.push(`goals: this machine has ${cores} processor, which says nothing about threads`);
  return out;
}
