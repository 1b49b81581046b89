/** Turns findings into the records that reports are made from, and writes the summary at the end. */
import { aux, type FoundError, type Part, stack, what } from '../errors.js';
import type { Finding } from './findings.js';
import { plural } from './findings.js';
import type { LeakSummary } from './leaks.js';

/** Program counters of an interned stack trace, innermost first. */
export type Expand = (trace: number) => readonly number[];

/** The record of a finding that happened in the thread at `ts`. */
export function errorOf(finding: Finding, ts: number, expand: Expand): FoundError {
  return {
    kind: finding.kind,
    ts,
    pcs: expand(finding.what.trace),
    describe: () => {
      const parts: Part[] = [what(finding.what.text), stack(expand(finding.what.trace))];
      for (const note of finding.notes) {
        parts.push(aux(note.text));
        if (note.trace !== 0) parts.push(stack(expand(note.trace)));
      }
      return { parts };
    },
  };
}

/** The summary's lines. `when`: the moment that it is of. */
export function summaryLines(leaks: LeakSummary, when: 'at exit' | 'now' = 'at exit'): string[] {
  const lines = [
    'CAPABILITY SUMMARY:',
    `    in use ${when}: ${plural(leaks.inUse, 'slot')}, ${leaks.full} of them full`,
    `  total slot usage: ${plural(leaks.allocs, 'alloc')}, ${plural(leaks.frees, 'free')}`,
  ];
  if (leaks.inUse === 0 && leaks.findings.length === 0) {
    lines.push('', 'All capability slots were freed -- no leaks are possible');
  }
  return [...lines, ''];
}
