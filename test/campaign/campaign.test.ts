/** Whole campaigns with a stand-in for capgrind: the same table whatever happens on the way. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Campaign, type Ended, type Plan } from '../../src/campaign/campaign.js';
import { EvidenceFolder } from '../../src/campaign/evidence.js';
import { LocalQueue } from '../../src/campaign/local-queue.js';
import { failureOf } from '../../src/campaign/outcome.js';
import type { ShardAnswer } from '../../src/campaign/queue.js';
import { Store } from '../../src/campaign/store.js';
import { SCRATCH } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';
import { Random } from '../support/random.js';
import { outcome, run, shard } from './runs.js';

const DRIVER = fileURLToPath(new URL('./campaign-driver.js', import.meta.url));
const folder = (name: string): string => mkdtempSync(join(SCRATCH, `${name}-`));
const quiet = { begins: () => undefined, ran: () => undefined };

const plan = (part: Partial<Plan> = {}): Plan => ({
  key: 'k',
  title: 'test',
  firstSeed: 1,
  runs: 20,
  afresh: false,
  expected: 'any',
  stopAfter: 0,
  shardOf: (seed) => shard(seed),
  ...part,
});

/** Seeds divisible by 3 exit with 1; higher seeds end first. */
async function fails3(seed: number): Promise<ShardAnswer> {
  await new Promise((go) => setTimeout(go, 60 - seed * 2));
  return {
    kind: 'result',
    shard: shard(seed),
    outcome: outcome({ status: seed % 3 === 0 ? 1 : 0, output: `${seed % 2}` }),
    milliseconds: 1,
    evidence: { stdout: Buffer.from(`${seed}`), stderr: Buffer.alloc(0), report: Buffer.alloc(0) },
  };
}

usual('the first seed is the lowest, though it ends last, and its evidence alone is kept', async (t) => {
  const out = folder('out');
  writeFileSync(join(out, 'mine'), '');
  const evidence = new EvidenceFolder(out);
  const queue = new LocalQueue((s) => fails3(s.seed), 20);
  const news: string[] = [];
  const observer = {
    ...quiet,
    ran: (_: unknown, __: unknown, title: string | null) => void (title && news.push(title)),
  };
  const store = await Store.open(null);
  const { summary } = await new Campaign(plan(), queue, store, evidence, observer).run();
  t.is(summary.failed, 6);
  t.is(summary.failures[0]!.first.seed, 3);
  t.deepEqual(news, ['exit status 1'], 'told once');
  t.deepEqual(readdirSync(out).sort(), ['mine', 'seed-3']);
  t.is(readFileSync(join(out, 'seed-3/stdout'), 'utf8'), '3');
  store.close();
});

usual(
  'output: the evidence of the first run that differs is kept, though nobody knew at its end',
  async (t) => {
    const out = folder('out');
    const queue = new LocalQueue((s) => fails3(s.seed), 20);
    const store = await Store.open(null);
    const campaign = new Campaign(plan({ expected: 'same' }), queue, store, new EvidenceFolder(out), quiet);
    const { summary } = await campaign.run();
    t.deepEqual(
      summary.failures.map((f) => [f.kind, f.first.seed]),
      [
        ['output', 2],
        ['exit', 3],
      ],
    );
    t.deepEqual(readdirSync(out).sort(), ['seed-2', 'seed-3']);
    store.close();
  },
);

usual('stop-after: no more runs are begun, and all below the failure have their result', async (t) => {
  const queue = new LocalQueue((s) => fails3(s.seed), 4);
  const store = await Store.open(null);
  const { runs, summary } = await new Campaign(plan({ stopAfter: 1 }), queue, store, null, quiet).run();
  t.true(runs.length < 20 && runs.length >= 3, `${runs.length}`);
  t.is(summary.failures[0]!.first.seed, 3);
  t.deepEqual(
    runs.map((r) => r.seed),
    runs.map((_, i) => i + 1),
  );
  store.close();
});

usual('what the store has is not run again, unless afresh', async (t) => {
  const store = await Store.open(null);
  store.begin('k', 'test', false);
  for (const seed of [2, 3, 7]) store.add('k', run(seed, { status: 9 }));
  const seen: number[] = [];
  const queue = () =>
    new LocalQueue((s) => {
      seen.push(s.seed);
      return fails3(s.seed);
    }, 20);
  const first = await new Campaign(plan(), queue(), store, null, quiet).run();
  t.is(first.resumed, 3);
  t.is(seen.length, 17);
  t.false([2, 3, 7].some((s) => seen.includes(s)));
  t.is(first.runs.filter((r) => r.outcome.status === 9).length, 3);
  const again = await new Campaign(plan({ afresh: true }), queue(), store, null, quiet).run();
  t.is(again.resumed, 0);
  t.is(seen.length, 37);
  t.is(again.runs.filter((r) => r.outcome.status === 9).length, 0);
  store.close();
});

