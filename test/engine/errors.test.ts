import test from 'ava';
import { G_LOCK_TOOL, T_SLOT, THREAD_STRIDE, THREADS } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { ErrorStore } from '../../src/engine/error-store.js';
import { Errors } from '../../src/engine/errors.js';
import type { ReportedError } from '../../src/report/record.js';
import { type FoundError, line, what } from '../../src/tools/errors.js';

interface Rig {
  errors: Errors;
  store: ErrorStore;
  machine: Machine;
  reported: ReportedError[];
  messages: string[];
}

function rig(rules: Partial<ConstructorParameters<typeof Errors>[2]> = {}, suppressed = ''): Rig {
  const machine = Machine.create(0);
  const store = ErrorStore.create();
  const reported: ReportedError[] = [];
  const messages: string[] = [];
  const errors = new Errors(
    machine,
    store,
    {
      limit: true,
      numCallers: 12,
      xml: false,
      tool: 'Test',
      showThreads: false,
      exitOnFirst: false,
      keepSuppressed: false,
      ...rules,
    },
    {
      trace: () => [],
      suppressedBy: (e) => (e.kind === suppressed ? 0 : -1),
      error: (e) => void reported.push(e),
      exit: () => void messages.push('exit'),
      message: (lines) => void messages.push(...lines),
    },
  );
  return { errors, store, machine, reported, messages };
}

const found = (kind: string, pcs: number[], more: Partial<FoundError> = {}): FoundError => ({
  kind,
  ts: THREADS,
  pcs,
  describe: () => ({ parts: [what(kind)] }),
  ...more,
});

/** Reports an error and says whether it was shown. */
function shown(r: Rig, kind: string, pcs: number[], more: Partial<FoundError> = {}): boolean {
  const before = r.reported.length;
  r.errors.report(found(kind, pcs, more));
  return r.reported.length > before;
}

test('the first of its kind and stack is shown, later ones are counted', (t) => {
  const r = rig();
  t.is(r.store.found, 0);
  t.true(shown(r, 'Race', [0x1000, 0x2000]));
  t.false(shown(r, 'Race', [0x1000, 0x2000]));
  t.false(shown(r, 'Race', [0x1000, 0x2000]));
  t.is(r.store.found, 3);
  t.is(r.store.foundContexts, 1);
});

test('kind, what the tool adds, and place keep errors apart', (t) => {
  const r = rig();
  t.true(shown(r, 'Race', [0x1000]));
  t.true(shown(r, 'Misc', [0x1000]));
  t.true(shown(r, 'Race', [0x1000], { same: '4 w' }));
  t.true(shown(r, 'Race', [0x1004]));
  t.true(shown(r, 'Race', [0x1000, 0x2000]));
  t.is(r.store.foundContexts, 5);
});

test('only the four innermost frames matter', (t) => {
  const r = rig();
  t.true(shown(r, 'Race', [1, 2, 3, 4, 5]));
  t.false(shown(r, 'Race', [1, 2, 3, 4, 6]));
  t.true(shown(r, 'Race', [1, 2, 3, 7, 5]));
});

test('with --num-callers=2 there are no more than two to compare', (t) => {
  const r = rig({ numCallers: 2 });
  t.true(shown(r, 'Race', [1, 2, 3]));
  t.false(shown(r, 'Race', [1, 2, 4]));
  t.true(shown(r, 'Race', [1, 3, 3]));
});

test('addresses that differ above 32 bits are different', (t) => {
  const r = rig();
  t.true(shown(r, 'Race', [0x3f_0000_1000]));
  t.true(shown(r, 'Race', [0x3e_0000_1000]));
});

test('workers share one table, also of what has been announced', (t) => {
  const r = rig();
  t.true(shown(r, 'Race', [0x1000]));
  const there = new ErrorStore(r.store.buffer);
  t.is(there.found, 1);
  t.true(there.announce(70000));
  t.false(r.store.announce(70000));
  t.true(r.store.announce(70001));
});

test('a thread is announced by the first error that speaks of it', (t) => {
  const r = rig();
  const describe = (numbers: number[]) => () => ({
    threads: numbers.map((number) => ({ number, created: [0x500] })),
    parts: [line()],
  });
  shown(r, 'Race', [1], { describe: describe([2, 3]) });
  shown(r, 'Race', [2], { describe: describe([3, 1]) });
  t.deepEqual(
    r.reported.map((e) => e.threads.map((n) => n.number)),
    [[2, 3], [1]],
  );
});

test('a suppressed error is neither shown nor described, and counted apart', (t) => {
  const r = rig({}, 'Race');
  const describe = (): never => t.fail('described') as never;
  t.false(shown(r, 'Race', [1], { describe }));
  t.false(shown(r, 'Race', [1], { describe }));
  t.true(shown(r, 'Misc', [1]));
  t.is(r.store.found, 1);
  t.is(r.store.foundContexts, 1);
  t.is(r.store.suppressed, 2);
  t.is(r.store.suppressedContexts, 1);
  t.is(r.store.suppressionUse(0).uses, 2);
  // The number counts suppressed errors too.
  t.is(r.reported[0]!.unique, 2);
});

test('reports of suppressed errors are kept where they are wanted', (t) => {
  const r = rig({ keepSuppressed: true }, 'Race');
  const describe = () => ({ threads: [{ number: 2, created: null }], parts: [what('Race')] });
  t.false(shown(r, 'Race', [1], { describe }));
  t.like(r.store.report(0), { kind: 'Race', parts: [{ text: 'Race' }] });
  t.true(r.store.announce(2), 'nobody has heard of the thread');
});

