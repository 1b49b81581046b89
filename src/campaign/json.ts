/** A campaign as JSON, for programs: docs/stress.md describes it, docs/stress.schema.json checks it. */
import type { Ended, Plan } from './campaign.js';
import type { Outcome } from './outcome.js';
import { judgeOf } from './summary.js';

export interface Presentation {
  /** The command that runs one seed again. */
  replay(seed: number): string;
  /** Folder with what a seed's run printed, null for none. */
  evidence(seed: number): string | null;
  readonly version: string;
  readonly program: string;
}

export function campaignJson(plan: Plan, ended: Ended, show: Presentation): string {
  const { summary, runs } = ended;
  const judge = judgeOf(runs, plan.expected);
  return `${JSON.stringify(
    {
      format: 'capgrind-stress-1',
      capgrind: show.version,
      campaign: plan.key,
      command: plan.title,
      seeds: { first: plan.firstSeed, count: plan.runs },
      done: summary.done,
      failed: summary.failed,
      complete: summary.done === plan.runs,
      outputs: summary.outputs,
      interleavings: summary.interleavings,
      failures: summary.failures.map((f) => ({
        kind: f.kind,
        title: f.title,
        key: f.key,
        runs: f.runs,
        firstSeed: f.first.seed,
        replay: show.replay(f.first.seed),
        evidence: show.evidence(f.first.seed),
        outcome: outcomeJson(f.first.outcome),
      })),
      findings: summary.findings,
      runs: runs.map((r) => ({
        seed: r.seed,
        failure: judge(r.outcome)?.key ?? null,
        milliseconds: r.milliseconds,
        ...outcomeJson(r.outcome),
      })),
    },
    null,
    1,
  )}\n`;
}

function outcomeJson(o: Outcome): object {
  const { findings, ...others } = o;
  return { ...others, findings: findings.map((f) => f.context) };
}
