/** CapCheck on whole runs: each planted error is found with the stacks that explain it, each correct program is silent. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { BIN, capgrind, GUESTS, type Outcome, SCRATCH, story, TEST_ALL, Turns } from '../support/capgrind.js';
import { runsNow } from '../support/extent.js';

interface CapRun {
  args: string[];
  exit: number;
  stdout: string;
  /** Kinds of findings, each as often as it is found at different places. */
  capcheck?: string[];
}

const { guests } = JSON.parse(readFileSync(join(GUESTS, 'l4/guests.json'), 'utf8')) as {
  guests: { name: string; runs: CapRun[] }[];
};
const turns = new Turns(2);
const REPEAT = TEST_ALL ? 20 : 1;

/** What a report says, in its order: sentences and the guest's functions below them. */
const STORIES: Readonly<Record<string, readonly RegExp[]>> = {
  'cc-leak': [
    /2 capability slots \(0x20, 0x21\) allocated here were never freed[\s\S]*keeps[\s\S]*was created there[\s\S]*keeps/,
    /1 capability slot \(0x22\) allocated here was never filled[\s\S]*never_fills/,
    /1 capability slot \(0x23\) allocated here was emptied but never freed[\s\S]*empties_only[\s\S]*was deleted[\s\S]*empties_only/,
  ],
  'cc-server-leak': [
    /3 requests in a row each left a capability slot allocated here[\s\S]*handle[\s\S]*server/,
  ],
  'cc-freed-mapped': [
    /is freed although it still holds semaphore #\d+[\s\S]*guest[\s\S]*was created there[\s\S]*first[\s\S]*was allocated[\s\S]*first/,
    /is overmapped[\s\S]*second[\s\S]*which this destroyed, was put there[\s\S]*first/,
  ],
  'cc-overmap': [
    /is overmapped[\s\S]*put_second[\s\S]*was put there[\s\S]*put_first[\s\S]*The new one is semaphore #\d+[\s\S]*was allocated/,
  ],
  'cc-unallocated': [
    /slot 0x214 is filled although it was never allocated/,
    /is filled after it was freed[\s\S]*The slot was freed/,
  ],
  'cc-double-free': [/is freed a second time[\s\S]*gives_back[\s\S]*The slot was freed[\s\S]*gives_back/],
  'cc-use-after-free': [
    /Irq\.trigger is sent to capability slot 0x20, which was freed[\s\S]*The slot was freed/,
  ],
  'cc-empty': [
    /Semaphore\.down is sent to capability slot 0x21, which is empty[\s\S]*destroyed elsewhere[\s\S]*destroys/,
  ],
  'cc-protocol': [
    /Task\.map: semaphore #\d+ does not know the protocol[\s\S]*maps_into[\s\S]*was created there/,
    /Task\.operation 77: task #\d+ does not know the operation[\s\S]*asks_for_more/,
  ],
  'cc-lost': [/Nothing arrives: capability slot 0x20 was sent without the right R[\s\S]*giver/],
  'cc-delete': [
    /is to be deleted through slot 0x21, which may not delete it[\s\S]*deletes[\s\S]*was mapped there/,
  ],
  'cc-armed': [
    /A second capability arrives in receive buffer slot 0x20[\s\S]*server[\s\S]*was put there[\s\S]*server/,
  ],
  'cc-runtime': [/1 capability slot \(0x\w+\) allocated here was never freed[\s\S]*of_the_program/],
  'cc-signal': [/1 capability slot \(0x\w+\) allocated here was never freed[\s\S]*keeps/],
  'cc-forgotten': [
    /let go of here, is kept alive only by a copy in slot 0x1F[\s\S]*put there[\s\S]*task_map/,
  ],
};

async function check(name: string, options: readonly string[], result?: string): Promise<Outcome> {
  const all = ['--tool=capcheck', ...options, ...(result ? [`--result=${result}`] : [])];
  return turns.take(() =>
    capgrind([...all, join(BIN, 'l4', name)], {
      env: { CAPGRIND_LOCK_CHECK: '1' },
      timeoutMs: 150_000,
    }),
  );
}

