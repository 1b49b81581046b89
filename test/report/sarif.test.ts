/** SARIF: what its schema requires, checked by hand-written rules, and what a viewer shows. */
import test from 'ava';
import type { CountedError } from '../../src/report/lists.js';
import { type SarifRun, sarifLog } from '../../src/report/sarif.js';
import { frame, frames, OPTIONS, reported } from './frames.js';
import { checkSarif } from './sarif-check.js';

const race = (unique: number, more: Partial<CountedError> = {}): CountedError => ({
  unique,
  count: 3,
  last: 1,
  suppressedBy: null,
  error: reported({
    unique,
    tool: 'Helgrind',
    same: '8 w',
    frames: [frame('memcpy@/lib/c.so', 0x3ff7000000), frame('_ZN1A1fEv@/p@a b.c:7')],
    parts: [
      { part: 'line', text: '----' },
      { part: 'what', text: 'Possible data race' },
      { part: 'line', text: 'Locks held: none' },
      { part: 'stack', frames: [frame('memcpy@/lib/c.so', 0x3ff7000000), frame('_ZN1A1fEv@/p@a b.c:7')] },
      { part: 'aux', text: 'This conflicts' },
      { part: 'stack', frames: frames('@@') },
      { part: 'aux', text: 'only there', only: 'xml' },
    ],
  }),
  ...more,
});

const run = (errors: CountedError[], more: Partial<SarifRun> = {}): SarifRun => ({
  version: '0.1.0',
  title: 'Helgrind, a thread error detector',
  program: '/tmp/p',
  args: ['<&>'],
  status: 3,
  signal: null,
  errors,
  ...more,
});

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes
type Any = any;

test('a log with everything the schema requires', (t) => {
  const log = sarifLog(run([race(1), race(2, { suppressedBy: 'mine' }), race(3, { error: null })]), OPTIONS);
  t.deepEqual(checkSarif(JSON.parse(JSON.stringify(log))), []);
});

test('a result: rule, text, place with a source line, stacks with what they are, count', (t) => {
  const log = sarifLog(run([race(1)]), OPTIONS) as Any;
  const [r] = log.runs[0].results;
  t.is(r.ruleId, 'Helgrind:Race');
  t.is(log.runs[0].tool.driver.rules[r.ruleIndex].id, 'Helgrind:Race');
  t.is(r.message.text, 'Possible data race\nThis conflicts');
  t.is(r.occurrenceCount, 3);
  const at = r.locations[0];
  t.is(at.physicalLocation.artifactLocation.uri, 'file:///src/a%20b.c');
  t.is(at.physicalLocation.region.startLine, 7);
  t.is(at.logicalLocations[0].fullyQualifiedName, 'A::f()');
  t.deepEqual(
    r.stacks.map((s: Any) => [s.message.text, s.frames.length]),
    [
      ['Possible data race', 2],
      ['This conflicts', 1],
    ],
  );
  t.is(r.stacks[0].frames[0].module, '/lib/c.so');
  t.is(r.stacks[0].frames[0].location.physicalLocation.address.absoluteAddress, 0x3ff7000000);
  t.is(r.suppressions, undefined);
});

test('the fingerprint follows names and lines, not addresses', (t) => {
  const print = (e: CountedError): string =>
    Object.values((sarifLog(run([e]), OPTIONS) as Any).runs[0].results[0].partialFingerprints)[0] as string;
  const moved = race(9);
  const other = race(9);
  const shift = (e: CountedError, pc: number, line: number): CountedError => ({
    ...e,
    error: {
      ...e.error!,
      frames: e.error!.frames.map((f) => ({ ...f, pc: f.pc + pc, line: f.line + line })),
    },
  });
  t.is(print(shift(moved, 64, 0)), print(race(1)));
  t.not(print(shift(other, 0, 1)), print(race(1)));
});

test('how the program ended, and what was suppressed by whom', (t) => {
  const log = sarifLog(run([race(1, { suppressedBy: 'mine' })], { signal: 'SIGSEGV' }), OPTIONS) as Any;
  t.like(log.runs[0].invocations[0], { executionSuccessful: false, exitSignalName: 'SIGSEGV', exitCode: 3 });
  t.deepEqual(log.runs[0].results[0].suppressions, [{ kind: 'external', justification: 'mine' }]);
});

test('the check notices what is missing or wrong', (t) => {
  const good = JSON.stringify(sarifLog(run([race(1)]), OPTIONS));
  t.deepEqual(checkSarif(JSON.parse(good)), []);
  for (const [from, to] of [
    ['"2.1.0"', '"2.0.0"'],
    ['"ruleIndex":0', '"ruleIndex":1'],
    ['"level":"error"', '"level":"bad"'],
    ['"startLine":7', '"startLine":0'],
    ['"occurrenceCount":3', '"occurrences":3'],
    ['file:///src/a%20b.c', 'file:///src/a b.c'],
    ['"name":"capgrind"', '"nom":"capgrind"'],
  ] as const) {
    t.true(good.includes(from), from);
    t.not(checkSarif(JSON.parse(good.replace(from, to))).length, 0, from);
  }
});
