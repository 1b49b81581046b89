/**
 * Helgrind on L4 programs: what messages, triggers and faults of Fiasco.OC order is silent, what they do not order is a
 * race, and two mappings of one dataspace are one memory.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Edges } from '../../src/tools/helgrind/edges.js';
import { L4Sync } from '../../src/tools/helgrind/l4-sync.js';
import { BIN, capgrind, GUESTS, story, TEST_ALL, Turns } from '../support/capgrind.js';

interface L4Run {
  stdout: string;
  exit: number;
  /** Functions of the threads whose accesses race with the main thread's, one race each. */
  helgrind?: string[];
}

const { guests } = JSON.parse(readFileSync(join(GUESTS, 'l4/guests.json'), 'utf8')) as {
  guests: { name: string; runs: L4Run[] }[];
};
const turns = new Turns(2);

for (const { name, runs } of guests) {
  for (const run of runs) {
    const expected = run.helgrind;
    if (expected === undefined) continue;
    for (const policy of TEST_ALL ? ['parallel', 'serial'] : ['parallel']) {
      test(`${name} ${policy}`, async (t) => {
        const o = await turns.take(() =>
          capgrind(['--tool=helgrind', `--atomicity=${policy}`, join(BIN, 'l4', name)], {
            timeoutMs: 150_000,
          }),
        );
        t.is(o.status, run.exit, story(o));
        t.is(o.stdout, run.stdout, story(o));
        const races = o.stderr.split(/^==\d+== Possible data race/m).slice(1);
        t.is(races.length, expected.length, story(o));
        for (const fn of expected) t.is(races.filter((r) => r.includes(`: ${fn} (`)).length, 1, story(o));
      });
    }
  }
}

test('a message orders from one thread to the other; what is left in an object is kept until it goes', (t) => {
  const log: string[] = [];
  const edges = {
    replace: (ts: number, key: bigint) => log.push(`replace ${ts} ${key & 0xffffn}`),
    join: (ts: number, key: bigint) => log.push(`join ${ts} ${key & 0xffffn}`),
    acquire: (ts: number, key: bigint) => log.push(`acquire ${ts} ${key & 0xffffn}`),
    forget: (ts: number, key: bigint) => log.push(`forget ${ts} ${key & 0xffffn}`),
  } as unknown as Edges;
  const sync = new L4Sync(edges);
  sync.ordered(1, 2);
  sync.ordered(0, 2);
  sync.left(1, 77);
  sync.took(2, 77);
  sync.took(0, 77);
  sync.objectGone(77, 2);
  t.deepEqual(log, ['replace 1 1', 'acquire 2 1', 'join 1 77', 'acquire 2 77', 'forget 2 77']);
});
