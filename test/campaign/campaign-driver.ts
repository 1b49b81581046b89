/** A campaign of 40 seeds in a process of its own, for tests that kill it: `campaign-driver DB LOG`. Prints its table. */
import { mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Campaign } from '../../src/campaign/campaign.js';
import { runChild } from '../../src/campaign/child-run.js';
import { LocalQueue } from '../../src/campaign/local-queue.js';
import { Store } from '../../src/campaign/store.js';
import { FAKE, shard } from './runs.js';

const [db, log] = process.argv.slice(2) as [string, string];
const child = {
  command: [process.execPath, FAKE] as [string, string],
  scratch: mkdtempSync(join(dirname(db), 'scratch-')),
};
const queue = new LocalQueue((s, abort) => runChild(s, child, abort), 3);
const plan = {
  key: 'k',
  title: 'test',
  firstSeed: 1,
  runs: 40,
  afresh: false,
  expected: 'any' as const,
  stopAfter: 0,
  shardOf: (seed: number) => shard(seed, 'buggy:80', [log]),
};
const store = await Store.open(db);
const observer = { begins: () => undefined, ran: () => undefined };
const { runs, summary } = await new Campaign(plan, queue, store, null, observer).run();
store.close();
const failures = summary.failures.map((f) => [f.title, f.first.seed, f.runs]);
process.stdout.write(JSON.stringify({ runs, failures }));
