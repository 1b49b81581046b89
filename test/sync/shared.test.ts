/** RwLock, SeqLock, Stripes and Event. */

import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Event } from '../../sync/event.js';
import { recoverWord, WAITERS } from '../../sync/futexword.js';
import { RWLOCK_LAYOUT, RwLock } from '../../sync/rwlock.js';
import { SEQLOCK_LAYOUT, SeqLock } from '../../sync/seqlock.js';
import { Stripes } from '../../sync/stripes.js';
import { DATA, dieAt, FLAG, kill, LOCK, STOP, sharedWords, start, startCrew, until } from './crew.js';

test.serial('RwLock: writers exclude everybody, under load', async (t) => {
  const mem = sharedWords();
  const results = await startCrew('readWrite', mem, 4, 1500);
  t.deepEqual(results, [[0], [0], [0], [0]]);
  t.deepEqual([mem[DATA], mem[DATA + 1]], [3000, 3000]);
  const lock = new RwLock(mem, LOCK);
  t.deepEqual([lock.readers(), lock.writer()], [0, 0]);
});

test.serial('RwLock: readers share, and a waiting writer turns new ones away', async (t) => {
  const mem = sharedWords();
  const lock = new RwLock(mem, LOCK);
  t.is(lock.readLock(), 'ok');
  t.is(lock.readLock({ interrupt: () => true }), 'ok', 'a second reader does not wait');
  lock.readUnlock();
  const writer = start('rwWrite', mem, { self: 9 });
  await until(() => lock.writer() === 9);
  t.is(lock.readLock({ interrupt: () => true }), 'interrupted');
  t.is(lock.readers(), 1);
  lock.readUnlock();
  t.deepEqual(await writer.result, [0]);
  t.is(lock.readLock(), 'ok');
  t.is(lock.writeLock(2, { interrupt: () => true }), 'interrupted');
  t.is(lock.writer(), 0);
  lock.readUnlock();
  t.throws(() => lock.readUnlock(), { message: /no reader/ });
  t.is(lock.writeLock(2), 'ok');
  t.throws(() => lock.writeLock(2), { message: /already/ });
  t.throws(() => lock.writeUnlock(3), { message: /left by 3, held by 2/ });
});

test.serial('RwLock: a terminated writer is recovered, inside and waiting', async (t) => {
  const mem = sharedWords();
  const lock = new RwLock(mem, LOCK);
  const inside = start('rwWriteAndHold', mem, { self: 7 });
  await until(() => mem[FLAG] === 1);
  const next = start('rwWrite', mem, { self: 8 });
  await until(() => (Atomics.load(mem, LOCK + RWLOCK_LAYOUT.word('writer')) & WAITERS) !== 0);
  await kill(inside);
  t.true(lock.recover(7));
  t.deepEqual(await next.result, [1]);
  t.is(lock.readLock(), 'ok');
  const waiting = start('rwWriteAndHold', mem, { self: 9 });
  await until(() => lock.writer() === 9);
  await kill(waiting);
  t.true(lock.recover(9));
  t.is(lock.readLock({ interrupt: () => true }), 'poisoned', 'no writer has looked at the data since');
  lock.readUnlock();
  lock.readUnlock();
  t.is(lock.writeLock(1), 'poisoned');
});

test('RwLock: a writer that is told of a death and then interrupted passes it on', (t) => {
  const lock = new RwLock(sharedWords(), LOCK);
  lock.writeLock(7);
  lock.recover(7);
  lock.readLock();
  t.is(lock.writeLock(1, { interrupt: () => true }), 'interrupted');
  lock.readUnlock();
  t.is(lock.writeLock(1), 'poisoned');
});

test.serial('SeqLock: no torn read', async (t) => {
  const mem = sharedWords();
  const lock = new SeqLock(mem, LOCK, 8);
  const writers = [
    start('seqWrite', mem, { crew: 2, self: 1 }),
    start('seqWrite', mem, { crew: 2, self: 2 }),
  ];
  const into = new Int32Array(8);
  const seen = new Set<number>();
  let torn = 0;
  // Counts alone end it; the writers only have to be seen at work.
  for (let i = 0; i < 30_000 || seen.size < 200; i++) {
    if (!lock.read(into)) torn++;
    for (let k = 1; k < 8; k++) if (into[k] !== Math.imul(into[0]!, k + 1)) torn++;
    seen.add(into[0]!);
  }
  Atomics.store(mem, STOP, 1);
  const written = await Promise.all(writers.map((w) => w.result));
  t.is(torn, 0);
  t.is(
    Atomics.load(mem, LOCK + SEQLOCK_LAYOUT.word('seq')) >>> 0,
    2 * (written[0]![0]! + written[1]![0]!),
    'two steps a write, none lost',
  );
});

test.serial('SeqLock: a terminated writer is recovered', async (t) => {
  const mem = sharedWords();
  const lock = new SeqLock(mem, LOCK, 8);
  const into = new Int32Array(8);
  lock.write(1, [1, 2, 3, 4, 5, 6, 7, 8]);
  const writer = start('seqHold', mem, { self: 7 });
  await until(() => mem[FLAG] === 1);
  t.false(lock.read(into, { interrupt: () => true }));
  t.throws(() => lock.writeEnd(1), { message: /left by 1, held by 7/ });
  await kill(writer);
  t.true(lock.recover(7));
  t.true(lock.read(into, { interrupt: () => true }));
  t.deepEqual(Array.from(into), [77, 2, 3, 4, 5, 6, 7, 8]);
  t.is(lock.writeBegin(2), 'poisoned');
  t.throws(() => lock.writeBegin(2), { message: /already/ });
  t.is(lock.get(0), 77);
  lock.writeEnd(2);
  t.is(lock.write(3, [1, 2, 3, 4, 5, 6, 7, 8]), 'ok');
});

