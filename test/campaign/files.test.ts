/** What a campaign writes for other programs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Ended, Plan } from '../../src/campaign/campaign.js';
import { campaignJson, type Presentation } from '../../src/campaign/json.js';
import { campaignJunit } from '../../src/campaign/junit.js';
import type { StoredRun } from '../../src/campaign/store.js';
import { summarise } from '../../src/campaign/summary.js';
import { ROOT } from '../support/capgrind.js';
import { schemaErrors } from '../support/json-schema.js';
import { parseXml, type XmlElement } from '../support/xml.js';
import { run, shard } from './runs.js';

const NASTY = 'a "b" <c> & \u0000 \ud800 \n ]]> é';
const OUT = '0123456789abcdef';
const race = { kind: 'Race', context: '1', at: NASTY };

const plan: Plan = {
  key: '0'.repeat(32),
  title: `capgrind stress ${NASTY}`,
  firstSeed: 1,
  runs: 6,
  afresh: false,
  expected: 'same',
  stopAfter: 0,
  shardOf: (seed) => shard(seed),
};
const runs: StoredRun[] = [
  run(1, { output: OUT }),
  run(2, { output: OUT, status: 3 }),
  run(3, { output: OUT, end: 'crash', message: NASTY }),
  run(4, { output: OUT, findings: [race], interleaving: 'ab', blocks: 7 }),
  run(5, { output: OUT.replace('0', 'f') }),
];
const ended: Ended = { runs, summary: summarise(runs, 'same'), resumed: 0, refusal: null };
const show: Presentation = {
  replay: (seed) => `capgrind --seed=${seed} '${NASTY}'`,
  evidence: (seed) => (seed === 2 ? '/tmp/seed-2' : null),
  version: '0.1.0',
  program: 'prog.elf',
};

test('JSON follows its schema and says what happened', (t) => {
  const schema = JSON.parse(readFileSync(join(ROOT, 'docs/stress.schema.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  const json = JSON.parse(campaignJson(plan, ended, show)) as {
    failures: { firstSeed: number; kind: string; replay: string }[];
    runs: { seed: number; failure: string | null }[];
    complete: boolean;
  };
  t.deepEqual(schemaErrors(json, schema), []);
  t.false(json.complete);
  t.deepEqual(
    json.failures.map((f) => [f.firstSeed, f.kind]),
    [
      [2, 'exit'],
      [3, 'crash'],
      [4, 'findings'],
      [5, 'output'],
    ],
  );
  t.is(json.failures[0]!.replay, show.replay(2));
  t.is(json.runs[0]!.failure, null);
  t.not(json.runs[4]!.failure, null);
});

test('the schema is not satisfied by anything', (t) => {
  const schema = JSON.parse(readFileSync(join(ROOT, 'docs/stress.schema.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  const json = JSON.parse(campaignJson(plan, ended, show)) as Record<string, unknown>;
  t.not(schemaErrors({ ...json, done: -1 }, schema).length, 0);
  t.not(schemaErrors({ ...json, extra: 1 }, schema).length, 0);
  t.not(schemaErrors({ ...json, runs: [{}] }, schema).length, 0);
});

/** Order of children, required attributes and types of the format that Ant writes, as its public schema has them. */
function antErrors(suite: XmlElement): string[] {
  const wrong: string[] = [];
  const wants = (e: XmlElement, name: string, form: RegExp): void => {
    if (!form.test(e.attributes[name] ?? '')) wrong.push(`${e.name} ${name}=${e.attributes[name]}`);
  };
  const whole = /^\d+$/;
  const decimal = /^\d+(\.\d+)?$/;
  const token = /^\S+( \S+)*$/;
  for (const [name, form] of [
    ['name', token],
    ['package', token],
    ['hostname', token],
    ['id', whole],
    ['tests', whole],
    ['failures', whole],
    ['errors', whole],
    ['time', decimal],
    ['timestamp', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/],
  ] as const) {
    wants(suite, name, form);
  }
  const order = suite.children.map((c) => c.name).join(' ');
  if (!/^properties( testcase)* system-out system-err$/.test(order)) wrong.push(order);
  for (const c of suite.children.filter((e) => e.name === 'testcase')) {
    wants(c, 'name', token);
    wants(c, 'classname', token);
    wants(c, 'time', decimal);
    if (c.children.length > 1) wrong.push('two verdicts');
    for (const verdict of c.children) {
      if (!/^(failure|error)$/.test(verdict.name)) wrong.push(verdict.name);
      wants(verdict, 'type', /./);
    }
  }
  return wrong;
}

test('JUnit is well-formed, of the form that CI servers read, and counts right', (t) => {
  const root = parseXml(campaignJunit(plan, ended, show, new Date('2026-01-02T03:04:05Z')));
  t.is(root.name, 'testsuites');
  const [suite] = root.children as [XmlElement];
  t.deepEqual(antErrors(suite), []);
  t.like(suite.attributes, { tests: '5', failures: '3', errors: '1', timestamp: '2026-01-02T03:04:05' });
  const cases = suite.children.filter((c) => c.name === 'testcase');
  t.deepEqual(
    cases.map((c) => [c.attributes['name'], c.children[0]?.name, c.children[0]?.attributes['type']]),
    [
      ['seed 1', undefined, undefined],
      ['seed 2', 'failure', 'exit'],
      ['seed 3', 'error', 'crash'],
      ['seed 4', 'failure', 'findings'],
      ['seed 5', 'failure', 'output'],
    ],
  );
  t.true(cases[1]!.children[0]!.text.includes('output and report: /tmp/seed-2\nreplay: capgrind --seed=2'));
  const odd = cases[2]!.children[0]!.attributes['message']!;
  t.true(odd.includes('a "b" <c> & \ufffd \ufffd \n ]]> é'), odd);
  t.regex(suite.children.at(-2)!.text, /^1 of 6 seeds were not run$/);
});
