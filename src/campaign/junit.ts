/** A campaign as JUnit XML: one test case for each seed, in the form that Ant writes and CI servers read. */
import { hostname } from 'node:os';
import type { Ended, Plan } from './campaign.js';
import type { Presentation } from './json.js';
import { type Failure, findingTitle } from './outcome.js';
import type { StoredRun } from './store.js';
import { judgeOf } from './summary.js';

/** @param began when the campaign's command was started */
export function campaignJunit(plan: Plan, ended: Ended, show: Presentation, began: Date): string {
  const { runs, summary } = ended;
  const judge = judgeOf(runs, plan.expected);
  const crashed = runs.filter((r) => r.outcome.end === 'crash').length;
  const missing = plan.runs - runs.length;
  const seconds = runs.reduce((sum, r) => sum + r.milliseconds, 0) / 1000;
  const suite = attributes({
    name: `capgrind stress ${show.program}`,
    package: 'capgrind.stress',
    id: 0,
    tests: runs.length,
    // In this format a failure is the test's verdict, an error is trouble with the test itself.
    failures: summary.failed - crashed,
    errors: crashed,
    time: seconds.toFixed(3),
    timestamp: began.toISOString().slice(0, 19),
    hostname: hostname() || 'localhost',
  });
  const cases = runs.map((run) => testCase(run, show, judge(run.outcome)));
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite ${suite}>`,
    '    <properties>',
    `      <property ${attributes({ name: 'command', value: plan.title })}/>`,
    `      <property ${attributes({ name: 'campaign', value: plan.key })}/>`,
    `      <property ${attributes({ name: 'seeds', value: `${plan.firstSeed}..${plan.firstSeed + plan.runs - 1}` })}/>`,
    '    </properties>',
    ...cases,
    `    <system-out>${text(missing > 0 ? `${missing} of ${plan.runs} seeds were not run` : '')}</system-out>`,
    '    <system-err></system-err>',
    '  </testsuite>',
    '</testsuites>',
  ].join('\n')}\n`;
}

function testCase(run: StoredRun, show: Presentation, failure: Failure | null): string {
  const own = attributes({
    name: `seed ${run.seed}`,
    classname: `stress.${show.program.replaceAll('.', '_')}`,
    time: (run.milliseconds / 1000).toFixed(3),
  });
  if (!failure) return `    <testcase ${own}/>`;
  const tag = run.outcome.end === 'crash' ? 'error' : 'failure';
  const lines = [failure.title, ...run.outcome.findings.map(findingTitle)];
  const evidence = show.evidence(run.seed);
  if (evidence !== null) lines.push(`output and report: ${evidence}`);
  lines.push(`replay: ${show.replay(run.seed)}`);
  const why = attributes({ message: failure.title, type: failure.kind });
  return [
    `    <testcase ${own}>`,
    `      <${tag} ${why}>${text(lines.join('\n'))}</${tag}>`,
    '    </testcase>',
  ].join('\n');
}

function attributes(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([name, v]) => `${name}="${text(String(v)).replaceAll('"', '&quot;').replaceAll('\n', '&#10;')}"`)
    .join(' ');
}

/** Text for XML; what XML 1.0 has no place for becomes U+FFFD. */
function text(raw: string): string {
  return raw
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
