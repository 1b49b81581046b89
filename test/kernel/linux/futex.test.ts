import test from 'ava';
import { T_CLEAR_TID, T_ROBUST, T_TID } from '../../../kernel/core/layout.js';
import { EAGAIN, EDEADLK, EFAULT, EINVAL, ETIMEDOUT } from '../../../kernel/linux/errno.js';
import { Rig } from './rig.js';
import { COUNT, load, NR, PRIVATE, READY, TIME, WORD, WORD2 } from './scenarios.js';

/** Futex operations, private. */
const WAIT = 0 | PRIVATE;
const WAKE = 1 | PRIVATE;
const REQUEUE = 3 | PRIVATE;
const CMP_REQUEUE = 4 | PRIVATE;
const WAKE_OP = 5 | PRIVATE;
const WAIT_BITSET = 9 | PRIVATE;
const WAKE_BITSET = 10 | PRIVATE;

function timeout(rig: Rig, seconds: number, nanoseconds: number): number {
  rig.kernel.mem.writeU64(TIME, seconds);
  rig.kernel.mem.writeU64(TIME + 8, nanoseconds);
  return TIME;
}

/** Wakes until one more thread was there to be woken: a waiter may have announced itself and not be asleep yet. */
function wakeOne(rig: Rig, addr: number, op = WAKE, bits = -1): void {
  while (rig.call(NR.futex, addr, op, 1, 0, 0, bits) !== 1) Atomics.wait(rig.machine.i32, 4, 0, 1);
}

test('a wait on another value is EAGAIN, a misaligned or unmapped word an error', (t) => {
  const rig = Rig.create();
  t.is(rig.call(NR.futex, WORD, WAIT, 7, 0), -EAGAIN);
  t.is(rig.call(NR.futex, WORD + 1, WAIT, 0, 0), -EINVAL);
  t.is(rig.call(NR.futex, 0x7000_0000, WAIT, 0, 0), -EFAULT);
  t.is(rig.call(NR.futex, WORD, WAIT_BITSET, 0, 0, 0, 0), -EINVAL);
  t.is(rig.call(NR.futex, WORD, WAKE, 5), 0);
});

test('timeouts: relative, absolute monotonic, absolute wall clock; impossible ones are EINVAL', (t) => {
  const rig = Rig.create();
  const before = performance.now();
  t.is(rig.call(NR.futex, WORD, WAIT, 0, timeout(rig, 0, 20_000_000)), -ETIMEDOUT);
  t.true(performance.now() - before >= 19);
  const [sec, nsec] = process.hrtime();
  t.is(rig.call(NR.futex, WORD, WAIT_BITSET, 0, timeout(rig, sec, nsec), 0, -1), -ETIMEDOUT);
  const now = Date.now() + 30;
  const wall = timeout(rig, Math.floor(now / 1000), (now % 1000) * 1e6);
  t.is(rig.call(NR.futex, WORD, WAIT_BITSET | 256, 0, wall, 0, -1), -ETIMEDOUT);
  t.true(Date.now() >= now - 2);
  t.is(rig.call(NR.futex, WORD, WAIT, 0, timeout(rig, 0, 1e9)), -EINVAL);
  t.is(rig.call(NR.futex, WORD, WAKE, 1), 0, 'nobody is left in the queue');
});

test('a waiter is woken once, and private and shared waits do not meet', async (t) => {
  const rig = Rig.create();
  const waiter = rig.spawn('wait');
  await rig.until(() => load(rig, READY) === 1);
  // Once around every bucket: none of the other words of the page wakes it.
  for (let other = WORD + 4; other < WORD + 4096; other += 4) t.is(rig.call(NR.futex, other, WAKE, 1), 0);
  t.is(rig.call(NR.futex, WORD, 1, 1), 0, 'a shared wake');
  wakeOne(rig, WORD);
  t.is(await waiter, 0);
  t.is(rig.call(NR.futex, WORD, WAKE, 1), 0);
});

test('bitsets choose whom to wake', async (t) => {
  const rig = Rig.create();
  const first = rig.spawn('bitset', 0);
  const second = rig.spawn('bitset', 1);
  await rig.until(() => load(rig, READY) === 2);
  wakeOne(rig, WORD, WAKE_BITSET, 2);
  t.is(await second, 0);
  t.is(rig.call(NR.futex, WORD, WAKE_BITSET, 9, 0, 0, 2), 0);
  wakeOne(rig, WORD, WAKE_BITSET, 1);
  t.is(await first, 0);
});

