/** What CapCheck writes: records of errors, the summary, the report at intervals, the capability map. */
import test from 'ava';
import { capGraph, dot, html } from '../../../src/tools/capcheck/graph.js';
import { intervalLines } from '../../../src/tools/capcheck/interval.js';
import { leakCheck } from '../../../src/tools/capcheck/leaks.js';
import { CapModel, ThreadView } from '../../../src/tools/capcheck/model.js';
import { errorOf, summaryLines } from '../../../src/tools/capcheck/report.js';
import { CapTables, TABLE_WORDS } from '../../../src/tools/capcheck/tables.js';

function example(): CapModel {
  const model = new CapModel(new CapTables(new Int32Array(TABLE_WORDS), 0));
  const thread = new ThreadView(1);
  model.taskCreated(1, 'a <b>');
  model.threadBound(1, 1);
  model.objectCreated(7, 'gate', 11);
  model.allocated(thread, 1, 32, 10);
  const fill = { by: 1, receiver: 1, task: 1, kind: 'gate', weak: false } as const;
  model.filled({ ...fill, slot: 32, object: 7, rights: 15, cause: 'create' }, 1, 11);
  model.allocated(thread, 1, 33, 10);
  model.filled({ ...fill, slot: 33, object: 7, rights: 4, cause: 'map' }, 1, 12);
  model.freeing(1, 33, 13);
  model.allocated(thread, 1, 34, 14);
  return model;
}

test('a record has the sentence, its stack, and further stacks', (t) => {
  const model = example();
  const [finding] = model.freed(1, 33, 13);
  const error = errorOf(finding!, 4096, (trace) => [trace * 16]);
  t.is(error.kind, 'FreedFull');
  t.is(error.ts, 4096);
  t.deepEqual(error.pcs, [208]);
  t.deepEqual(
    error.describe().parts.map((p) => (p.part === 'stack' ? p.pcs : p.part === 'line' ? '' : p.text)),
    [
      'Capability slot 0x21 is freed although it still holds gate #7',
      [208],
      'Gate #7 was mapped there',
      [192],
      'The slot was freed',
      [208],
      'The slot was allocated',
      [160],
    ],
  );
});

test('the summary', (t) => {
  t.deepEqual(summaryLines(leakCheck(example())), [
    'CAPABILITY SUMMARY:',
    '    in use at exit: 2 slots, 1 of them full',
    '  total slot usage: 3 allocs, 1 free',
    '',
  ]);
  const nothing = new CapModel(new CapTables(new Int32Array(TABLE_WORDS), 0));
  t.deepEqual(summaryLines(leakCheck(nothing)).slice(-3), [
    '',
    'All capability slots were freed -- no leaks are possible',
    '',
  ]);
});

test('at intervals only what became more is shown', (t) => {
  const model = example();
  const lines = (): string[] => intervalLines(model.tables, (trace) => [`   at ${trace}`]);
  t.deepEqual(lines(), [
    '2 capability slots in use, 1 of them full',
    ' 1 more than the last time, 1 in all, allocated',
    '   at 10',
    ' 1 more than the last time, 1 in all, allocated',
    '   at 14',
    '',
  ]);
  t.deepEqual(lines(), ['2 capability slots in use, 1 of them full', '']);
  for (let i = 0; i < 3; i++) model.allocated(new ThreadView(1), 1, 50 + i, 14);
  t.deepEqual(lines().slice(1, 3), [' 3 more than the last time, 4 in all, allocated', '   at 14']);
});

test('the capability map', (t) => {
  const graph = capGraph(example());
  t.deepEqual(
    graph.tasks.map((k) => [
      k.task,
      k.name,
      k.slots.map((s) => `${s.slot} ${s.object} ${s.rights} ${s.state}`),
    ]),
    [[1, 'a <b>', ['32 7 WSRD allocated', '33 7 R freed', '34 0  allocated']]],
  );
  t.deepEqual(graph.objects, [{ id: 7, text: 'gate #7' }]);
  const text = dot(graph);
  t.regex(text, /t1_32 \[label="0x20 WSRD"\];/);
  t.regex(text, /t1_33 \[label="0x21 R", color=red\];/);
  t.regex(text, /t1_34 \[label="0x22 empty", style=dashed\];/);
  t.regex(text, /t1_32 -> o7;/);
  t.is(text.match(/->/g)!.length, 2);
  const page = html(graph);
  t.regex(page, /task 1 a &lt;b&gt;/);
  t.is(page.match(/<path /g)!.length, 2);
  t.notRegex(page, /https?:\/\/(?!www\.w3\.org)/, 'nothing from elsewhere');
});