/** Leaks, overmaps, uses of freed slots, protocols: the core; others in test:more. */
const USUAL = /^cc-(clean|leak|overmap|use-after-free|protocol|clean-server)$/;
const folder = mkdtempSync(join(SCRATCH, 'capcheck-'));
let count = 0;
for (const guest of guests) {
  for (const r of guest.runs.filter((x) => x.capcheck)) {
    const usual = count++ % 2 === 0 ? 'parallel' : 'serial';
    for (const policy of TEST_ALL ? ['parallel', 'serial'] : [usual]) {
      if (!runsNow(USUAL.test(guest.name)) && REPEAT === 1) continue;
      test(`${guest.name} ${policy}`, async (t) => {
        for (let n = 0; n < REPEAT; n++) {
          const file = join(folder, `${guest.name}-${policy}.json`);
          const o = await check(guest.name, [`--atomicity=${policy}`], file);
          t.is(o.status, r.exit, story(o));
          t.is(o.stdout, r.stdout, story(o));
          const { findings } = JSON.parse(readFileSync(file, 'utf8')) as { findings: { kind: string }[] };
          t.deepEqual(findings.map((f) => f.kind).sort(), [...r.capcheck!].sort(), story(o));
          for (const told of STORIES[guest.name] ?? []) t.regex(o.stderr, told);
        }
      });
    }
  }
}

test('every kind of error has a guest that makes it', (t) => {
  for (const name of Object.keys(STORIES))
    t.true(
      guests.some((g) => g.name === name),
      name,
    );
});

test('an overmap that is meant', async (t) => {
  const o = await check('cc-overmap', ['-q', '--allow-overmap=put_sec*']);
  t.notRegex(o.stderr, /overmapped/, story(o));
  const other = await check('cc-overmap', ['-q', '--allow-overmap=put_fir']);
  t.regex(other.stderr, /overmapped/, story(other));
});

test('suppressions that it prints hide what it found', async (t) => {
  const o = await check('cc-overmap', ['--gen-suppressions=all']);
  t.regex(o.stderr, /CapCheck:Overmap/, story(o));
  const text = /^\{[\s\S]*?^\}$/m.exec(o.stderr)![0];
  const file = join(folder, 'cc.supp');
  writeFileSync(file, `${text}\n`);
  const again = await check('cc-overmap', [`--suppressions=${file}`]);
  t.regex(again.stderr, /0 errors from 0 contexts \(suppressed: 1 from 1\)/, story(again));
});

test('SIGUSR1 asks for the leaks of a program that runs on', async (t) => {
  const o = await turns.take(() =>
    capgrind(['--tool=capcheck', join(BIN, 'l4/cc-signal'), '600'], {
      timeoutMs: 150_000,
      started: (child) => {
        // Asked once it has left the slot behind, ended once the answer is there.
        child.stdout.once('data', () => child.kill('SIGUSR1'));
        let seen = '';
        let ended = false;
        child.stderr.on('data', (text) => {
          seen += String(text);
          if (!ended && seen.includes('in use now')) ended = child.kill('SIGTERM');
        });
      },
    }),
  );
  const [before, after] = o.stderr.split('in use now: 1 slot, 1 of them full');
  t.regex(before!, /1 capability slot \(0x\w+\) allocated here was never freed[\s\S]*keeps/, story(o));
  t.regex(after ?? '', /in use at exit: 1 slot, 1 of them full/, story(o));
  t.false(o.timedOut, story(o));
});

test('--leak-check=no leaves errors alone', async (t) => {
  const o = await check('cc-leak', ['--leak-check=no']);
  t.regex(o.stderr, /ERROR SUMMARY: 0 errors/, story(o));
  t.regex(o.stderr, /in use at exit: 4 slots, 2 of them full/, story(o));
});

test('--cap-graph writes a page and DOT', async (t) => {
  const file = join(folder, 'map.html');
  const o = await check('cc-leak', ['-q', `--cap-graph=${file}`]);
  t.true(existsSync(file), story(o));
  const dot = readFileSync(join(folder, 'map.dot'), 'utf8');
  t.regex(dot, /label="0x20 WSRD"/);
  t.regex(dot, /label="0x22 empty", style=dashed/);
  t.regex(readFileSync(file, 'utf8'), /semaphore #\d+/);
});

test('--trace-ipc: lines at the end, a file, a page', async (t) => {
  const o = await check('cc-armed', ['--trace-ipc']);
  t.regex(o.stderr, /> 1 call cap 0x23: message\(\) items \[slot 0x24 WSR\]/, story(o));
  t.regex(o.stderr, /< 2 received from 0x3: message\(\) items \[capability mapped\]/, story(o));
  const text = join(folder, 'ipc.txt');
  await check('cc-protocol', ['-q', `--trace-ipc=${text}`]);
  t.regex(readFileSync(text, 'utf8'), /< 1 -39 EBADPROTO/);
  const page = join(folder, 'ipc.html');
  await check('cc-armed', ['-q', `--trace-ipc=${page}`]);
  t.regex(readFileSync(page, 'utf8'), /<g class="request"><title>[\d.]+ ms {2}message\(\)/);
});