usual('a larger campaign goes on from a smaller one', async (t) => {
  const store = await Store.open(null);
  const queue = () => new LocalQueue((s) => fails3(s.seed), 20);
  await new Campaign(plan({ runs: 5 }), queue(), store, null, quiet).run();
  const more = await new Campaign(plan({ runs: 12 }), queue(), store, null, quiet).run();
  t.is(more.resumed, 5);
  t.is(more.runs.length, 12);
  store.close();
});

usual('a refusal ends the campaign', async (t) => {
  const store = await Store.open(null);
  const queue = new LocalQueue(async (s) => ({ kind: 'refusal', shard: s, message: 'no such tool' }), 2);
  const { refusal, runs } = await new Campaign(plan(), queue, store, null, quiet).run();
  t.is(refusal, 'no such tool');
  t.deepEqual(runs, []);
  store.close();
});

interface Table {
  readonly runs: Ended['runs'];
  readonly failures: [string, number, number][];
}

/** Runs the driver, killed after `killMs` if given; its table when it came to its end. */
async function drive(db: string, log: string, killMs?: number): Promise<Table | null> {
  const driver = spawn(process.execPath, [DRIVER, db, log], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  driver.stdout.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const timer = killMs === undefined ? undefined : setTimeout(() => driver.kill('SIGKILL'), killMs);
  const signal = await new Promise<string | null>((done) => driver.once('close', (_, s) => done(s)));
  clearTimeout(timer);
  return signal === null ? (JSON.parse(said) as Table) : null;
}

const logLines = (log: string): string[][] =>
  existsSync(log)
    ? readFileSync(log, 'utf8')
        .trimEnd()
        .split('\n')
        .map((l) => l.split(' '))
    : [];

async function storedSeeds(db: string): Promise<Set<number>> {
  const store = await Store.open(db);
  const seeds = new Set(store.runs('k', 0, 1e9).map((r) => r.seed));
  store.close();
  return seeds;
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

more('kill -9 at ten random moments: the resumed table equals that of an undisturbed campaign', async (t) => {
  t.timeout(400_000);
  const [calm, wild] = [folder('calm'), folder('wild')];
  const undisturbed = await drive(join(calm, 'db'), join(calm, 'log'));
  t.is(undisturbed!.runs.length, 40);
  t.deepEqual(
    undisturbed!.failures.map((f) => f[0]),
    ['exit status 1', 'Race at f1 (f.c:1)', 'deadlock'],
  );
  const random = new Random(Date.now() & 0xffff);
  let kills = 0;
  // A campaign that comes to its end before ten kills is begun anew elsewhere.
  for (let round = 0; kills < 10; round++) {
    const [db, log] = [join(wild, `db-${round}`), join(wild, `log-${round}`)];
    let known = new Set<number>();
    let table: Table | null = null;
    while (table === null) {
      const before = logLines(log).length;
      table = await drive(db, log, kills < 10 ? 150 + random.below(1200) : undefined);
      if (table === null) kills++;
      for (const [what, seed] of logLines(log).slice(before)) {
        if (what === 'begin')
          t.false(known.has(Number(seed)), `seed ${seed} was run though its result was there`);
      }
      const now = await storedSeeds(db);
      for (const seed of known) t.true(now.has(seed), `the result of seed ${seed} is gone`);
      known = now;
    }
    t.log(`campaign ${round}: ${kills} kills so far`);
    t.deepEqual(table.runs.map(untimed), undisturbed!.runs.map(untimed));
    t.deepEqual(table.failures, undisturbed!.failures);
    await new Promise((go) => setTimeout(go, 1000));
    const left = logLines(log).filter(([what, , pid]) => what === 'begin' && alive(Number(pid)));
    t.deepEqual(left, [], 'no run goes on without its campaign');
  }
  t.is(kills, 10);
});

const untimed = (r: Ended['runs'][number]) => ({
  seed: r.seed,
  outcome: r.outcome,
  failed: failureOf(r.outcome)?.key,
});