test('SeqLock: death at any step of a write is recovered', (t) => {
  const into = new Int32Array(2);
  for (let step = 0, died = true; died; step++) {
    const lock = new SeqLock(sharedWords(), LOCK, 2);
    died = dieAt(step, () => lock.write(7, [5, 6]));
    const held = lock.recover(7);
    t.true(lock.read(into, { interrupt: () => true }), `step ${step}`);
    t.is(lock.write(1, [8, 9]), held ? 'poisoned' : 'ok');
    t.true(lock.read(into));
    t.deepEqual(Array.from(into), [8, 9]);
  }
});

test('SeqLock: a writer that comes between the two halves of a recovery does no harm', (t) => {
  const mem = sharedWords();
  const lock = new SeqLock(mem, LOCK, 2);
  lock.writeBegin(7);
  recoverWord(mem, LOCK + SEQLOCK_LAYOUT.word('writer'), 7);
  t.is(lock.write(1, [8, 9]), 'poisoned');
  const into = new Int32Array(2);
  t.true(lock.read(into, { interrupt: () => true }));
  t.false(lock.recover(7));
  t.true(lock.read(into, { interrupt: () => true }));
  t.deepEqual(Array.from(into), [8, 9]);
  t.is(lock.write(2, [1, 2]), 'ok');
});

test.serial('Stripes: pairs of stripes move tokens without losing one, or deadlocking', async (t) => {
  const mem = sharedWords();
  await startCrew('stripeMoves', mem, 3, 3000);
  // From 0 every move takes one and gives one. A lost update shows in the sum.
  t.is(
    mem.subarray(DATA, DATA + 64).reduce((a, b) => a + b, 0),
    0,
  );
  t.true(mem.subarray(DATA, DATA + 64).some((v) => v !== 0));
});

test('Stripes: lines share, neighbours spread, and only the owner unlocks', (t) => {
  const mem = sharedWords();
  const stripes = new Stripes(mem, LOCK, 16, { lineShift: 6, stride: 4 });
  t.is(stripes.of(0x1000), stripes.of(0x103f));
  t.is(stripes.of(0xffff_ffc0), stripes.of(0xffff_ffff | 0), 'addresses are unsigned and signed alike');
  const used = new Set(Array.from({ length: 64 }, (_, i) => stripes.of(i * 64)));
  t.is(used.size, 16, '64 lines in a row use all 16 stripes');
  t.is(stripes.lock(15, 5), 'ok');
  t.is(Atomics.load(mem, LOCK + 15 * 4), 5);
  t.true(stripes.heldBy(15, 5));
  t.is(stripes.lock(15, 6, { interrupt: () => true }), 'interrupted');
  t.is(stripes.lockPair(15, 3, 6, { interrupt: () => true }), 'interrupted');
  t.false(stripes.heldBy(3, 6), 'interrupted at the second, it gives the first back');
  t.throws(() => stripes.lock(15, 5), { message: /already/ });
  t.throws(() => stripes.unlock(15, 6), { message: /unlocked by 6, held by 5/ });
  stripes.unlock(15, 5);
  t.is(stripes.lockPair(3, 3, 6), 'ok');
  stripes.unlockPair(3, 3, 6);
  t.throws(() => new Stripes(mem, LOCK, 12), { instanceOf: RangeError });
});

test.serial('Stripes: what a terminated worker held is freed', async (t) => {
  const mem = sharedWords();
  const stripes = new Stripes(mem, LOCK, 8);
  const holder = start('stripeHold', mem, { self: 7 });
  await until(() => mem[FLAG] === 1);
  await kill(holder);
  stripes.lock(4, 1);
  t.is(stripes.recover(7), 2);
  t.true(stripes.heldBy(4, 1));
  t.is(stripes.lockPair(5, 3, 2), 'poisoned');
  stripes.unlockPair(5, 3, 2);
  t.is(stripes.lockPair(3, 5, 2), 'ok');
});

test.serial('Event: a change wakes, and is not missed', async (t) => {
  const mem = sharedWords();
  const event = new Event(mem, LOCK);
  const waiters = [start('eventWait', mem), start('eventWait', mem)];
  await until(() => mem[FLAG] === 2);
  await sleep(20);
  mem[DATA] = 42;
  t.is(event.bump(), 1);
  t.deepEqual(await Promise.all(waiters.map((w) => w.result)), [[42], [42]]);
  t.is(event.waitChange(0), 'changed');
  t.is(event.waitChange(1, undefined, 1), 'timeout');
  t.is(event.waitChange(1, undefined, 0), 'timeout');
  const calls: string[] = [];
  const wait = {
    interrupt: () => calls.push('poll') === 3,
    onBlock: () => calls.push('block'),
    onUnblock: () => calls.push('unblock'),
  };
  t.is(event.waitChange(1, wait), 'interrupted');
  t.deepEqual(calls, ['poll', 'block', 'poll', 'unblock']);
});
