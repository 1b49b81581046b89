import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { G_EXITING, STOP_YIELD, T_LIMIT, T_STOP, THREAD_STRIDE, THREADS } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { ThreadTable } from '../../kernel/core/threads.js';
import { BigLock } from '../../src/engine/big-lock.js';

const FIRST = THREADS;
const SECOND = THREADS + THREAD_STRIDE;

function rig(): { machine: Machine; big: BigLock } {
  const machine = Machine.create(0);
  return { machine, big: new BigLock(machine, new ThreadTable(machine, 4)) };
}

test('whoever may sleep does not hold the lock meanwhile, and holds it after, even when the call fails', (t) => {
  const { big } = rig();
  big.acquire(FIRST);
  const inside = big.without(FIRST, () => {
    big.acquire(SECOND);
    big.release(SECOND);
    return 7;
  });
  t.is(inside, 7);
  t.throws(() =>
    big.without(FIRST, () => {
      throw new Error('interrupted');
    }),
  );
  // Held again: releasing lets the other thread in at once.
  big.release(FIRST);
  big.acquire(SECOND);
  big.release(SECOND);
  t.pass();
});

test('with nobody waiting an offer changes nothing', (t) => {
  const { machine, big } = rig();
  big.acquire(FIRST);
  big.offer(FIRST);
  t.is(machine.i32[(FIRST + T_STOP) >> 2], 0);
  big.release(FIRST);
  big.release(FIRST);
  t.pass();
});

test('a waiter asks the holder to come to a safepoint, but not at once', async (t) => {
  const { machine, big } = rig();
  const { i32 } = machine;
  i32[(FIRST + T_LIMIT) >> 2] = 1500;
  big.acquire(FIRST);
  // The holder lives on this very worker and cannot hand over: an ending process lets the waiter go.
  Atomics.store(i32, G_EXITING >> 2, 1);
  big.acquire(SECOND);
  t.is(i32[(FIRST + T_STOP) >> 2], 0);
  Atomics.store(i32, G_EXITING >> 2, 0);
  const ender = new Worker(
    `const { memory, word, unasked } = require('node:worker_threads').workerData;
     const i32 = new Int32Array(memory.buffer);
     while (Atomics.load(i32, unasked) === 0) Atomics.wait(i32, word, 0, 1);
     Atomics.store(i32, word, 1);`,
    {
      eval: true,
      workerData: { memory: machine.memory, word: G_EXITING >> 2, unasked: (FIRST + T_STOP) >> 2 },
    },
  );
  await once(ender, 'online');
  big.acquire(SECOND);
  t.is(i32[(FIRST + T_STOP) >> 2], STOP_YIELD);
  t.is(i32[(FIRST + T_LIMIT) >> 2], 0);
});
