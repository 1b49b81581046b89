import test, { type ExecutionContext } from 'ava';
import { FAIRLOCK_LAYOUT, FairLock } from '../../sync/fairlock.js';
import { DATA, dieAt, FLAG, kill, LOCK, sharedWords, start, startCrew, until } from './crew.js';

const CREW = 4;
const ROUNDS = 400;
const GRANTED = 0x4000_0000;
const word = (field: Parameters<typeof FAIRLOCK_LAYOUT.word>[0]) => LOCK + FAIRLOCK_LAYOUT.word(field);

function assertFair(t: ExecutionContext, mem: Int32Array, results: number[][]): void {
  t.is(mem[DATA], ROUNDS);
  for (const [mine] of results) t.true(mine! >= 0.2 * ROUNDS && mine! <= 0.3 * ROUNDS, `${results}`);
  // In the order of arrival means: the same four, round and round.
  const log = Array.from(mem.subarray(DATA + 1, DATA + 1 + ROUNDS));
  t.deepEqual(log.slice(0, CREW).sort(), [1, 2, 3, 4]);
  t.deepEqual(log.slice(CREW), log.slice(0, -CREW));
}

test.serial('under contention each of four workers gets its quarter, in turn', async (t) => {
  const mem = sharedWords();
  assertFair(t, mem, await startCrew('fairRotate', mem, CREW, ROUNDS));
  const lock = new FairLock(mem, LOCK);
  t.is(lock.owner(), 0);
  t.is(lock.waiters(), 0);
  t.true(lock.handovers() >= ROUNDS - 1, 'every turn but the first was a hand-over');
});

test.serial('yielding goes round as well', async (t) => {
  const mem = sharedWords();
  assertFair(t, mem, await startCrew('fairYield', mem, CREW, ROUNDS));
});

test.serial('more threads than tickets still exclude each other', async (t) => {
  const mem = sharedWords();
  await startCrew('fairCrowd', mem, 5, 150);
  t.is(mem[DATA], 750);
  t.is(mem[DATA + 1], 750);
  t.not(Atomics.load(mem, word('space')), 0, 'somebody found the queue full');
});

test('it knows its holder, is not recursive, and only the holder gives it up', (t) => {
  const lock = new FairLock(sharedWords(), LOCK);
  t.is(lock.owner(), 0);
  t.is(lock.acquire(5), 'ok');
  t.true(lock.heldBy(5));
  t.throws(() => lock.acquire(5), { message: /holds it already/ });
  t.throws(() => lock.release(6), { message: /given up by 6, held by 5/ });
  t.is(lock.yieldTo(5), 'kept');
  t.true(lock.heldBy(5));
  lock.release();
  t.throws(() => lock.release(), { message: /held by nobody/ });
  t.throws(() => lock.yieldTo(), { message: /held by nobody/ });
  t.throws(() => new FairLock(sharedWords(), LOCK, undefined, 12), { instanceOf: RangeError });
});

test('tickets wrap around at 2^32', (t) => {
  const mem = sharedWords();
  Atomics.store(mem, word('head'), -3);
  Atomics.store(mem, word('tail'), -3);
  const lock = new FairLock(mem, LOCK);
  for (let i = 0; i < 6; i++) {
    t.is(lock.acquire(1), 'ok');
    t.is(lock.acquire(2, { interrupt: () => true }), 'interrupted');
    t.true(lock.heldBy(1));
    lock.release(1);
  }
  t.is(Atomics.load(mem, word('head')), 9);
});

test('a waiter that is interrupted, or throws, leaves no ticket behind', (t) => {
  const lock = new FairLock(sharedWords(), LOCK);
  const calls: string[] = [];
  lock.acquire(1);
  const wait = {
    interrupt: () => {
      t.is(lock.waiters(), 1);
      return calls.push('poll') === 4;
    },
    onBlock: () => calls.push('block'),
    onUnblock: () => calls.push('unblock'),
  };
  t.is(lock.acquire(2, wait), 'interrupted');
  t.deepEqual(calls, ['poll', 'block', 'poll', 'poll', 'unblock']);
  t.is(lock.waiters(), 0);
  const interrupt = () => {
    throw new Error('asked to leave');
  };
  t.throws(() => lock.acquire(3, { interrupt }), { message: 'asked to leave' });
  lock.release(1);
  t.is(lock.owner(), 0);
  t.is(lock.acquire(4), 'ok');
});

test('a hand-over that comes with the interrupt is taken', (t) => {
  const lock = new FairLock(sharedWords(), LOCK);
  lock.acquire(1);
  const interrupt = () => {
    lock.release(1);
    return true;
  };
  t.is(lock.acquire(2, { interrupt }), 'ok');
  t.true(lock.heldBy(2));
});

