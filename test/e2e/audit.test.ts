/** --audit-atomicity: no block is broken into under a sound policy, and some are without one. */
import { join } from 'node:path';
import test from 'ava';
import { BIN, capgrind, SYSROOT, story, TEST_ALL, Turns } from '../support/capgrind.js';
import { guestArgs, guestRuns } from '../support/guest-list.js';

const turns = new Turns(2);
const MIXED = join(BIN, 'mixed');

const audited = (policy: string, ...words: string[]) =>
  turns.take(() =>
    capgrind(['-q', '--tool=none', '--audit-atomicity=yes', `--atomicity=${policy}`, ...words], {
      timeoutMs: 300_000,
    }),
  );

/** The number in the audit's line, -1 without one. */
const violations = (stderr: string): number =>
  Number(/^==\d+== block-atomicity violations: (\d+)$/m.exec(stderr)?.[1] ?? -1);

for (const policy of ['serial', 'restart']) {
  test(`${policy}: nobody breaks into a block`, async (t) => {
    t.timeout(600_000);
    const o = await audited(policy, MIXED, TEST_ALL ? '30000' : '3000', '20');
    t.is(o.stdout, 'mixed: ok\n', story(o));
    t.is(violations(o.stderr), 0, story(o));
  });
}

test('unsafe: blocks are broken into, and the report names them', async (t) => {
  t.timeout(600_000);
  for (let ms = 2000; ; ms *= 2) {
    const o = await audited('unsafe', MIXED, String(ms), '100');
    t.is(o.stdout, 'mixed: ok\n', story(o));
    const n = violations(o.stderr);
    if (n === 0 && ms < 60_000) continue;
    t.true(n > 0, story(o));
    const blocks = [...o.stderr.matchAll(/^==\d+== {4}(\d+) in the block at 0x[0-9A-F]+: (.*)$/gm)];
    t.is(
      blocks.reduce((sum, [, count]) => sum + Number(count), 0),
      n,
      story(o),
    );
    t.true(
      blocks.some(([, , where]) => /^relaxed \(mixed\.c:\d+\)$/.test(where!)),
      story(o),
    );
    return;
  }
});

test('a run without the option says nothing of it', async (t) => {
  const o = await capgrind(['--tool=none', join(BIN, 'hello-mini')]);
  t.notRegex(o.stderr, /block-atomicity/);
});

if (TEST_ALL) {
  for (const run of guestRuns()) {
    if (!run.threaded || run.guest === 'mixed') continue;
    for (const policy of ['serial', 'restart']) {
      test(`${run.title} (${policy})`, async (t) => {
        t.timeout(600_000);
        const dynamic = run.dynamic ? [`--sysroot=${SYSROOT}`] : [];
        const o = await audited(policy, ...dynamic, run.program, ...guestArgs(run));
        t.is(violations(o.stderr), 0, story(o));
      });
    }
  }
}
