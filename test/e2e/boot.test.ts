/** `capgrind boot`: sigma0 and a root task of ours from a modules.list, several tasks at once, and what can be wrong with it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { BIN, capgrind, story, TEST_ALL, Turns } from '../support/capgrind.js';

const turns = new Turns(2);
const dir = mkdtempSync(join(tmpdir(), 'capgrind-boot-'));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));

/** Random calls, and how long they may take. */
const CALLS = TEST_ALL ? 1_000_000 : 20_000;
const FUZZ_MS = TEST_ALL ? 1_500_000 : 150_000;

const LIST = join(dir, 'modules.list');
writeFileSync(
  LIST,
  `searchpath ${join(BIN, 'l4')}
entry own
sigma0 boot-sigma0
roottask boot-root with arguments
module text.txt and more

entry random
sigma0 boot-sigma0
roottask boot-fuzz ${CALLS} 1

entry gone
sigma0 boot-sigma0
roottask boot-root
module not-there

entry same
sigma0 boot-root
roottask boot-root

entry text
sigma0 text.txt
roottask boot-root
`,
);
writeFileSync(join(dir, 'text.txt'), 'text of a module\n');

const OUTPUT = `sigma0: memory from 41102000 to 50000000
root task
memory: ok
kernel info page: ok
a gate of sigma0: ok
1 fiasco
2 boot-sigma0
3 boot-root with arguments
0 text.txt and more
text of a module
modules: ok
task 2: got 20
task 3: got 30
other tasks: ok
gone: ok
root task: done
`;
/** The order of the other tasks' lines is theirs. */
const sorted = (text: string): string => text.split('\n').sort().join('\n');

const boot = (entry: string, options: readonly string[], timeoutMs = 150_000) =>
  turns.take(() =>
    capgrind(['boot', `--modules-list=${LIST}`, `--entry=${entry}`, ...options], {
      env: { CAPGRIND_LOCK_CHECK: '1' },
      timeoutMs,
    }),
  );

for (const options of [
  ['--tool=none', '--atomicity=parallel'],
  ['--tool=none', '--atomicity=serial'],
  ['--tool=none', '--schedule=random', '--seed=7'],
  ['--tool=lackey'],
]) {
  test(`two tasks besides sigma0 and the root task: ${options.join(' ')}`, async (t) => {
    const o = await boot('own', ['-q', ...options]);
    t.is(sorted(o.stdout), sorted(OUTPUT), story(o));
    t.is(o.status, 0, story(o));
    if (options.includes('--tool=none')) t.is(o.stderr, '', story(o));
  });
}

for (const policy of ['parallel', 'serial']) {
  test(`${CALLS} random calls of two tasks: ${policy}`, async (t) => {
    t.timeout(FUZZ_MS + 60_000);
    const o = await boot('random', ['-q', '--tool=none', `--atomicity=${policy}`], FUZZ_MS);
    const [first, ...others] = o.stdout.split('\n');
    t.regex(first!, /^sigma0: /, story(o));
    t.deepEqual(others, ['random calls: ok', 'in order afterwards: ok', 'done', ''], story(o));
    t.is(o.status, 0, story(o));
    // A task that lost its pager ends with a remark.
    t.is(o.stderr.replaceAll(/^==\d+== thread \d+ has no pager .*\n/gm, ''), '', story(o));
  });
}

const WRONG: readonly [string[], number, RegExp][] = [
  [['--entry=none'], 1, /modules\.list: no entry 'none' \(it has own, random, gone, same, text\)\n$/],
  [['--entry=gone'], 1, /modules\.list:14: not-there is in none of .*\n$/],
  [['--entry=same'], 1, /the root task and sigma0 lie in the same place, 0x40200000\n$/],
  [['--entry=text'], 1, /text\.txt: not an ELF file\n$/],
  [['--entry=own', '--memory=16'], 1, /--memory\)\n$/],
  [['--entry=own', '--memory=few'], 1, /Bad option: --memory=few/],
  [['--entry=own', 'program'], 1, /boot takes no program: program/],
  [[], 1, /boot needs --entry/],
];
for (const [options, status, message] of WRONG) {
  test(`one line for people: ${options.join(' ')}`, async (t) => {
    const o = await turns.take(() => capgrind(['boot', `--modules-list=${LIST}`, ...options]));
    t.is(o.status, status, story(o));
    t.regex(o.stderr, message);
    t.regex(o.stderr, /^capgrind: /);
    t.is(o.stdout, '');
  });
}