test('requeue wakes some and moves the others, who then answer to the second word', async (t) => {
  const rig = Rig.create();
  const waiters = [rig.spawn('wait'), rig.spawn('wait'), rig.spawn('wait')];
  await rig.until(() => load(rig, READY) === 3);
  t.is(rig.call(NR.futex, WORD, CMP_REQUEUE, 0, 9, WORD2, 5), -EAGAIN);
  // Moving onto itself counts who waits, without waking anybody.
  await rig.until(() => rig.call(NR.futex, WORD, REQUEUE, 0, 9, WORD) === 3);
  t.is(rig.call(NR.futex, WORD, CMP_REQUEUE, 1, 9, WORD2, 0), 3, 'one woken, two moved');
  t.is(rig.call(NR.futex, WORD, WAKE, 9), 0);
  t.is(rig.call(NR.futex, WORD2, WAKE, 9), 2);
  t.deepEqual(await Promise.all(waiters), [0, 0, 0]);
});

test('WAKE_OP changes the second word and wakes on it when the old value compares', async (t) => {
  const rig = Rig.create();
  const waiter = rig.spawn('wait');
  await rig.until(() => load(rig, READY) === 1);
  rig.kernel.mem.writeU32(WORD2, 5);
  // FUTEX_OP_ADD 3, FUTEX_OP_CMP_EQ 5.
  const op = (1 << 28) | (0 << 24) | (3 << 12) | 5;
  await rig.until(() => rig.call(NR.futex, WORD, REQUEUE, 0, 9, WORD) === 1);
  t.is(rig.call(NR.futex, WORD2, WAKE_OP, 1, 1, WORD2, op), 0);
  t.is(load(rig, WORD2), 8);
  rig.kernel.mem.writeU32(WORD2, 5);
  t.is(rig.call(NR.futex, WORD, WAKE_OP, 1, 1, WORD2, op), 1);
  t.is(load(rig, WORD2), 8);
  t.is(await waiter, 0);
});

test('no wake-up is lost: three threads on one futex mutex', async (t) => {
  const rig = Rig.create();
  const rounds = 3000;
  const workers = [0, 1, 2].map(() => rig.spawn('mutex', rounds));
  t.deepEqual(await Promise.all(workers), [0, 0, 0]);
  t.is(load(rig, COUNT), 3 * rounds);
});

test('priority-inheritance locks hand ownership over, and know their owner', async (t) => {
  const rig = Rig.create();
  const workers = [0, 1, 2].map(() => rig.spawn('pi', 1000));
  t.deepEqual(await Promise.all(workers), [0, 0, 0]);
  t.is(load(rig, COUNT), 3000);
  const LOCK_PI = 6 | PRIVATE;
  const UNLOCK_PI = 7 | PRIVATE;
  t.is(rig.call(NR.futex, WORD, UNLOCK_PI), -1, 'EPERM: not the owner');
  t.is(rig.call(NR.futex, WORD, LOCK_PI, 0, 0), 0);
  t.is(load(rig, WORD), rig.kernel.tid);
  t.is(rig.call(NR.futex, WORD, LOCK_PI, 0, 0), -EDEADLK);
  t.is(rig.call(NR.futex, WORD, UNLOCK_PI), 0);
  t.is(load(rig, WORD), 0);
});

test('the end of the process ends every wait', async (t) => {
  const rig = Rig.create();
  const waiters = [rig.spawn('wait'), rig.spawn('wait')];
  await rig.until(() => load(rig, READY) === 2);
  rig.exitProcess(3);
  t.deepEqual(await Promise.all(waiters), ['leaves', 'leaves']);
});

test('a thread that ends clears its tid word, wakes the joiner, and gives its robust locks up', async (t) => {
  const rig = Rig.create();
  const { mem } = rig.kernel;
  const OWNER_DIED = 0x4000_0000;
  const WAITERS = 0x8000_0000;
  const head = 0x10800;
  const node = 0x10900;
  const tid = rig.machine.i32[(rig.ts + T_TID) >> 2]!;
  mem.writeU64(head, node);
  mem.writeU64(head + 8, 32);
  mem.writeU64(head + 16, 0);
  mem.writeU64(node, head);
  mem.writeU32(node + 32, (tid | WAITERS) >>> 0);
  rig.setWord64(rig.ts + T_ROBUST, head);
  rig.setWord64(rig.ts + T_CLEAR_TID, WORD2);
  mem.writeU32(WORD2, tid);
  t.is(rig.call(NR.exit, 7), 'leaves');
  t.is(mem.readU32(WORD2), 0);
  t.is(mem.readU32(node + 32), (OWNER_DIED | WAITERS) >>> 0);
  t.deepEqual(rig.ended, [{ ts: rig.ts, code: 7 }]);
});