test('the first error that is not suppressed can end it all', (t) => {
  const r = rig({ exitOnFirst: true }, 'Race');
  shown(r, 'Race', [1]);
  t.deepEqual(r.messages, []);
  t.true(shown(r, 'Misc', [1]));
  t.deepEqual(r.messages, ['exit']);
  t.false(shown(r, 'Misc', [2]));
  t.is(r.store.found, 1);
  t.deepEqual(r.messages, ['exit']);
});

test('a thread can ask for silence, as often as it takes it back', (t) => {
  const r = rig();
  const change = (by: number): number | undefined => r.errors.request(0x1801, [by]);
  change(1);
  change(1);
  t.false(shown(r, 'Race', [1]));
  change(-1);
  t.false(shown(r, 'Race', [1]));
  change(-1);
  t.is(r.errors.request(0x1201, []), 0);
  change(-1);
  t.true(shown(r, 'Race', [1]));
  t.is(r.errors.request(0x1201, []), 1);
  t.is(r.errors.request(0x1202, []), undefined);
  change(1);
  r.errors.threadDone();
  t.true(shown(r, 'Race', [2]), 'the next thread on the worker has asked for nothing');
});

test('errors are introduced by their thread when it is another one, where the tool wants that', (t) => {
  const r = rig({ showThreads: true });
  const second = THREADS + THREAD_STRIDE;
  r.machine.i32[(second + T_SLOT) >> 2] = 1;
  shown(r, 'Cond', [1]);
  shown(r, 'Cond', [2], { ts: second });
  shown(r, 'Cond', [3], { ts: second });
  shown(r, 'Cond', [4]);
  t.deepEqual(
    r.reported.map((e) => [e.tid, e.newThread]),
    [
      [1, false],
      [2, true],
      [2, false],
      [1, true],
    ],
  );
});

test('whoever reports holds the tool-state lock, and gives it back even when reporting fails', (t) => {
  const { errors, machine } = rig();
  const word = G_LOCK_TOOL >> 2;
  errors.report(
    found('A', [1], {
      describe: () => {
        t.not(machine.i32[word], 0);
        return { parts: [] };
      },
    }),
  );
  t.is(machine.i32[word], 0);
  t.throws(() =>
    errors.report(
      found('B', [1], {
        describe: () => {
          throw new Error('disk full');
        },
      }),
    ),
  );
  t.is(machine.i32[word], 0);
});

test('reports are kept for the end, with counts and order', (t) => {
  const r = rig({}, 'Misc');
  for (const pc of [1, 2, 1, 2, 2]) shown(r, 'Race', [pc]);
  shown(r, 'Misc', [1]);
  const [a, b, c] = r.store.contexts();
  t.deepEqual([a!.count, b!.count, c!.count], [2, 3, 1]);
  t.true(a!.last < b!.last && b!.last < c!.last);
  t.is(c!.suppression, 0);
  t.like(new ErrorStore(r.store.buffer).report(1), { unique: 2, kind: 'Race', parts: [{ text: 'Race' }] });
  t.is(r.store.report(2), null);
});

test('after a hundred, two frames tell errors apart; after a thousand nothing is counted any more', (t) => {
  const r = rig();
  for (let i = 0; i < 99; i++) t.true(shown(r, 'Race', [i * 4]));
  t.true(shown(r, 'Race', [7, 8, 9]));
  t.deepEqual(r.messages, []);
  t.false(shown(r, 'Race', [7, 8, 10]));
  t.deepEqual(r.messages, [
    '',
    'More than 100 errors detected.  Subsequent errors',
    'will still be recorded, but in less detail than before.',
  ]);
  for (let i = 100; i < 1000; i++) t.true(shown(r, 'Race', [i * 4]));
  t.is(r.store.found, 1001);
  for (let i = 1000; i < 1010; i++) t.false(shown(r, 'Race', [i * 4]));
  t.false(shown(r, 'Race', [0]));
  t.is(r.store.found, 1001);
  t.is(r.store.foundContexts, 1000);
  t.deepEqual(r.messages.slice(3, 6), [
    '',
    "More than 1000 different errors detected.  I'm not reporting any more.",
    'Final error counts will be inaccurate.  Go fix your program!',
  ]);
  t.is(r.messages.filter((m) => m.includes('Go fix')).length, 1);
});

for (const rules of [{ limit: false }, { xml: true }]) {
  test(`no cut-off with ${JSON.stringify(rules)}`, (t) => {
    const r = rig(rules);
    for (let i = 0; i < 1200; i++) t.true(shown(r, 'Race', [i * 4]));
    t.is(r.store.found, 1200);
  });
}

test('ten million errors are enough', (t) => {
  const r = rig();
  shown(r, 'Race', [1]);
  // Word 2 of the store: errors found.
  new Int32Array(r.store.buffer)[2] = 10_000_000;
  t.false(shown(r, 'Race', [2]));
  t.true(r.messages.includes("More than 10000000 total errors detected.  I'm not reporting any more."));
});

test('the same error has the same hash in another run, others have others', (t) => {
  const r = rig();
  shown(r, 'Race', [0x3f_8000_1000, 2, 3, 4, 5]);
  shown(r, 'Race', [0x1000], { same: '4 w' });
  shown(r, 'Race', []);
  const hashes = r.store.contexts().map((c) => c.hash);
  t.is(new Set(hashes).size, 3);
  t.true(hashes.every((h) => Number.isInteger(h) && h >= 0 && h < 2 ** 32));
  const again = rig();
  shown(again, 'Race', [0x1000], { same: '4 w' });
  t.is(again.store.contexts()[0]!.hash, hashes[1]);
});
