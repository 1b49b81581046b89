/** What the runs of a campaign come to. Depends on the runs only, not on the order in which they ended. */
import { type Failure, failureOf, findingTitle, type Outcome, outputFailure } from './outcome.js';
import type { StoredRun } from './store.js';

/**
 * Which output is right: any; the same for all runs, which is that of the lowest seed among those that are fine
 * otherwise; or the one with this hash.
 */
export type ExpectedOutput = 'any' | 'same' | { readonly hash: string };

export interface DistinctFailure extends Failure {
  /** The lowest seed that shows it. */
  readonly first: StoredRun;
  readonly runs: number;
}

export interface SeenFinding {
  readonly title: string;
  readonly context: string;
  readonly firstSeed: number;
  /** Runs that had it. */
  readonly runs: number;
}

export interface Summary {
  readonly done: number;
  readonly failed: number;
  /** By first seed. */
  readonly failures: readonly DistinctFailure[];
  /** By first seed. */
  readonly findings: readonly SeenFinding[];
  /** Different outputs, and different interleavings (0 when runs have none). */
  readonly outputs: number;
  readonly interleavings: number;
}

/** @param runs by seed, lowest first */
export function summarise(runs: readonly StoredRun[], expected: ExpectedOutput): Summary {
  const judge = judgeOf(runs, expected);
  const failures = new Map<string, DistinctFailure>();
  const findings = new Map<string, SeenFinding>();
  let failed = 0;
  for (const run of runs) {
    const failure = judge(run.outcome);
    if (failure) {
      failed++;
      const known = failures.get(failure.key);
      failures.set(failure.key, { ...failure, first: known?.first ?? run, runs: (known?.runs ?? 0) + 1 });
    }
    for (const f of run.outcome.findings) {
      const known = findings.get(f.context);
      const firstSeed = known?.firstSeed ?? run.seed;
      const seen = { title: findingTitle(f), context: f.context, firstSeed, runs: (known?.runs ?? 0) + 1 };
      findings.set(f.context, seen);
    }
  }
  return {
    done: runs.length,
    failed,
    failures: [...failures.values()],
    findings: [...findings.values()],
    outputs: new Set(runs.map((r) => r.outcome.output)).size,
    interleavings: new Set(runs.flatMap((r) => r.outcome.interleaving ?? [])).size,
  };
}

/** Says of each outcome whether and how it failed. @param runs by seed, lowest first */
export function judgeOf(
  runs: readonly StoredRun[],
  expected: ExpectedOutput,
): (outcome: Outcome) => Failure | null {
  const wanted =
    expected === 'same'
      ? runs.find((r) => failureOf(r.outcome) === null)?.outcome.output
      : expected === 'any'
        ? undefined
        : expected.hash;
  return (outcome) => {
    const failure = failureOf(outcome);
    if (failure || wanted === undefined || outcome.output === wanted) return failure;
    return outputFailure(outcome);
  };
}
