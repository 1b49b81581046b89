/**
 * The guests of helgrind.json: small programs with one bug or one correct idiom each, what must be found in them, and
 * what Valgrind finds. Every error reported has to be one of the expected ones, and every expected one has to come.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  BIN,
  capgrind,
  GUESTS,
  HAS_SYSROOT,
  type Outcome,
  SYSROOT,
  story,
  TEST_ALL,
  Turns,
} from '../support/capgrind.js';

/** One expected finding: an error with all of these regular expressions among its lines. */
interface Finding {
  match: string[];
  /** How many distinct errors may be of this kind, 1 and 1 unless given. */
  least?: number;
  most?: number;
}

interface Case {
  guest: string;
  /** Options besides --tool. */
  options?: string[];
  /** Exit status, 0 unless given. */
  exit?: number;
  /** What it prints on standard output, as a regular expression: its name and `done` or so unless given. */
  prints?: string;
  findings: Finding[];
  /** Left out of the usual run, for the reason given. */
  pending?: string;
  /** First lines of what Valgrind 3.27's helgrind reports for the same source, dynamically linked. */
  valgrind: string[];
  /** Why Valgrind's findings are others, where they are. */
  difference?: string;
  /** Who is right then: ours, theirs, or a matter of taste. */
  right?: 'ours' | 'theirs' | 'taste';
}

const { cases } = JSON.parse(readFileSync(join(GUESTS, 'helgrind.json'), 'utf8')) as { cases: Case[] };
/** CAPGRIND_REPEAT: runs of each case under each policy. */
const REPEAT = Number(process.env['CAPGRIND_REPEAT'] ?? 1);
const POLICIES = ['parallel', 'serial'] as const;
const turns = new Turns(2);

/** The errors of a report, each as its lines. A separator begins each of them; announcements come before it. */
function errors(stderr: string): string[] {
  const text = stderr
    .split('\n')
    .filter((l) => /^==\d+==/.test(l))
    .map((l) => l.replace(/^==\d+== ?/, ''))
    .join('\n');
  return text
    .split(/^-{64}\n/m)
    .slice(1)
    .map((e) => e.split(/^(?:---Thread-Ann|ERROR SUMMARY)/m)[0]!.trim());
}

function check(t: ExecutionContext, c: Case, o: Outcome): void {
  const found = errors(o.stderr);
  const problems: string[] = [];
  const open = new Set(found);
  for (const f of c.findings) {
    const hits = found.filter((e) => f.match.every((m) => new RegExp(m, 'm').test(e)));
    for (const h of hits) open.delete(h);
    if (hits.length < (f.least ?? 1) || hits.length > (f.most ?? Math.max(1, f.least ?? 1)))
      problems.push(`${hits.length} errors like ${f.match.join(' & ')}`);
  }
  for (const e of open) problems.push(`unexpected: ${e.split('\n')[0]}`);
  const prints = c.prints ?? `^${c.guest.replace(/^(hg|races)-/, '')}: `;
  if (!new RegExp(prints).test(o.stdout)) problems.push(`stdout is not /${prints}/`);
  if (o.status !== (c.exit ?? 0)) problems.push(`exit status is not ${c.exit ?? 0}`);
  t.deepEqual(problems, [], story(o));
}

cases.forEach((c, index) => {
  if (!HAS_SYSROOT) return;
  for (const policy of POLICIES) {
    if (!TEST_ALL && REPEAT === 1 && POLICIES[index % 2] !== policy) continue;
    const title = [c.guest, ...(c.options ?? [])].join(' ');
    if (c.pending !== undefined) {
      test.todo(`${title} (${policy}): ${c.pending}`);
      continue;
    }
    test(`${title} (${policy})`, async (t) => {
      t.timeout(1_200_000);
      for (let i = 0; i < REPEAT; i++) {
        const options = ['--tool=helgrind', `--sysroot=${SYSROOT}`, `--atomicity=${policy}`];
        check(
          t,
          c,
          await turns.take(() =>
            capgrind([...options, ...(c.options ?? []), join(BIN, c.guest)], { timeoutMs: 240_000 }),
          ),
        );
      }
    });
  }
});

test('every difference to Valgrind is explained', (t) => {
  for (const c of cases) {
    const ours = c.findings.length;
    t.true(
      c.valgrind.length === 0 ? ours === 0 || c.difference !== undefined : true,
      `${c.guest}: ours only, unexplained`,
    );
    t.true(
      ours === 0 ? c.valgrind.length === 0 || c.difference !== undefined : true,
      `${c.guest}: theirs only, unexplained`,
    );
    t.is(c.difference === undefined, c.right === undefined, c.guest);
  }
});
