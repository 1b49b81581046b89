import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { POISONED, RECOVERER, WAITERS } from '../../sync/futexword.js';
import { MUTEX_LAYOUT, Mutex } from '../../sync/mutex.js';
import { DATA, dieAt, FLAG, kill, LOCK, sharedWords, start, startCrew, until } from './crew.js';

const STATE = LOCK + MUTEX_LAYOUT.word('state');

test.serial('three workers exclude each other', async (t) => {
  const mem = sharedWords();
  const results = await startCrew('mutexCount', mem, 3, 4000);
  t.deepEqual(results, [[0], [0], [0]]);
  t.is(mem[DATA], 12_000);
  t.is(new Mutex(mem, LOCK).owner(), 0);
});

test('it knows its owner, is not recursive, and only the owner unlocks', (t) => {
  const mem = sharedWords();
  const mutex = new Mutex(mem, LOCK);
  t.is(mutex.lock(5), 'ok');
  t.true(mutex.heldBy(5));
  t.false(mutex.heldBy(6));
  t.is(mutex.tryLock(6), undefined);
  t.is(mutex.tryLock(5), undefined);
  t.throws(() => mutex.lock(5), { message: /holds it already/ });
  t.throws(() => mutex.unlock(6), { message: /unlocked by 6, held by 5/ });
  mutex.unlock();
  t.is(mutex.owner(), 0);
  t.throws(() => mutex.unlock(), { message: /held by nobody/ });
  t.is(mutex.tryLock(6), 'ok');
  for (const id of [0, -1, 1.5, RECOVERER]) t.throws(() => mutex.lock(id), { instanceOf: RangeError });
});

test('a wait is interrupted, and says when it blocks', (t) => {
  const mem = sharedWords();
  const mutex = new Mutex(mem, LOCK);
  const calls: string[] = [];
  const wait = {
    interrupt: () => calls.push('poll') === 5,
    onBlock: () => calls.push('block'),
    onUnblock: () => calls.push('unblock'),
  };
  mutex.lock(1, wait);
  t.deepEqual(calls, [], 'a free mutex calls nothing');
  t.is(mutex.lock(2, wait), 'interrupted');
  t.deepEqual(calls, ['poll', 'block', 'poll', 'poll', 'poll', 'unblock']);
  t.is(mutex.owner(), 1);
  t.is(mutex.contended(), 1);
  t.is(Atomics.load(mem, STATE), 1 | WAITERS, 'whoever sleeps beside the one that left must still be woken');
  mutex.unlock(1);
  t.is(mutex.lock(2), 'ok');
});

test('an interrupt that throws leaves the mutex usable', (t) => {
  const mutex = new Mutex(sharedWords(), LOCK);
  mutex.lock(1);
  const interrupt = () => {
    throw new Error('asked to leave');
  };
  t.throws(() => mutex.lock(2, { interrupt }), { message: 'asked to leave' });
  mutex.unlock(1);
  t.is(mutex.lock(2), 'ok');
});

test.serial('a mutex whose owner was terminated is recovered, and says so once', async (t) => {
  const mem = sharedWords();
  const mutex = new Mutex(mem, LOCK);
  const holder = start('mutexHold', mem, { self: 7 });
  await until(() => mem[FLAG] === 1);
  const waiter = start('mutexTake', mem, { self: 8 });
  await until(() => (Atomics.load(mem, STATE) & WAITERS) !== 0);
  await kill(holder);
  t.is(mutex.owner(), 7, 'death alone frees nothing');
  t.false(mutex.recover(6));
  t.true(mutex.recover(7));
  t.deepEqual(await waiter.result, [1]);
  t.is(mutex.lock(1), 'ok');
  t.false(mutex.recover(7));
});

test.serial('one unlock sets two sleepers going, one after the other', async (t) => {
  const mem = sharedWords();
  const mutex = new Mutex(mem, LOCK);
  mutex.lock(1);
  const waiters = [8, 9].map((self) => start('mutexTake', mem, { self }));
  await until(() => mutex.contended() === 2);
  // Counted, they are about to sleep; should one not be there yet, the test is easier to pass, not harder.
  await sleep(20);
  mutex.unlock(1);
  t.deepEqual(await Promise.all(waiters.map((w) => w.result)), [[0], [0]]);
});

test('poison stays when the owner could not repair', (t) => {
  const mutex = new Mutex(sharedWords(), LOCK);
  mutex.lock(7);
  mutex.recover(7);
  t.is(mutex.tryLock(1), 'poisoned');
  mutex.unlock(1, true);
  t.is(mutex.lock(2), 'poisoned');
  mutex.unlock(2);
  t.is(mutex.lock(3), 'ok');
});

test.serial('a wake-up that died with its sender is made up for', async (t) => {
  const mem = sharedWords();
  const mutex = new Mutex(mem, LOCK);
  mutex.lock(1);
  const waiter = start('mutexTake', mem, { self: 8 });
  await until(() => (Atomics.load(mem, STATE) & WAITERS) !== 0);
  // What unlock does, as far as its notify.
  Atomics.store(mem, STATE, 0);
  t.false(mutex.recover(1));
  t.deepEqual(await waiter.result, [0]);
});

test('death at any step of lock and unlock is recovered', (t) => {
  for (let step = 0, died = true; died; step++) {
    const mem = sharedWords();
    const mutex = new Mutex(mem, LOCK);
    died = dieAt(step, () => {
      mutex.lock(7);
      mutex.unlock(7);
    });
    const held = mutex.heldBy(7);
    t.is(mutex.recover(7), held);
    t.is(Atomics.load(mem, STATE), held ? POISONED : 0);
    t.is(mutex.lock(1), held ? 'poisoned' : 'ok');
  }
});
