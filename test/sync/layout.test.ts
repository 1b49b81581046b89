/** Layouts and the lock order: the data of this floor. */
import test from 'ava';
import { FAIRLOCK_LAYOUT, FairLock } from '../../sync/fairlock.js';
import { defineLayout, type FieldType, layoutTable } from '../../sync/layout.js';
import { LOCK_TREE, LockOrder, lockTreeText } from '../../sync/order.js';
import { sharedWords, start } from './crew.js';

test('fields lie where a C compiler would put them', (t) => {
  const def = defineLayout('Mixed', {
    tag: 'u8',
    id: { type: 'i32', owner: 'translation lock', note: 'a|b' },
    name: 'u8[5]',
    half: 'u16',
    wide: 'i64',
    real: 'f64',
    last: 'u8[3]',
  });
  // struct { uint8_t; int32_t; uint8_t[5]; uint16_t; int64_t; double; uint8_t[3]; }
  t.deepEqual(def.offset, { tag: 0, id: 4, name: 8, half: 14, wide: 16, real: 24, last: 32 });
  t.deepEqual([def.size, def.align, def.words], [40, 8, 10]);
  t.is(def.word('id'), 1);
  t.is(def.word('wide'), 4);
  t.throws(() => def.word('half'), { instanceOf: RangeError });
  t.deepEqual(layoutTable(def).split('\n').slice(0, 6), [
    '**Mixed**: 40 bytes, aligned to 8',
    '',
    '| offset | field | type | owner, protection | meaning |',
    '| --- | --- | --- | --- | --- |',
    '| 0 | tag | u8 |  |  |',
    '| 4 | id | i32 | translation lock | a\\|b |',
  ]);
});

test('alignment can be raised, and nonsense is refused', (t) => {
  const line = defineLayout('Line', { a: 'i32', b: 'u8' }, { align: 64 });
  t.deepEqual([line.size, line.align], [64, 64]);
  t.deepEqual(
    [defineLayout('Bytes', { a: 'u8[3]' }).size, defineLayout('Bytes', { a: 'u8[3]' }).words],
    [3, 1],
  );
  for (const type of ['u12', 'i32[0]', 'i32[-1]', 'toString', '']) {
    t.throws(() => defineLayout('Bad', { a: type as FieldType }), { instanceOf: RangeError }, type);
  }
  t.throws(() => defineLayout('Bad', { a: 'u8' }, { align: 24 }), { instanceOf: RangeError });
  t.throws(() => defineLayout('Bad', { b: 'u8', 1: 'u8' }), { message: /starts with a letter/ });
});

test('a fair lock fits the 256 bytes that the memory layout gives the big lock', (t) => {
  t.is(FairLock.words(32), FAIRLOCK_LAYOUT.words);
  t.true(FAIRLOCK_LAYOUT.size <= 256);
});

test('the lock tree is a well-formed outline of the ranks, outermost first', (t) => {
  t.deepEqual(
    LOCK_TREE.map((row) => row.name),
    [
      'bigLock',
      'l4Kernel',
      'region',
      'frames',
      'translation',
      'threadTable',
      'futexBucket',
      'stripe',
      'toolState',
      'log',
    ],
  );
  t.is(LOCK_TREE[0].depth, 0);
  for (let i = 1; i < LOCK_TREE.length; i++) t.true(LOCK_TREE[i]!.depth <= LOCK_TREE[i - 1]!.depth + 1);
  const text = lockTreeText().split('\n');
  t.regex(text[0]!, /^bigLock: /);
  t.regex(text[2]!, /^ {4}region \(many\): /);
});

test('inner locks may be taken under outer ones, not the other way round', (t) => {
  const order = new LockOrder(true);
  const take = (rank: Parameters<LockOrder['took']>[0], key: number) => {
    order.taking(rank, key);
    order.took(rank, key);
  };
  take('bigLock', 1);
  take('frames', 2);
  take('stripe', 30);
  take('stripe', 40);
  t.deepEqual(order.held(), ['bigLock@1', 'frames@2', 'stripe@30', 'stripe@40']);
  t.throws(() => order.taking('region', 9), { message: /region@9 wanted while holding .*frames@2/ });
  t.throws(() => order.taking('stripe', 35), { message: /lock order/ }, 'descending');
  t.throws(() => order.taking('stripe', 40), { message: /lock order/ }, 'the same one');
  t.throws(() => order.taking('frames', 3), { message: /lock order/ }, 'there is one of that rank');
  order.released('frames', 2);
  order.released('stripe', 40);
  order.released('stripe', 30);
  t.notThrows(() => order.taking('region', 9));
  t.throws(() => order.released('frames', 2), { message: /does not hold it/ });
  order.took('log', 5);
  t.throws(
    () => order.taking('toolState', 6),
    { message: /lock order/ },
    'also after a lock that was only tried for',
  );
});

test('switched off, it checks and remembers nothing', (t) => {
  const order = new LockOrder(false);
  order.took('log', 1);
  t.notThrows(() => order.taking('bigLock', 2));
  t.notThrows(() => order.released('frames', 3));
  t.deepEqual(order.held(), []);
});

test('CAPGRIND_LOCK_CHECK=1 makes a worker check itself', async (t) => {
  const checked = start('wrongOrder', sharedWords(), {}, { CAPGRIND_LOCK_CHECK: '1' });
  const unchecked = start('wrongOrder', sharedWords(), {}, { CAPGRIND_LOCK_CHECK: '0' });
  t.deepEqual(await checked.result, [1]);
  t.deepEqual(await unchecked.result, [0]);
});
