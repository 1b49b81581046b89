/** What came of one run, and what makes two failures the same. */
import type { RunEnd, RunReport } from '../report/run-report.js';

/** How a run ended: as the run itself says, or by its time limit, or without saying anything. */
export type OutcomeEnd = RunEnd | 'timeout' | 'crash';

export interface OutcomeFinding {
  readonly kind: string;
  /** Hash of the finding's kind and place. */
  readonly context: string;
  readonly at: string;
}

export interface Outcome {
  readonly end: OutcomeEnd;
  readonly status: number;
  /** Signal that ended the guest, 0 for none. */
  readonly signal: number;
  /** Hash of what the guest printed, on both streams. */
  readonly output: string;
  /** Distinct findings, ordered by context. */
  readonly findings: readonly OutcomeFinding[];
  /** Hash of the interleaving, null where the schedule has none. */
  readonly interleaving: string | null;
  readonly blocks: number | null;
  /** What capgrind said of itself when it crashed, else empty. */
  readonly message: string;
}

/** A way to fail: all runs with the same key failed alike. */
export interface Failure {
  readonly key: string;
  /** How the run ended, or what else was wrong with it. */
  readonly kind: OutcomeEnd | 'findings' | 'output';
  /** One line for people. */
  readonly title: string;
}

/** The outcome of a run that left its report. */
export function outcomeOf(report: RunReport, output: string): Outcome {
  const findings = report.findings
    .map(({ kind, context, at }) => ({ kind, context, at }))
    .sort((a, b) => (a.context < b.context ? -1 : 1));
  return {
    end: report.end,
    status: report.status,
    signal: report.signal,
    output,
    findings,
    interleaving: report.interleaving,
    blocks: report.blocks,
    message: '',
  };
}

/** How a run failed; null when it exited with 0 and the tool found nothing. Output is not looked at. */
export function failureOf(o: Outcome): Failure | null {
  // When a run is cut off, how far it came is chance: what it had found by then does not tell failures apart.
  if (o.end === 'timeout') return { key: 'timeout', kind: 'timeout', title: 'time limit reached' };
  if (o.end === 'crash') {
    return { key: `crash ${o.message}`, kind: 'crash', title: `capgrind crashed: ${o.message}` };
  }
  const parts: string[] = [];
  if (o.end === 'deadlock') parts.push('deadlock');
  else if (o.end === 'livelock') parts.push('livelock');
  else if (o.signal > 0) parts.push(`signal ${o.signal}`);
  else if (o.status !== 0) parts.push(`exit status ${o.status}`);
  if (parts.length === 0 && o.findings.length === 0) return null;
  const key = [...parts, ...o.findings.map((f) => f.context)].join(' ');
  return {
    key,
    kind: parts.length > 0 ? o.end : 'findings',
    title: [...parts, ...findingsTitle(o.findings)].join(', '),
  };
}

/** The failure of a run that is fine in itself and printed something else than it should have. */
export function outputFailure(o: Outcome): Failure {
  return { key: `output ${o.output}`, kind: 'output', title: `different output (${o.output})` };
}

function findingsTitle(findings: readonly OutcomeFinding[]): string[] {
  const shown = findings.slice(0, 3).map(findingTitle);
  return findings.length > 3 ? [...shown, `${findings.length - 3} more findings`] : shown;
}

export function findingTitle(f: OutcomeFinding): string {
  return f.at === '' ? f.kind : `${f.kind} at ${f.at}`;
}
