/** Region managers of the guest's own, on whole runs: who resolves faults, and what happens to whoever waits for one. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BIN, capgrind, type Outcome, ROOT, SCRATCH, story, TEST_ALL, Turns } from '../support/capgrind.js';

/** Runs are short; a loaded machine may let them wait. */
const LONG = 600_000;

const turns = new Turns(2);
const folder = mkdtempSync(join(SCRATCH, 'region-manager-'));
let files = 0;

function run(guest: string, mode: string, options: readonly string[], manager = 'guest'): Promise<Outcome> {
  const all = ['--tool=none', ...options, `--region-manager=${manager}`, join(BIN, guest)];
  const args = guest === 'region-manager' ? [join(folder, `${files++}`), mode] : [];
  return turns.take(() =>
    capgrind([...all, ...args], { env: { CAPGRIND_LOCK_CHECK: '1' }, timeoutMs: 300_000 }),
  );
}

const PROTOCOL = 'protocol: ok\nsame memory: ok\ndetached: ok\n';
const SECTIONS = 'touch: ok\nreaders: ok\nsystem calls: ok\nend: ok\n';

function ends(t: ExecutionContext, o: Outcome, how: number | NodeJS.Signals, stdout: string): void {
  t.is(o.signal ?? o.status, how, story(o));
  t.is(o.stdout, stdout, story(o));
}

const usual = ['--atomicity=serial'];
const policies = TEST_ALL ? [[], usual, ['--schedule=random', '--seed=1']] : [[]];
for (const policy of policies) {
  const how = policy.join(' ') || 'parallel';

  test(`${how}: the manager is asked with guest, and never with virtual`, async (t) => {
    t.timeout(LONG);
    ends(t, await run('region-manager', 'count', policy), 0, `${SECTIONS}asked\n`);
    ends(t, await run('region-manager', 'count', policy, 'virtual'), 0, `${SECTIONS}never asked\n`);
  });

  test(`${how}: a manager that runs in the middle of a block breaks it`, async (t) => {
    t.timeout(LONG);
    ends(t, await run('broken-block', '', policy), 0, '8 blocks, 8 of them broken into\n');
    ends(t, await run('broken-block', '', policy, 'virtual'), 0, '8 blocks, 0 of them broken into\n');
    ends(t, await run('l4/own-rm', '', policy), 0, `${PROTOCOL}8 blocks, 8 of them broken into\n`);
    ends(t, await run('l4/own-rm', '', policy, 'virtual'), 0, `${PROTOCOL}8 blocks, 0 of them broken into\n`);
  });
}

test('with restart the block is undone before the manager is asked', async (t) => {
  t.timeout(LONG);
  const restart = [`--tool=${join(ROOT, 'dist/test/tools/shadow-copy.js')}`, '--atomicity=restart'];
  ends(t, await run('broken-block', '', restart), 0, '8 blocks, 0 of them broken into\n');
  ends(t, await run('l4/own-rm', '', restart), 0, `${PROTOCOL}8 blocks, 0 of them broken into\n`);
  const unsafe = [restart[0]!, '--atomicity=unsafe'];
  ends(t, await run('broken-block', '', unsafe), 0, '8 blocks, 8 of them broken into\n');
});

test('the audit names the block that a manager broke into', async (t) => {
  t.timeout(LONG);
  const audit = (policy: string): string[] => ['--audit-atomicity=yes', `--atomicity=${policy}`];
  const linux = await run('broken-block', '', audit('unsafe'));
  t.regex(linux.stderr, /8 in the block at 0x[0-9A-F]+: block \(broken-block\.c/, story(linux));
  const l4 = await run('l4/own-rm', '', audit('unsafe'));
  t.regex(l4.stderr, /[1-8] in the block at 0x[0-9A-F]+: block \(own-rm\.c/, story(l4));
  for (const guest of ['broken-block', 'l4/own-rm']) {
    const whole = await run(guest, '', audit('restart'));
    t.regex(whole.stderr, /block-atomicity violations: 0/, story(whole));
  }
  const virtual = await run('l4/own-rm', '', audit('unsafe'), 'virtual');
  t.notRegex(virtual.stderr, /block \(own-rm\.c/, story(virtual));
});

test('a signal reaches a thread that waits for its manager, which it then asks again', async (t) => {
  t.timeout(LONG);
  ends(t, await run('region-manager', 'signal', usual), 0, SECTIONS);
});

test('the end of the process is not kept up by a fault that nobody answers', async (t) => {
  t.timeout(LONG);
  for (const mode of ['hangs', 'keeps']) ends(t, await run('region-manager', mode, []), 7, `${mode}: over\n`);
});

test('a fault that the manager refuses is SIGSEGV', async (t) => {
  t.timeout(LONG);
  const o = await run('region-manager', 'refused', []);
  ends(t, o, 'SIGSEGV', '');
  t.regex(o.stderr, /signal 11 \(SIGSEGV\)[\s\S]*at 0x[0-9A-F]+: guest \(region-manager\.c/);
});

test('a manager that has ended is named, and its faults are SIGSEGV', async (t) => {
  t.timeout(LONG);
  const o = await run('region-manager', 'ends', []);
  ends(t, o, 'SIGSEGV', '');
  t.regex(
    o.stderr,
    /the region manager of 0x[0-9a-f]+-0x[0-9a-f]+ \(thread \d+\) has ended: nobody resolves/,
  );
});

test('all threads waiting for each other in this way is a deadlock', async (t) => {
  t.timeout(LONG);
  const o = await run('region-manager', 'stuck', []);
  t.regex(o.stderr, /Deadlock: all 2 threads wait/, story(o));
  t.regex(
    o.stderr,
    /Thread #1 .* waits for the region manager of address 0x[0-9A-F]+\n[\s\S]*guest \(region-manager/,
  );
  t.regex(o.stderr, /Thread #2 .* waits for faults that it manages\n[\s\S]*manage \(region-manager/);
});
