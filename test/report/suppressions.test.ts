/** Suppression files: what is read, what is refused, what matches, and that what is generated hides its error. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { suppressionText } from '../../src/report/suppressions/generate.js';
import { globMatch, Matcher, matchesPrefix } from '../../src/report/suppressions/match.js';
import {
  type Location,
  parseSuppressions,
  readSuppressions,
  SuppressionError,
} from '../../src/report/suppressions/parse.js';
import type { SuppressionKinds } from '../../src/tools/errors.js';
import { SCRATCH } from '../support/capgrind.js';
import { frames, reported } from './frames.js';

const KINDS: SuppressionKinds = {
  tool: 'Test',
  kinds: { Race: 'plain', Param: 'extra', Leak: 'optional' },
};

const parse = (text: string, numCallers?: number) => parseSuppressions(text, 'f.supp', KINDS, numCallers);

test('an entry, with comments, blank lines and blanks around', (t) => {
  const text = `
# all of it
{
   a name, with blanks
   # in between
   Other,Test:Race

   fun:f*
\t...  \n   obj:/lib/libc.so*
   src:a.c:12
}
{
 second
 Test:Param
 write(buf)
 obj:*
}
`;
  t.deepEqual(parse(text), [
    {
      name: 'a name, with blanks',
      file: 'f.supp',
      line: 4,
      kind: 'Race',
      extra: null,
      locations: [
        { by: 'fun', pattern: 'f*' },
        { by: '...' },
        { by: 'obj', pattern: '/lib/libc.so*' },
        { by: 'src', pattern: 'a.c:12' },
      ],
    },
    {
      name: 'second',
      file: 'f.supp',
      line: 14,
      kind: 'Param',
      extra: 'write(buf)',
      locations: [{ by: 'obj', pattern: '*' }],
    },
  ]);
});

test('an optional extra line is told from a location', (t) => {
  const [without, wanted] = parse(
    '{\na\nTest:Leak\nfun:f\n}\n{\nb\nTest:Leak\nmatch-leak-kinds: definite\nfun:f\n}\n',
  );
  t.is(without!.extra, null);
  t.is(without!.locations.length, 1);
  t.is(wanted!.extra, 'match-leak-kinds: definite');
});

test('entries for other tools are passed over unread, whatever their kinds and lines', (t) => {
  t.deepEqual(parse('{\nx\nOther:Thing\nnonsense\n}\n{\nx\nTests:Race\nfun:f\n}\n'), []);
});

test('only as many lines count as a stack has frames', (t) => {
  const [s] = parse('{\nx\nTest:Race\nfun:a\nfun:b\nfun:c\n}\n', 2);
  t.deepEqual(
    s!.locations.map((l) => (l.by === '...' ? '' : l.pattern)),
    ['a', 'b'],
  );
});

// Messages and line numbers as Valgrind 3.27.1 gave them for the same files.
const MISTAKES: [string, number, string][] = [
  ['x {\n a\n Test:Race\n fun:f\n}\n', 1, "expected '{' or end-of-file"],
  [
    '{\n a\n Test:Race\n fon:x\n}\n',
    4,
    'location should be "...", or should start with "fun:", "obj:", or "src:"',
  ],
  ['{\n a\n Test:Rac\n fun:x\n}\n', 3, 'unknown tool suppression type'],
  ['{\n a\n Test:toString\n fun:x\n}\n', 3, 'unknown tool suppression type'],
  ['{\n a\n Test:Race\n fun:x\n', 4, 'unexpected end-of-file (when reading stack trace)'],
  [
    '{\n a\n Test:Race\n...\n}\n',
    5,
    'suppression must contain at least one location line which is not "..."',
  ],
  ['{\n a\n Test\n fun:x\n}\n', 3, "malformed 'tool1,tool2,...:supp' line"],
  ['{\n a\n Foo:x\n  fun:x\n}\n{\n}\n', 7, "unexpected '}'"],
  ['{\n a\n Test:Race\n}\n', 4, 'missing stack trace'],
  ['{\n a\n', 2, 'unexpected end-of-file (expecting tool:suppr)'],
  ['{\n a\n Foo:x\n fun:x\n', 4, 'unexpected end-of-file (when skipping suppression)'],
  ['{\n a\n Test:Param\n}\n', 4, 'bad or missing extra suppression info'],
  [`{\n a\n Test:Race\n${'fun:f\n'.repeat(501)}}\n`, 504, 'too many callers in stack trace'],
];
for (const [text, line, reason] of MISTAKES) {
  test(`refused: ${reason} (${JSON.stringify(text).slice(0, 40)})`, (t) => {
    t.throws(() => parse(text), {
      instanceOf: SuppressionError,
      message: `FATAL: in suppressions file "f.supp" near line ${line}: ${reason}`,
    });
  });
}

test('files: later entries are tried first; a missing one and a folder are mistakes', (t) => {
  const a = join(SCRATCH, 'a.supp');
  const b = join(SCRATCH, 'b.supp');
  writeFileSync(a, '{\n1\nTest:Race\nfun:f\n}\n{\n2\nTest:Race\nfun:f\n}\n');
  writeFileSync(b, '{\n3\nTest:Race\nfun:f\n}');
  const names = readSuppressions([a, b], KINDS, 12).map((s) => s.name);
  t.deepEqual(names, ['3', '2', '1']);
  t.throws(() => readSuppressions(['/no/such'], KINDS, 12), {
    message: `FATAL: can't open suppressions file "/no/such"`,
  });
  mkdirSync(join(SCRATCH, 'folder'));
  t.throws(() => readSuppressions([join(SCRATCH, 'folder')], KINDS, 12), { message: /is a directory$/ });
});

test('globs', (t) => {
  const yes = [
    'a*|a',
    'a*|abc',
    '*c|abc',
    'a?c|abc',
    '*b*|abc',
    'a\\*c|a*c',
    '*|',
    '**|x',
    '*ab|aab',
    'a\\?|a?',
  ];
  const no = ['a|ab', 'a*|ba', '?|', 'a\\*c|abc', '*b|abc', 'a?c|ac', '|a', 'a\\?|ab'];
  for (const [p, s] of yes.map((w) => w.split('|'))) t.true(globMatch(p!, s!), `${p} ${s}`);
  for (const [p, s] of no.map((w) => w.split('|'))) t.false(globMatch(p!, s!), `${p} ${s}`);
});

test('globs agree with regular expressions', (t) => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
  fc.assert(
    fc.property(word, text, (pattern, s) => {
      const re = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      return globMatch(pattern, s) === re.test(s);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('a glob made to take long does not', (t) => {
  t.false(globMatch(`${'*a'.repeat(30)}b`, 'a'.repeat(5000)));
});

const fun = (pattern: string): Location => ({ by: 'fun', pattern });
const REST: Location = { by: '...' };

test('locations match a prefix of the stack; three dots stand for any number of frames', (t) => {
  const stack = frames('a@/bin/p', 'b@/lib/x.so', '@/lib/y.so', 'd');
  t.true(matchesPrefix([fun('a')], stack));
  t.false(matchesPrefix([fun('b')], stack));
  t.true(matchesPrefix([fun('a'), fun('b')], stack));
  t.true(matchesPrefix([REST, fun('b')], stack));
  t.true(matchesPrefix([REST, fun('a')], stack), 'none is a number too');
  t.true(matchesPrefix([fun('a'), REST, fun('d')], stack));
  t.false(matchesPrefix([fun('a'), REST, fun('a')], stack));
  t.true(matchesPrefix([fun('a'), fun('b'), { by: 'obj', pattern: '/lib/y*' }], stack));
  t.true(matchesPrefix([fun('a'), fun('b'), fun('*')], stack), 'an unknown function is ???');
  t.false(matchesPrefix([fun('a'), fun('b'), fun('x*')], stack));
  t.true(matchesPrefix([REST, fun('d'), REST], stack));
  t.false(matchesPrefix([REST, fun('d'), fun('*')], stack), 'the stack is not that long');
  t.true(matchesPrefix([REST, { by: 'obj', pattern: '\\?\\?\\?' }], stack));
});

test('sources and the code below main', (t) => {
  const stack = frames('f@/p@a.c:12', '__libc_start_main@/p');
  const src = (pattern: string): Location => ({ by: 'src', pattern });
  for (const p of ['a.c', 'a.c:12', '/src/a.c', '/src/a.c:12', '*.c:1?'])
    t.true(matchesPrefix([src(p)], stack), p);
  for (const p of ['a.c:13', 'b.c', 'src/a.c']) t.false(matchesPrefix([src(p)], stack), p);
  t.false(matchesPrefix([fun('f'), src('*')], stack));
  t.true(matchesPrefix([fun('f'), fun('(below main)')], stack));
  t.true(matchesPrefix([fun('f'), fun('__libc_start_main')], stack));
});

test('the first that fits hides the error; kind and extra line have to fit too', (t) => {
  const entry = (name: string, kind: string, extra: string | null, f: string) => ({
    name,
    file: '',
    line: 1,
    kind,
    extra,
    locations: [fun(f)],
  });
  const m = new Matcher([
    entry('0', 'Param', 'write(*)', '*'),
    entry('1', 'Race', null, 'g'),
    entry('2', 'Race', null, 'f'),
    entry('3', 'Race', null, '*'),
  ]);
  const stack = (): ReturnType<typeof frames> => frames('f');
  t.is(m.find('Race', null, stack), 2);
  t.is(
    m.find('Race', null, () => frames('h')),
    3,
  );
  t.is(m.find('Param', 'write(buf)', stack), 0);
  t.is(m.find('Param', 'read(buf)', stack), -1);
  t.is(
    m.find('Misc', null, () => t.fail('asked for a stack that nobody needs') as never),
    -1,
  );
});

test('generated: mangled functions, else objects', (t) => {
  const error = reported({
    extra: 'write(buf)',
    kind: 'Param',
    frames: frames('_ZN1A1fEv@/p', '@/lib/x.so', '', '__libc_start_main@/p'),
  });
  const lines = ['{', '   <insert_a_suppression_name_here>', '   Test:Param', '   write(buf)'];
  t.is(
    suppressionText(error, false),
    [...lines, '   fun:_ZN1A1fEv', '   obj:/lib/x.so', '   obj:*', '   fun:(below main)', '}', ''].join('\n'),
  );
  t.true(suppressionText(error, true).includes('fun:__libc_start_main\n'));
});

test('what is generated for an error hides it', (t) => {
  const name = fc.option(fc.stringMatching(/^[a-z_]{1,8}$/), { nil: '' });
  const one = fc.tuple(name, name).map(([fn, obj]) => `${fn}@${obj}`);
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 6 }), (texts) => {
      const stack = frames(...texts);
      const [s] = parse(suppressionText(reported({ frames: stack }), false));
      return matchesPrefix(s!.locations, stack);
    }),
  );
  t.pass();
});
