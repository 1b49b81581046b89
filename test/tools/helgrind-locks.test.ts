/** Locks: edges, sets of locks held, lock order, and misuse. Expected texts are Valgrind's (valgrind-facts 9.5). */
import test from 'ava';
import { SyncRig } from './helgrind-sync.js';

const A = 0x1000;
const B = 0x2000;
const C = 0x3000;
const lock = 'pthread_mutex_lock';
const unlock = 'pthread_mutex_unlock';

test('a mutex hands what its owner did to the next owner', (t) => {
  const r = new SyncRig();
  r.call(1, lock, [A]);
  r.call(1, unlock, [A]);
  r.call(2, lock, [A]);
  t.deepEqual(r.newEdges(), ['#1 acquires 1/0', '#1 replaces 1/0', '#2 acquires 1/0']);
  t.deepEqual(r.news(), []);
});

test('a lock that was not got makes no edge and is not held', (t) => {
  const r = new SyncRig();
  r.call(1, 'pthread_mutex_trylock', [A], 16);
  r.call(1, 'pthread_mutex_timedlock', [A], 110);
  t.deepEqual(r.newEdges(), []);
  t.deepEqual(r.lockSet(1), []);
  t.deepEqual(r.news(), []);
});

test('a recursive mutex is given up by the last unlock only', (t) => {
  const r = new SyncRig();
  r.call(1, lock, [A]);
  r.call(1, lock, [A]);
  r.newEdges();
  r.call(1, unlock, [A]);
  t.deepEqual(r.newEdges(), []);
  t.deepEqual(r.lockSet(1), [A]);
  r.call(1, unlock, [A]);
  t.deepEqual(r.newEdges(), ['#1 replaces 1/0']);
  t.deepEqual(r.lockSet(1), []);
});

test('readers learn from writers, writers from both, readers not from readers', (t) => {
  const r = new SyncRig();
  r.call(1, 'pthread_rwlock_rdlock', [A]);
  r.call(1, 'pthread_rwlock_unlock', [A]);
  r.call(2, 'pthread_rwlock_rdlock', [A]);
  r.call(2, 'pthread_rwlock_unlock', [A]);
  t.deepEqual(r.newEdges(), ['#1 acquires 1/0', '#1 joins 1/1', '#2 acquires 1/0', '#2 joins 1/1']);
  r.call(3, 'pthread_rwlock_wrlock', [A]);
  r.call(3, 'pthread_rwlock_unlock', [A]);
  t.deepEqual(r.newEdges(), ['#3 acquires 1/0', '#3 acquires 1/1', '#3 replaces 1/0']);
  t.deepEqual(r.news(), []);
});

test('sets of locks held are numbered and carry where each lock was first seen', (t) => {
  const r = new SyncRig();
  r.call(1, lock, [A], 0, 0x77);
  r.call(1, lock, [B], 0, 0x88);
  t.deepEqual(r.lockSet(1), [A, B]);
  r.call(2, lock, [C]);
  r.call(1, unlock, [A]);
  t.deepEqual(r.lockSet(1), [B]);
  t.deepEqual(r.lockSet(2), [C]);
  const set = r.host.machine.i32[(r.ts(1) + 768 + 8) >> 2]!;
  t.deepEqual(
    r.tool.lockSets.locksOf(set).map((l) => l.seen),
    [0x88],
  );
  // Another worker finds the same set by its number.
  r.call(1, unlock, [B]);
  r.call(3, lock, [B]);
  t.is(r.host.machine.i32[(r.ts(3) + 768 + 8) >> 2], set);
});

test('two orders of two locks are reported with all four stacks, once', (t) => {
  const r = new SyncRig();
  r.call(1, lock, [A], 0, 11);
  r.call(1, lock, [B], 0, 12);
  r.call(1, unlock, [B]);
  r.call(1, unlock, [A]);
  t.deepEqual(r.news(), []);
  r.call(2, lock, [B], 0, 21);
  r.enter(2, lock, [A], 22);
  t.deepEqual(r.text().slice(0, 9), [
    'Thread #2: lock order "0x1000 before 0x2000" violated',
    'Observed (incorrect) order is: acquisition of lock at 0x2000',
    'at 21',
    'followed by a later acquisition of lock at 0x1000',
    'at 22',
    'Required order was established by acquisition of lock at 0x1000',
    'at 11',
    'followed by a later acquisition of lock at 0x2000',
    'at 12',
  ]);
  t.is(r.news().length, 1);
  r.leave(2, lock, [A]);
  r.call(2, unlock, [A]);
  r.call(2, lock, [A], 0, 22);
  t.deepEqual(r.news(), []);
});

test('a cycle of three locks is found, and its way shown', (t) => {
  const r = new SyncRig();
  const pair = (n: number, x: number, y: number): void => {
    r.call(n, lock, [x], 0, n * 10);
    r.call(n, lock, [y], 0, n * 10 + 1);
    r.call(n, unlock, [y]);
    r.call(n, unlock, [x]);
  };
  pair(1, A, B);
  pair(2, B, C);
  t.is(r.found.length, 0);
  pair(3, C, A);
  const text = r.text();
  t.is(text[0], 'Thread #3: lock order "0x1000 before 0x3000" violated');
  t.deepEqual(text.filter((l) => l.startsWith('at ')).slice(0, 6), [
    'at 30',
    'at 31',
    'at 10',
    'at 11',
    'at 20',
    'at 21',
  ]);
});

