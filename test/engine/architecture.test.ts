/** ARCHITECTURE.md and README.md against what is there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseCommandLine } from '../../src/cli/options.js';
import { lockTreeText } from '../../sync/order.js';
import { ROOT } from '../support/capgrind.js';

const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

test('the lock order shown is the one that is checked', (t) => {
  t.true(read('ARCHITECTURE.md').includes(`\`\`\`\n${lockTreeText()}\`\`\`\n`));
});

test('files that the documents name exist', (t) => {
  for (const name of ['README.md', 'ARCHITECTURE.md', 'docs/writing-a-tool.md', 'CHANGELOG.md']) {
    const paths = [...read(name).matchAll(/`((?:sync|kernel|src|workers|test|docs|scripts)\/[\w./-]+)`/g)];
    for (const [, path] of paths) t.true(existsSync(join(ROOT, path!)), `${name}: ${path}`);
    const links = [...read(name).matchAll(/\]\(([\w./-]+)\)/g)];
    for (const [, path] of links) t.true(existsSync(join(ROOT, path!)), `${name}: ${path}`);
  }
});

test('the options that README explains are options', (t) => {
  const rows = read('README.md').matchAll(/^\| (`-.*?) \|/gm);
  const words = [...rows].flatMap(([, cell]) => [...cell!.matchAll(/`(--?[\w-]+)/g)].map((m) => m[1]!));
  t.true(words.length >= 15);
  for (const word of words) {
    const value =
      (
        {
          '--atomicity': '=serial',
          '--region-manager': '=guest',
          '--os': '=l4',
          '--schedule': '=fair',
          '--record': '=file',
          '--with-itas': '=file',
          '--result': '=file',
          '--max-threads': '=5',
          '--num-callers': '=5',
          '--gen-suppressions': '=all',
          '--sarif': '=file',
          '--sysroot': '=folder',
          '--log-file': '=file',
          '--xml-file': '=file',
          '--suppressions': '=file',
        } as Record<string, string>
      )[word] ?? '';
    const numeric = [
      '--log-fd',
      '--xml-fd',
      '--error-exitcode',
      '--seed',
      '--quantum',
      '--max-blocks',
    ].includes(word)
      ? '=3'
      : value;
    // Some options are for seeded schedules only.
    const seeded = ['--seed', '--record', '--max-blocks'].includes(word) ? ['--schedule=pct'] : [];
    const parsed = parseCommandLine([...seeded, `${word}${numeric}`, 'program'], {});
    // What is no option of the core is taken for one of the tool.
    t.deepEqual(parsed.kind === 'run' ? parsed.options.toolOptions : null, {}, word);
  }
});
