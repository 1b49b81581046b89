/** The queue on this machine: so many shards at once, each in a child process of its own. */
import type { Shard, ShardAnswer, ShardQueue } from './queue.js';

/** Carries one shard out; rejects when the signal aborts it. */
export type RunShard = (shard: Shard, abort: AbortSignal) => Promise<ShardAnswer>;

export class LocalQueue implements ShardQueue {
  private readonly waiting: Iterator<Shard>[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly answers: ShardAnswer[] = [];
  private readonly aborter = new AbortController();
  private stopped = false;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly runShard: RunShard,
    private readonly jobs: number,
  ) {}

  enqueue(shards: Iterable<Shard>): void {
    this.waiting.push(shards[Symbol.iterator]());
    this.fill();
  }

  stop(): void {
    this.stopped = true;
    this.waiting.length = 0;
    this.wake();
  }

  async abort(): Promise<void> {
    this.stop();
    this.answers.length = 0;
    this.aborter.abort();
    await Promise.allSettled(this.running);
    this.wake();
  }

  async *results(): AsyncGenerator<ShardAnswer> {
    for (;;) {
      if (this.failure) throw this.failure;
      const answer = this.answers.shift();
      if (answer) {
        yield answer;
        this.fill();
      } else if (this.running.size === 0 && this.waiting.length === 0) {
        return;
      } else {
        await new Promise<void>((wake) => {
          this.wake = wake;
        });
      }
    }
  }

  /** Begins shards while there is room. Answers that nobody has taken yet hold their place: a slow reader slows all. */
  private fill(): void {
    while (!this.stopped && this.running.size + this.answers.length < this.jobs) {
      const shard = this.next();
      if (!shard) break;
      this.begin(shard);
    }
    if (this.running.size === 0) this.wake();
  }

  private next(): Shard | undefined {
    while (this.waiting.length > 0) {
      const { value, done } = this.waiting[0]!.next();
      if (!done) return value;
      this.waiting.shift();
    }
    return undefined;
  }

  private begin(shard: Shard): void {
    const { signal } = this.aborter;
    const run: Promise<void> = this.runShard(shard, signal)
      .then(
        (answer) => {
          if (!signal.aborted) this.answers.push(answer);
        },
        (error: Error) => {
          if (!signal.aborted) this.failure ??= error;
        },
      )
      .then(() => {
        this.running.delete(run);
        this.fill();
        this.wake();
      });
    this.running.add(run);
  }
}
