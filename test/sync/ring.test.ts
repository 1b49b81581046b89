import test from 'ava';
import { RING_LAYOUT, Ring } from '../../sync/ring.js';
import { dieAt, LOCK, sharedWords, start } from './crew.js';

test.serial('three producers, one consumer: nothing is lost, doubled, torn or overtaken', async (t) => {
  const mem = sharedWords();
  const rounds = 3000;
  const ring = new Ring(mem, LOCK, 16, 3);
  const producers = [1, 2, 3].map((self) => start('ringPush', mem, { self, crew: 3, rounds }));
  const next = [0, 0, 0, 0];
  const record = new Int32Array(3);
  let wrong = 0;
  for (let got = 0; got < 3 * rounds; got++) {
    while (!ring.pop(record)) ring.waitData();
    const [id, number, check] = record as unknown as [number, number, number];
    if (number !== next[id]! || check !== (Math.imul(id, 7919) ^ number)) wrong++;
    next[id]!++;
  }
  t.is(wrong, 0);
  t.deepEqual(next, [0, rounds, rounds, rounds]);
  const refusals = await Promise.all(producers.map((p) => p.result));
  t.is(
    ring.refused(),
    refusals.reduce((sum, [n]) => sum + n!, 0),
  );
  t.is(ring.length(), 0);
  t.false(ring.pop(record));
});

test('a full ring refuses and keeps what it has', (t) => {
  const ring = new Ring(sharedWords(), LOCK, 4, 2);
  for (let i = 0; i < 4; i++) t.true(ring.push(1, [0, i, -i], 1));
  t.false(ring.push(1, [9, 9]));
  t.is(ring.refused(), 1);
  t.is(ring.length(), 4);
  t.false(ring.waitSpace({ interrupt: () => true }));
  const into = [7, 7, 7];
  t.true(ring.pop(into, 1));
  t.deepEqual(into, [7, 0, 0]);
  t.true(ring.waitSpace({ interrupt: () => true }));
  t.true(ring.push(1, [4, -4]));
  for (let i = 1; i <= 4; i++) {
    t.true(ring.pop(into));
    t.deepEqual(into.slice(0, 2), [i, -i]);
  }
  t.false(ring.pop(into));
  t.false(ring.waitData({ interrupt: () => true }));
});

test('positions wrap around at 2^32', (t) => {
  const mem = sharedWords();
  Atomics.store(mem, LOCK + RING_LAYOUT.word('head'), -2);
  Atomics.store(mem, LOCK + RING_LAYOUT.word('tail'), -2);
  const ring = new Ring(mem, LOCK, 4, 1);
  const into = [0];
  for (let i = 0; i < 4; i++) t.true(ring.push(1, [i]));
  t.false(ring.push(1, [4]));
  for (let i = 0; i < 4; i++) {
    t.true(ring.pop(into));
    t.is(into[0], i);
  }
});

test('death at any step of push leaves the record in whole or not at all', (t) => {
  let whole = 0;
  for (let step = 0, died = true; died; step++) {
    const ring = new Ring(sharedWords(), LOCK, 4, 2);
    ring.push(1, [1, 1]);
    died = dieAt(step, () => ring.push(7, [7, 7]));
    ring.recover(7);
    t.true(ring.push(2, [2, 2]));
    const seen: number[] = [];
    const into = [0, 0];
    while (ring.pop(into)) seen.push(...into);
    if (seen.length === 6) whole++;
    t.deepEqual(seen, seen.length === 6 ? [1, 1, 7, 7, 2, 2] : [1, 1, 2, 2]);
  }
  t.true(whole > 0);
});

test('sizes are checked', (t) => {
  t.is(Ring.words(16, 3), RING_LAYOUT.words + 48);
  for (const capacity of [0, 3, -4]) {
    t.throws(() => new Ring(sharedWords(), LOCK, capacity, 1), { instanceOf: RangeError });
  }
  t.throws(() => new Ring(sharedWords(), LOCK, 4, 0), { instanceOf: RangeError });
});
