/** A campaign: the seeds that have no result yet go to the queue, results to the store, until all is done. */
import type { EvidenceFolder } from './evidence.js';
import type { Shard, ShardQueue, ShardResult } from './queue.js';
import type { Store, StoredRun } from './store.js';
import { type ExpectedOutput, type Summary, summarise } from './summary.js';
import { Tally } from './tally.js';

export interface Plan {
  readonly key: string;
  /** The command as people would type it. */
  readonly title: string;
  readonly firstSeed: number;
  readonly runs: number;
  /** Forget what the store has of this campaign. */
  readonly afresh: boolean;
  readonly expected: ExpectedOutput;
  /** Begin no more runs once so many have failed; 0: run all. */
  readonly stopAfter: number;
  shardOf(seed: number): Shard;
}

export interface Observer {
  /** Before the first run: how many results are there already. */
  begins(resumed: number): void;
  /** After each run. `newFailure` is the title of a failure that no run before had. */
  ran(progress: { done: number; failed: number }, run: StoredRun, newFailure: string | null): void;
}

export interface Ended {
  readonly runs: readonly StoredRun[];
  readonly summary: Summary;
  /** How many of the runs were there before. */
  readonly resumed: number;
  /** Set when the command itself is wrong. */
  readonly refusal: string | null;
}

export class Campaign {
  private readonly tally: Tally;
  private refusal: string | null = null;

  constructor(
    private readonly plan: Plan,
    private readonly queue: ShardQueue,
    private readonly store: Store,
    private readonly evidence: EvidenceFolder | null,
    private readonly observer: Observer,
  ) {
    this.tally = new Tally(plan.expected);
  }

  /** Runs to the end, or until the queue is aborted. */
  async run(): Promise<Ended> {
    const { plan, queue, store } = this;
    store.begin(plan.key, plan.title, plan.afresh);
    const before = this.stored();
    for (const run of before) this.tally.add(run);
    this.observer.begins(before.length);
    const known = new Set(before.map((r) => r.seed));
    if (!this.enough()) queue.enqueue(this.shards(known));
    for await (const answer of queue.results()) {
      if (answer.kind === 'refusal') {
        this.refusal = answer.message;
        await queue.abort();
        break;
      }
      this.take(answer);
      if (this.enough()) queue.stop();
    }
    const runs = this.stored();
    const summary = summarise(runs, plan.expected);
    this.evidence?.prune(new Set(summary.failures.map((f) => f.first.seed)));
    return { runs, summary, resumed: before.length, refusal: this.refusal };
  }

  private *shards(known: ReadonlySet<number>): Generator<Shard> {
    const { firstSeed, runs } = this.plan;
    for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
      if (!known.has(seed)) yield this.plan.shardOf(seed);
    }
  }

  private stored(): StoredRun[] {
    const { key, firstSeed, runs } = this.plan;
    return this.store.runs(key, firstSeed, firstSeed + runs);
  }

  private take({ shard, outcome, milliseconds, evidence }: ShardResult): void {
    const run: StoredRun = { seed: shard.seed, outcome, milliseconds };
    // Evidence first: a row says that everything of this run has been kept.
    if (this.evidence && this.tally.mayBeFirst(run)) this.evidence.keep(run.seed, evidence);
    this.store.add(this.plan.key, run);
    const added = this.tally.add(run);
    this.observer.ran(this.tally, run, added?.title ?? null);
  }

  private enough(): boolean {
    return this.plan.stopAfter > 0 && this.tally.failed >= this.plan.stopAfter;
  }
}
