import test from 'ava';
import { LocalQueue, type RunShard } from '../../src/campaign/local-queue.js';
import type { Shard, ShardAnswer, ShardResult } from '../../src/campaign/queue.js';
import { outcome, shard } from './runs.js';

const result = (s: Shard): ShardResult => ({
  kind: 'result',
  shard: s,
  outcome: outcome(),
  milliseconds: 0,
  evidence: { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), report: Buffer.alloc(0) },
});
const tick = (ms = 1): Promise<void> => new Promise((done) => setTimeout(done, ms));
const seeds = (answers: readonly ShardAnswer[]): number[] => answers.map((a) => a.shard.seed);

async function drain(queue: LocalQueue): Promise<ShardAnswer[]> {
  const all: ShardAnswer[] = [];
  for await (const a of queue.results()) all.push(a);
  return all;
}

/** Runs that end when the test says so. */
class Hand {
  readonly begun: number[] = [];
  private readonly ends = new Map<number, () => void>();
  aborted = 0;
  readonly run: RunShard = (s, abort) =>
    new Promise((done, fail) => {
      this.begun.push(s.seed);
      this.ends.set(s.seed, () => done(result(s)));
      abort.addEventListener('abort', () => {
        this.aborted++;
        fail(abort.reason as Error);
      });
    });
  end(seed: number): void {
    this.ends.get(seed)!();
  }
}

test('every shard is answered once, and never more than the jobs run at a time', async (t) => {
  let running = 0;
  let most = 0;
  const queue = new LocalQueue(async (s) => {
    most = Math.max(most, ++running);
    await tick(s.seed % 3);
    running--;
    return result(s);
  }, 3);
  queue.enqueue(Array.from({ length: 20 }, (_, i) => shard(i)));
  const answers = await drain(queue);
  t.deepEqual(
    seeds(answers).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  );
  t.is(most, 3);
});

test('without shards there are no results, and no waiting', async (t) => {
  t.deepEqual(await drain(new LocalQueue(() => Promise.reject(new Error('never')), 2)), []);
  const queue = new LocalQueue(() => Promise.reject(new Error('never')), 2);
  queue.enqueue([]);
  t.deepEqual(await drain(queue), []);
});

test('shards are begun in their order and drawn only when there is room', async (t) => {
  const hand = new Hand();
  const queue = new LocalQueue(hand.run, 2);
  let drawn = 0;
  function* endless(): Generator<Shard> {
    for (;;) yield shard(drawn++);
  }
  queue.enqueue(endless());
  t.deepEqual(hand.begun, [0, 1]);
  t.is(drawn, 2);
  const results = queue.results();
  hand.end(1);
  const first = await results.next();
  t.is((first.value as ShardAnswer).shard.seed, 1);
  hand.end(0);
  await results.next();
  t.deepEqual(hand.begun, [0, 1, 2]);
  await queue.abort();
});

test('a reader that is behind slows the queue down', async (t) => {
  const queue = new LocalQueue((s) => Promise.resolve(result(s)), 2);
  let drawn = 0;
  function* many(): Generator<Shard> {
    while (drawn < 100) yield shard(drawn++);
  }
  queue.enqueue(many());
  await tick(20);
  t.is(drawn, 2);
  t.is((await drain(queue)).length, 100);
});

test('stop begins nothing more and lets what runs be answered', async (t) => {
  const hand = new Hand();
  const queue = new LocalQueue(hand.run, 2);
  queue.enqueue([1, 2, 3, 4].map((s) => shard(s)));
  const all = drain(queue);
  hand.end(2);
  await tick();
  t.deepEqual(hand.begun, [1, 2, 3]);
  queue.stop();
  hand.end(3);
  hand.end(1);
  t.deepEqual(seeds(await all), [2, 3, 1]);
  t.deepEqual(hand.begun, [1, 2, 3]);
});

test('abort ends what runs, without answers', async (t) => {
  const hand = new Hand();
  const queue = new LocalQueue(hand.run, 2);
  queue.enqueue([1, 2, 3].map((s) => shard(s)));
  const all = drain(queue);
  await queue.abort();
  t.is(hand.aborted, 2);
  t.deepEqual(await all, []);
});

test('shards may come while results are read', async (t) => {
  const queue = new LocalQueue((s) => tick().then(() => result(s)), 2);
  queue.enqueue([shard(1)]);
  const got: number[] = [];
  for await (const a of queue.results()) {
    got.push(a.shard.seed);
    if (a.shard.seed < 4) queue.enqueue([shard(a.shard.seed + 1)]);
  }
  t.deepEqual(got, [1, 2, 3, 4]);
});

test('a runner that fails ends the results with its error', async (t) => {
  const queue = new LocalQueue(() => Promise.reject(new Error('no more processes')), 2);
  queue.enqueue([shard(1)]);
  await t.throwsAsync(drain(queue), { message: 'no more processes' });
});
