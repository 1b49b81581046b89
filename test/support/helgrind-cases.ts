/** The guests of helgrind.json, run under helgrind and judged by what is expected of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN, capgrind, GUESTS, type Outcome, SYSROOT } from './capgrind.js';

/** One expected finding: an error with all of these regular expressions among its lines. */
export interface Finding {
  readonly match: readonly string[];
  /** How many distinct errors may be of this kind, 1 and 1 unless given. */
  readonly least?: number;
  readonly most?: number;
}

export const POLICIES = ['parallel', 'serial'] as const;
export type Policy = (typeof POLICIES)[number];

export interface HelgrindCase {
  readonly guest: string;
  /** Options besides --tool. */
  readonly options?: readonly string[];
  /** Policy of runs that take one only; by its place in the list unless given. */
  readonly usual?: Policy;
  /** Exit status, 0 unless given. */
  readonly exit?: number;
  /** What it prints on standard output, as a regular expression: its name and `done` or so unless given. */
  readonly prints?: string;
  /** Lines that its report must have besides errors, as regular expressions. */
  readonly says?: readonly string[];
  readonly findings: readonly Finding[];
  /** First lines of what Valgrind's helgrind reports for the same program. */
  readonly valgrind: readonly string[];
  /** Why Valgrind's findings are others, where they are. */
  readonly difference?: string;
  /** Who is right then: ours, theirs, or a matter of taste. */
  readonly right?: 'ours' | 'theirs' | 'taste';
}

export function helgrindCases(): readonly HelgrindCase[] {
  const text = readFileSync(join(GUESTS, 'helgrind.json'), 'utf8');
  return (JSON.parse(text) as { cases: HelgrindCase[] }).cases;
}

/** Name of a case: of the guest, and the options that make it another case. */
export const titleOf = (c: HelgrindCase): string => [c.guest, ...(c.options ?? [])].join(' ');

/** Runs a case once. */
export function runCase(c: HelgrindCase, policy: Policy, timeoutMs = 240_000): Promise<Outcome> {
  const options = ['--tool=helgrind', `--sysroot=${SYSROOT}`, `--atomicity=${policy}`, ...(c.options ?? [])];
  return capgrind([...options, join(BIN, c.guest)], { timeoutMs });
}

/** The errors of a report, each as its lines. A separator begins each of them; announcements come before it. */
export function errorsOf(stderr: string): string[] {
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

/** What is wrong with a run; empty when every error reported was expected, and every expected one came. */
export function problemsOf(c: HelgrindCase, o: Outcome): string[] {
  const found = errorsOf(o.stderr);
  const problems: string[] = [];
  const open = new Set(found);
  for (const f of c.findings) {
    const hits = found.filter((e) => f.match.every((m) => new RegExp(m, 'm').test(e)));
    for (const h of hits) open.delete(h);
    if (hits.length < (f.least ?? 1) || hits.length > (f.most ?? Math.max(1, f.least ?? 1)))
      problems.push(`${hits.length} errors like ${f.match.join(' & ')}`);
  }
  for (const e of open) problems.push(`unexpected: ${e.split('\n').find((l) => l !== '') ?? ''}`);
  for (const s of c.says ?? []) if (!new RegExp(s, 'm').test(o.stderr)) problems.push(`no line /${s}/`);
  const prints = c.prints ?? `^${c.guest.replace(/^(hg|races)-/, '')}: `;
  if (!new RegExp(prints, 'm').test(o.stdout)) problems.push(`stdout is not /${prints}/`);
  if (o.status !== (c.exit ?? 0)) problems.push(`exit status is not ${c.exit ?? 0}`);
  return problems;
}
