/** The example tool of docs/writing-a-tool.md, run as its reader would run it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capgrind, ROOT, SCRATCH, story } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';

const TOOL = '--tool=dist/test/tools/calls.js';
const RACE_COUNTER = 'test/guests/bin/race-counter';

/** The tool's own lines of a report. */
const counts = (stderr: string): string[] =>
  stderr
    .split('\n')
    .map((l) => /^==\d+== (\w+: \d+)$/.exec(l)?.[1])
    .filter((l) => l !== undefined);

// race-counter: main makes two threads, each runs its own worker once, and both workers call count().
usual('counts are summed over all threads', async (t) => {
  const o = await capgrind([TOOL, '--fn=main,count,first_worker,second_worker,absent', RACE_COUNTER], {
    cwd: ROOT,
  });
  t.is(o.status, 0, story(o));
  t.deepEqual(
    counts(o.stderr),
    ['main: 1', 'count: 2', 'first_worker: 1', 'second_worker: 1', 'absent: 0'],
    story(o),
  );
  t.regex(o.stderr, /^==\d+== Calls, which counts calls$/m);
});

more('the option has its default, the program its output, and serial gives the same', async (t) => {
  const o = await capgrind([TOOL, '--atomicity=serial', RACE_COUNTER], { cwd: ROOT });
  t.deepEqual(counts(o.stderr), ['main: 1'], story(o));
  t.is(o.stdout, 'race-counter: locked = 2000, racy is between 2 and 2000\n');
});

usual('an option that the tool does not have is refused', async (t) => {
  const o = await capgrind([TOOL, '--functions=main', RACE_COUNTER], { cwd: ROOT });
  t.is(o.status, 1, story(o));
  t.regex(o.stderr, /Unknown option: --functions/);
});

usual('a tool that does not say otherwise needs atomic blocks, which parallel does not give', async (t) => {
  const path = join(SCRATCH, 'plain.mjs');
  writeFileSync(path, "export default { name: 'plain', create: () => ({}) };\n");
  const program = join(ROOT, RACE_COUNTER);
  const o = await capgrind([`--tool=${path}`, '--atomicity=parallel', program]);
  t.is(o.status, 1, story(o));
  t.regex(o.stderr, /--tool=plain needs block atomicity/);
  t.is(o.stdout, '');
});

usual('a total order is what serial alone gives; restart gives atomic blocks', async (t) => {
  const program = join(ROOT, 'test/guests/bin/hello-mini');
  for (const [atomicity, fine] of [
    ['total', false],
    ['block', true],
  ] as const) {
    const path = join(SCRATCH, `${atomicity}.mjs`);
    writeFileSync(path, `export default { name: 'it', atomicity: '${atomicity}', create: () => ({}) };\n`);
    const o = await capgrind(['-q', `--tool=${path}`, '--atomicity=restart', program]);
    t.is(o.status, fine ? 0 : 1, story(o));
    if (!fine)
      t.regex(o.stderr, /needs total atomicity, which --atomicity=restart does not give; use serial$/m);
  }
});

usual('the walk-through shows the tool as it is', (t) => {
  const text = readFileSync(join(ROOT, 'docs/writing-a-tool.md'), 'utf8');
  const shown = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((m) => m[1]!);
  t.true(shown.length >= 4);
  const source = readFileSync(join(ROOT, 'test/tools/calls.ts'), 'utf8');
  for (const part of shown) t.true(source.includes(part), part);
});
