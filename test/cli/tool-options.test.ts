/** Options of tools on the command line. */
import test from 'ava';
import { toolHelp, toolOptions } from '../../src/cli/tool-options.js';
import type { Tool } from '../../src/tools/api.js';
import helgrind from '../../src/tools/helgrind/index.js';

const tool: Tool = {
  name: 'odd',
  title: '',
  copyright: '',
  atomicity: 'access',
  shadowScale: 0,
  findsErrors: false,
  options: {
    text: { describe: 'any text', default: '' },
    word: { describe: 'one of these', default: 'a', values: ['a', 'b'] },
    size: { describe: 'a size', default: '8', range: [2, 500] },
    limit: { describe: `a ${'long '.repeat(20)}limit`, default: '', range: [0, 9] },
  },
  create: () => ({}),
};

test('defaults are filled in, and values that an option cannot have are refused', (t) => {
  t.deepEqual(toolOptions(tool, {}), { text: '', word: 'a', size: '8', limit: '' });
  t.deepEqual(toolOptions(tool, { text: 'x y', word: 'b', 'odd:size': '500', limit: '0' }), {
    text: 'x y',
    word: 'b',
    size: '500',
    limit: '0',
  });
  t.deepEqual(toolOptions(tool, { 'other:word': 'z' }).word, 'a', 'another tool’s');
  for (const [name, value, message] of [
    ['word', 'c', 'Bad option: --word=c (a, b)'],
    ['odd:size', '1', 'Bad option: --odd:size=1 (a whole number from 2 to 500)'],
    ['size', '', 'Bad option: --size= (a whole number from 2 to 500)'],
    ['size', '1e2', 'Bad option: --size=1e2 (a whole number from 2 to 500)'],
    ['none', '1', 'Unknown option: --none'],
    ['toString', '1', 'Unknown option: --toString'],
  ] as const) {
    t.throws(() => toolOptions(tool, { [name]: value }), { message });
  }
});

test('the help names each option with its values and its default', (t) => {
  t.deepEqual(toolHelp(tool).split('\n').slice(1, -1), [
    'Options of odd:',
    '      --text   any text',
    '      --word   one of these [a|b; default: a]',
    '      --size   a size [default: 8]',
    `      --limit  a${' long'.repeat(16)}`,
    `               ${'long '.repeat(4)}limit`,
  ]);
  t.is(toolHelp({ ...tool, options: {} }), '');
});

test('helgrind has the options that Valgrind’s has, with their defaults', (t) => {
  const theirs = {
    'track-lockorders': 'yes',
    'history-level': 'full',
    'history-backtrace-size': '8',
    'conflict-cache-size': '2000000',
    'check-stack-refs': 'yes',
    'free-is-write': 'no',
    'ignore-thread-creation': 'no',
    'cmp-race-err-addrs': 'no',
    'vts-pruning': 'auto',
    'check-cond-signal-mutex': 'no',
    'track-destroy': 'no',
  };
  t.like(toolOptions(helgrind, {}), theirs);
  t.true('delta-stacktrace' in helgrind.options);
});