test('a full queue turns newcomers away until it moves', (t) => {
  const lock = new FairLock(sharedWords(), LOCK, undefined, 2);
  lock.acquire(1);
  let inner: string | undefined;
  const outer = lock.acquire(2, {
    interrupt: () => {
      inner = lock.acquire(3, { interrupt: () => true });
      return true;
    },
  });
  t.deepEqual([outer, inner], ['interrupted', 'interrupted']);
  lock.release(1);
  t.is(lock.acquire(3), 'ok');
});

test.serial('a holder and a waiter that are terminated cost nobody the lock', async (t) => {
  const mem = sharedWords();
  const lock = new FairLock(mem, LOCK);
  const holder = start('fairHold', mem, { self: 10 });
  await until(() => mem[FLAG] === 1);
  const crew = [];
  for (const [i, self] of [11, 12, 13].entries()) {
    crew.push(start('fairOnce', mem, { self }));
    await until(() => lock.waiters() === i + 1);
  }
  await kill(crew[1]!);
  t.false(lock.recover(12), 'it only waited');
  t.is(lock.waiters(), 2);
  t.true(lock.heldBy(10));
  await kill(holder);
  t.is(mem[DATA], 0);
  t.true(lock.recover(10));
  t.deepEqual([await crew[0]!.result, await crew[2]!.result], [[1], [0]], 'the first one in is told');
  t.deepEqual(Array.from(mem.subarray(DATA, DATA + 3)), [2, 11, 13]);
  t.is(lock.acquire(1), 'ok');
});

/** Puts a waiter with that id into the queue as if its thread had drawn a ticket and gone to sleep. */
function queue(mem: Int32Array, self: number): number {
  const tail = Atomics.add(mem, word('tail'), 1);
  const slot = word('slots') + (tail & 31);
  Atomics.store(mem, slot, self);
  return slot;
}

/** After a recovery the waiters left must get the lock one after the other, and then it is free. */
function assertDrains(t: ExecutionContext, mem: Int32Array, expected: number[], note: string): void {
  const lock = new FairLock(mem, LOCK);
  t.is(Atomics.load(mem, word('guard')), 0, note);
  for (const id of expected) {
    t.is(lock.owner(), id, note);
    lock.release(id);
  }
  t.is(lock.owner(), 0, note);
  t.is(Atomics.load(mem, word('head')), Atomics.load(mem, word('tail')), note);
}

test('death at any step of release is recovered', (t) => {
  for (let step = 0, died = true; died; step++) {
    const mem = sharedWords();
    const lock = new FairLock(mem, LOCK);
    lock.acquire(7);
    queue(mem, 20);
    queue(mem, 21);
    died = dieAt(step, () => lock.release(7));
    lock.recover(7);
    assertDrains(t, mem, [20, 21], `step ${step}`);
  }
});

test('death at any step of yieldTo is recovered', (t) => {
  for (let step = 0; step < 30; step++) {
    const mem = sharedWords();
    const lock = new FairLock(mem, LOCK);
    lock.acquire(7);
    const abandoned = queue(mem, 19);
    queue(mem, 20);
    Atomics.store(mem, abandoned, 0);
    // It would sleep for its turn; nobody gives it one, so the interrupt is where it dies at the latest.
    dieAt(step, (dieNow) => lock.yieldTo(7, { interrupt: dieNow }));
    lock.recover(7);
    assertDrains(t, mem, [20], `step ${step}`);
  }
});

test('death at any step of acquire is recovered, waiting or not', (t) => {
  for (const waiters of [[], [20]]) {
    for (let step = 0; step < 30; step++) {
      const mem = sharedWords();
      const lock = new FairLock(mem, LOCK);
      if (waiters.length > 0) lock.acquire(1);
      dieAt(step, (dieNow) => lock.acquire(7, { interrupt: dieNow }));
      for (const id of waiters) queue(mem, id);
      const held = lock.heldBy(7);
      t.is(lock.recover(7), held);
      assertDrains(t, mem, waiters.length > 0 ? [1, ...waiters] : [], `step ${step}`);
      t.is(lock.acquire(2), held ? 'poisoned' : 'ok');
    }
  }
});

test('a grant whose wake-up was lost is sent again', async (t) => {
  const mem = sharedWords();
  const lock = new FairLock(mem, LOCK);
  lock.acquire(7);
  const waiter = start('fairOnce', mem, { self: 8 });
  await until(() => lock.waiters() === 1);
  // As release does it, as far as the notify.
  Atomics.store(mem, word('slots'), 0);
  Atomics.store(mem, word('head'), 1);
  Atomics.store(mem, word('slots') + 1, 8 | GRANTED);
  lock.recover(7);
  t.deepEqual(await waiter.result, [0]);
});
