/** The text of stack traces: shapes that Valgrind prints, from frames made by hand. */
import test from 'ava';
import { formatTrace, isBelowMain, type TraceOptions, traceFrames } from '../../src/image/frames.js';
import type { Frame, ImageSet } from '../../src/image/image-set.js';

const PLAIN: TraceOptions = { numCallers: 12, showBelowMain: false, fullpathAfter: [], demangle: true };

type Part = Partial<Frame> & { readonly fn: string | null };

/** A set of images that describes addresses from a table and knows nothing else. */
function fake(table: Record<number, readonly Part[]>): ImageSet {
  const describe = (pc: number): Frame[] =>
    (table[pc] ?? [{ fn: null }]).map((part) => ({
      pc,
      obj: null,
      file: null,
      dir: null,
      line: 0,
      inlined: false,
      ...part,
    }));
  return { describe } as unknown as ImageSet;
}

const IMAGES = fake({
  68284: [{ fn: 'leaf', obj: '/p', file: 'a.c', dir: '/home/u/src', line: 7 }],
  68352: [
    { fn: 'inner', obj: '/p', file: 'a.h', dir: '/home/u/inc', line: 3, inlined: true },
    { fn: 'outer', obj: '/p', file: 'a.c', dir: '/home/u/src', line: 20 },
  ],
  68608: [{ fn: 'main', obj: '/p', file: 'a.c', dir: '/home/u/src', line: 30 }],
  68864: [{ fn: '__libc_start_call_main', obj: '/lib/libc.so.6' }],
  69120: [{ fn: '_start', obj: '/p' }],
  131072: [{ fn: null, obj: '/lib/libz.so' }],
  196608: [{ fn: 'jitted' }],
  262144: [{ fn: '_ZN3foo3barEi', obj: '/p' }],
});

test('at for the first line, by for all others, addresses in upper case', (t) => {
  t.deepEqual(formatTrace(IMAGES, [0x10abc, 0x10b00, 0x10c00], PLAIN), [
    '   at 0x10ABC: leaf (a.c:7)',
    '   by 0x10B00: inner (a.h:3)',
    '   by 0x10B00: outer (a.c:20)',
    '   by 0x10C00: main (a.c:30)',
  ]);
});

test('what is not known is ???', (t) => {
  t.deepEqual(formatTrace(IMAGES, [0x20000, 0x30000, 0x99], PLAIN), [
    '   at 0x20000: ??? (in /lib/libz.so)',
    '   by 0x30000: jitted (in ???)',
    '   by 0x99: ???',
  ]);
});

test('a trace ends at main, or at the first frame below main when main is not in it', (t) => {
  t.is(formatTrace(IMAGES, [0x10abc, 0x10c00, 0x10d00, 0x10e00], PLAIN).length, 2);
  t.deepEqual(formatTrace(IMAGES, [0x10abc, 0x10d00, 0x10e00], PLAIN), [
    '   at 0x10ABC: leaf (a.c:7)',
    '   by 0x10D00: (below main) (in /lib/libc.so.6)',
  ]);
});

test('below-main frames are shown by name on demand', (t) => {
  const lines = formatTrace(IMAGES, [0x10c00, 0x10d00, 0x10e00], { ...PLAIN, showBelowMain: true });
  t.deepEqual(lines.slice(1), [
    '   by 0x10D00: __libc_start_call_main (in /lib/libc.so.6)',
    '   by 0x10E00: _start (in /p)',
  ]);
});

test('numCallers counts addresses, not inlined calls', (t) => {
  const frames = traceFrames(IMAGES, [0x10b00, 0x10abc, 0x10c00], { ...PLAIN, numCallers: 2 });
  t.deepEqual(
    frames.map((f) => f.fn),
    ['inner', 'outer', 'leaf'],
  );
});

test('fullpathAfter cuts paths behind the first text that is found, and shows whole paths otherwise', (t) => {
  const shown = (fullpathAfter: string[]): string =>
    formatTrace(IMAGES, [0x10abc], { ...PLAIN, fullpathAfter })[0].replace(/.*\(/, '(');
  t.is(shown(['nowhere/']), '(/home/u/src/a.c:7)');
  t.is(shown(['/home/']), '(u/src/a.c:7)');
  t.is(shown(['nowhere/', '/home/u/']), '(src/a.c:7)');
  t.is(shown(['/src/']), '(a.c:7)');
});

test('C++ names are demangled unless switched off', (t) => {
  t.deepEqual(formatTrace(IMAGES, [0x40000], PLAIN), ['   at 0x40000: foo::bar(int) (in /p)']);
  t.deepEqual(formatTrace(IMAGES, [0x40000], { ...PLAIN, demangle: false }), [
    '   at 0x40000: _ZN3foo3barEi (in /p)',
  ]);
});

test('start-up code goes by several names', (t) => {
  for (const fn of ['_start', '__libc_start_main', '__libc_start_main@@GLIBC_2.34', '__libc_start_call_main'])
    t.true(isBelowMain(fn), fn);
  for (const fn of ['main', 'start', '__libc_start', '_start2']) t.false(isBelowMain(fn), fn);
});