test('what is only tried for waits for nobody; what it holds counts', (t) => {
  const r = new SyncRig();
  r.call(1, lock, [A]);
  r.call(1, lock, [B]);
  r.call(1, unlock, [B]);
  r.call(1, unlock, [A]);
  r.call(2, lock, [B]);
  r.call(2, 'pthread_mutex_trylock', [A]);
  t.deepEqual(r.news(), []);
  r.call(2, unlock, [A]);
  r.call(2, unlock, [B]);
  r.call(2, 'pthread_mutex_trylock', [B]);
  r.call(2, lock, [A]);
  t.is(r.news().length, 1);
});

test('locks that were destroyed leave the order', (t) => {
  const r = new SyncRig();
  r.call(1, lock, [A]);
  r.call(1, lock, [B]);
  r.call(1, unlock, [B]);
  r.call(1, unlock, [A]);
  r.call(1, 'pthread_mutex_destroy', [A]);
  r.call(1, 'pthread_mutex_init', [A, 0]);
  r.call(1, lock, [B]);
  r.call(1, lock, [A]);
  t.deepEqual(r.news(), []);
});

test('a thousand locks in one order, and one against it', (t) => {
  const r = new SyncRig();
  for (let i = 0; i < 1000; i++) {
    r.call(1, lock, [0x10000 + i * 64]);
    r.call(1, lock, [0x10000 + (i + 1) * 64]);
    r.call(1, unlock, [0x10000 + (i + 1) * 64]);
    r.call(1, unlock, [0x10000 + i * 64]);
  }
  t.deepEqual(r.news(), []);
  r.call(1, lock, [0x10000 + 1000 * 64]);
  r.call(1, lock, [0x10000]);
  t.is(r.news().length, 1);
});

test('unlocking what is not held', (t) => {
  const r = new SyncRig();
  r.call(1, unlock, [A]);
  t.deepEqual(r.news(), ['UnlockBogus: Thread #1 unlocked an invalid lock at 0x1000']);
  r.call(1, lock, [A]);
  r.call(2, unlock, [A]);
  t.deepEqual(r.news(), ['UnlockForeign: Thread #2 unlocked lock at 0x1000 currently held by thread #1']);
  r.call(1, unlock, [A]);
  t.deepEqual(r.news(), ['UnlockUnlocked: Thread #1 unlocked a not-locked lock at 0x1000']);
});

test('a refused unlock leaves the lock with its owner', (t) => {
  const r = new SyncRig();
  r.call(1, lock, [A]);
  r.call(2, unlock, [A], 1);
  t.deepEqual(r.news(), [
    'UnlockForeign: Thread #2 unlocked lock at 0x1000 currently held by thread #1',
    "PthAPIerror: Thread #2's call to pthread_mutex_unlock failed",
  ]);
  r.call(1, unlock, [A]);
  t.deepEqual(r.news(), []);
});

test('functions for one kind of lock on another kind', (t) => {
  const r = new SyncRig();
  r.call(1, 'pthread_rwlock_init', [A]);
  r.call(1, lock, [A], 22);
  r.call(1, 'pthread_mutex_init', [B]);
  r.call(1, 'pthread_rwlock_rdlock', [B], 22);
  t.deepEqual(r.news(), [
    'Misc: Thread #1: pthread_mutex_lock with a pthread_rwlock_t* argument',
    "PthAPIerror: Thread #1's call to pthread_mutex_lock failed",
    'Misc: Thread #1: pthread_rwlock_{rd,rw}lock with a pthread_mutex_t* argument',
    "PthAPIerror: Thread #1's call to pthread_rwlock_rdlock failed",
  ]);
});

test('destroying, freeing, ending with a held lock', (t) => {
  const r = new SyncRig();
  r.call(1, lock, [A]);
  r.call(1, 'pthread_mutex_destroy', [A], 16);
  t.deepEqual(r.news(), [
    'Misc: Thread #1: pthread_mutex_destroy of a locked mutex',
    "PthAPIerror: Thread #1's call to pthread_mutex_destroy failed",
  ]);
  r.call(1, lock, [B]);
  r.tool.forget(r.ts(1), B - 8, B + 8);
  t.deepEqual(r.news(), ['FreeMemLock: Thread #1 deallocated location 0x2000 containing a locked lock']);
  r.call(1, lock, [C]);
  r.tool.threadEnds(r.ts(1));
  t.deepEqual(r.news(), ['Misc: Thread #1: Exiting thread still holds 1 lock']);
});

test('locks held for too long', (t) => {
  const r = new SyncRig({ 'exclusive-threshold': '0', 'shared-threshold': '100000' });
  r.call(1, lock, [A], 0, 5);
  const until = performance.now() + 3;
  while (performance.now() < until);
  r.enter(1, unlock, [A], 6);
  t.regex(r.text()[0]!, /^Lock on mutex 0x1000 was held during \d+ ms \(threshold: 0 ms\)\.$/);
  t.deepEqual(r.text().slice(1, 4), ['at 6', 'Acquired at:', 'at 5']);
  t.is(r.news().length, 1);
  r.call(1, 'pthread_rwlock_rdlock', [B]);
  r.call(1, 'pthread_rwlock_unlock', [B]);
  t.deepEqual(r.news(), []);
});

test('another worker sees the same locks', (t) => {
  const r = new SyncRig();
  r.call(1, lock, [A]);
  const o = r.tool.objects.find(A, 'mutex');
  t.not(o, 0);
  r.call(1, unlock, [A]);
  // Found by one, dropped by another: the first must not use what it remembers.
  const other = new SyncRig();
  t.is(other.tool.objects.find(A, 'mutex'), 0, 'a machine of its own');
  r.tool.objects.drop(o);
  t.is(r.tool.objects.find(A, 'mutex'), 0);
});
