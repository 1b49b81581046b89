/** How the time of a program changes with its number of threads: measured curves and what follows from them. */
import { median } from '../report/figures.js';

/** What a program does with more threads: the same work divided among them, or as much again for each. */
export type Work = 'total' | 'thread';

export interface Point {
  readonly threads: number;
  /** Seconds, one for each repeat. */
  readonly samples: readonly number[];
}

export interface Curve {
  readonly name: string;
  /** The curve of a native build: what the others are compared with. */
  readonly native: boolean;
  /** By number of threads, fewest first; without samples there is no point. */
  readonly points: readonly Point[];
  /** Why points are missing, one line; empty when none is. */
  readonly problem: string;
}

export interface Figures {
  readonly threads: number;
  /** Median of the samples. */
  readonly seconds: number;
  /** Work done in a time, against the fewest threads of the same curve. */
  readonly speedUp: number;
  /** Speed-up as a part of the ideal one: 1 is perfect. */
  readonly efficiency: number;
}

/** Figures of each point; empty when the first one, with which the others are compared, is missing. */
export function figuresOf(curve: Curve, work: Work): Figures[] {
  const [first] = curve.points;
  if (!first || first.samples.length === 0) return [];
  const base = median(first.samples);
  return curve.points
    .filter((p) => p.samples.length > 0)
    .map(({ threads, samples }) => {
      const seconds = median(samples);
      const ideal = threads / first.threads;
      const speedUp = (base / seconds) * (work === 'thread' ? ideal : 1);
      return { threads, seconds, speedUp, efficiency: speedUp / ideal };
    });
}

/** Speed-up of a curve with so many threads against that of the native build; undefined where one is missing. */
export function againstNative(curve: Curve, native: Curve, work: Work, threads: number): number | undefined {
  const at = (c: Curve): number | undefined => figuresOf(c, work).find((f) => f.threads === threads)?.speedUp;
  const [own, other] = [at(curve), at(native)];
  return own === undefined || other === undefined ? undefined : own / other;
}
