/** Texts of errors and of the lists at the end. */
import test from 'ava';
import {
  type CountedError,
  errorListLines,
  listOrder,
  summaryLine,
  usedLines,
  usedOrder,
} from '../../src/report/lists.js';
import { announcementLines, errorLines } from '../../src/report/text.js';
import { frames, OPTIONS, reported } from './frames.js';

const counted = (
  unique: number,
  count: number,
  last: number,
  more: Partial<CountedError> = {},
): CountedError => ({
  unique,
  count,
  last,
  suppressedBy: null,
  error: reported({ unique, parts: [{ part: 'what', text: `error ${unique}` }] }),
  ...more,
});

test('an error as text: indentation, stacks, and the blank line behind', (t) => {
  const error = reported({
    parts: [
      { part: 'line', text: '----' },
      { part: 'what', text: 'What', facts: [['hthreadid', 1]] },
      { part: 'what', text: 'more', indent: 3 },
      { part: 'stack', frames: frames('f@/p@a.c:7', '@/x.so') },
      { part: 'aux', text: 'Address' },
      { part: 'aux', text: 'This', indent: 0 },
      { part: 'aux', text: 'xml', only: 'xml' },
      { part: 'stack', frames: frames('g'), only: 'xml' },
      { part: 'aux', text: 'text', only: 'text' },
    ],
  });
  const expected = [
    '----',
    'What',
    '   more',
    '   at 0x1000: f (a.c:7)',
    '   by 0x1010: ??? (in /x.so)',
    ' Address',
    'This',
    ' text',
    '',
  ];
  t.deepEqual(errorLines(error, OPTIONS), expected);
  t.deepEqual(errorLines({ ...error, newThread: true, tid: 7 }, OPTIONS), ['Thread 7:', ...expected]);
});

test('announcements come before', (t) => {
  const threads = [
    { number: 1, created: null },
    { number: 2, created: frames('clone') },
  ];
  t.deepEqual(announcementLines(reported({ threads }), OPTIONS), [
    '---Thread-Announcement------------------------------------------',
    '',
    "Thread #1 is the program's root thread",
    '',
    '---Thread-Announcement------------------------------------------',
    '',
    'Thread #2 was created',
    '   at 0x1000: clone (in ???)',
    '',
  ]);
});

test('lists go from rare to frequent, and of equal ones the latest first', (t) => {
  const order = listOrder([counted(1, 5, 9), counted(2, 1, 3), counted(3, 1, 8), counted(4, 2, 4)]);
  t.deepEqual(
    order.map((e) => e.unique),
    [3, 2, 4, 1],
  );
});

test('the list says how often, which of how many, and by what it was suppressed', (t) => {
  const lines = errorListLines([counted(1, 2, 2), counted(2, 1, 1, { suppressedBy: 'mine' })], OPTIONS);
  t.deepEqual(lines, [
    '',
    '1 errors (suppressed by mine) in context 1 of 2:',
    'error 2',
    '',
    '',
    '2 errors in context 2 of 2:',
    'error 1',
    '',
  ]);
});

test('used suppressions, the last that hid something new first', (t) => {
  const suppression = (name: string, line: number) => ({
    name,
    line,
    file: 'f.supp',
    kind: 'Race',
    extra: null,
    locations: [],
  });
  const used = [
    { suppression: suppression('a', 1), uses: 4, last: 1 },
    { suppression: suppression('b', 2), uses: 0, last: 0 },
    { suppression: suppression('c', 3), uses: 1234567, last: 7 },
  ];
  t.deepEqual(usedLines(used), [
    'used_suppression: 1234567 c f.supp:3',
    'used_suppression:      4 a f.supp:1',
  ]);
  t.deepEqual(
    usedOrder(used).map((u) => u.suppression.name),
    ['c', 'a'],
  );
});

test('the summary is always in the plural, as tools that read it expect', (t) => {
  t.is(
    summaryLine({ found: 1, foundContexts: 1, suppressed: 3, suppressedContexts: 2 }),
    'ERROR SUMMARY: 1 errors from 1 contexts (suppressed: 3 from 2)',
  );
});
