/**
 * Where the runs of a campaign are carried out. The campaign knows only this interface; behind it are child processes
 * on this machine (local-queue.ts) or, another day, a queue that many machines take from.
 *
 * What an implementation has to keep:
 *
 * - A shard carries everything a runner needs: the words of one `capgrind` command. It has no side effects that others
 *   depend on, so it may be carried out again when a runner is lost; the campaign keeps the first result of a seed.
 * - Results come in any order, each at most once for each enqueued shard, and as soon as they are there.
 * - `enqueue` takes an iterable and draws from it only as fast as shards can be begun: a campaign of a million seeds
 *   is never in memory. Shards are begun in the order given, so when `stop` lets the begun ones end, every seed below
 *   the lowest failing one has its result.
 * - A runner that cannot carry a shard out at all (the command itself is wrong) answers with a Refusal, which ends the
 *   campaign: it would be the same for every seed.
 */
import type { Evidence } from './evidence.js';
import type { Outcome } from './outcome.js';

/** One run to do. */
export interface Shard {
  /** Key of the campaign: with the seed, the identity of the run everywhere. */
  readonly campaign: string;
  readonly seed: number;
  /** Options of capgrind, the program, its arguments. */
  readonly options: readonly string[];
  readonly program: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

export interface ShardResult {
  readonly kind: 'result';
  readonly shard: Shard;
  readonly outcome: Outcome;
  readonly milliseconds: number;
  readonly evidence: Evidence;
}

/** The command cannot be run: one line for the user. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly shard: Shard;
  readonly message: string;
}

export type ShardAnswer = ShardResult | Refusal;

export interface ShardQueue {
  /** Hands shards over, to be begun in this order. May be called again, also while results are read. */
  enqueue(shards: Iterable<Shard>): void;
  /** Answers as they come; ends when every begun shard has been answered and none is left, or after `abort`. */
  results(): AsyncIterable<ShardAnswer>;
  /** Begins no further shard; those that run are finished and answered. */
  stop(): void;
  /** Ends what runs, without answers. Resolves when nothing is left running. */
  abort(): Promise<void>;
}
