/** Condition variables, semaphores, barriers, requests: edges and misuse. */
import test from 'ava';
import { LIFE_RUNNING, T_LIFE } from '../../kernel/core/layout.js';
import type { Wrap } from '../../src/tools/api.js';
import { SyncRig } from './helgrind-sync.js';

const M = 0x1000;
const N = 0x2000;
const CV = 0x3000;
const S = 0x4000;
const BAR = 0x5000;

test('a condition wait gives the mutex up and takes it again; a signal is an edge, a timeout is none', (t) => {
  const r = new SyncRig();
  r.call(1, 'pthread_mutex_lock', [M]);
  r.newEdges();
  r.enter(1, 'pthread_cond_wait', [CV, M]);
  t.deepEqual(r.newEdges(), ['#1 replaces 1/0']);
  t.deepEqual(r.lockSet(1), []);
  r.call(2, 'pthread_cond_signal', [CV]);
  t.deepEqual(r.newEdges(), ['#2 joins 2/0']);
  r.leave(1, 'pthread_cond_wait', [CV, M]);
  t.deepEqual(r.newEdges(), ['#1 acquires 2/0', '#1 acquires 1/0']);
  t.deepEqual(r.lockSet(1), [M]);
  r.enter(1, 'pthread_cond_timedwait', [CV, M]);
  r.newEdges();
  r.leave(1, 'pthread_cond_timedwait', [CV, M], 110);
  t.deepEqual(r.newEdges(), ['#1 acquires 1/0']);
  t.deepEqual(r.news(), []);
});

test('waits with the wrong mutex', (t) => {
  const r = new SyncRig();
  r.enter(1, 'pthread_cond_wait', [CV, M]);
  t.deepEqual(r.news(), ['Misc: Thread #1: pthread_cond_{timed}wait called with invalid mutex']);
  r.leave(1, 'pthread_cond_wait', [CV, M]);
  r.enter(2, 'pthread_cond_wait', [CV, M]);
  t.deepEqual(r.news(), [
    'Misc: Thread #2: pthread_cond_{timed}wait called with mutex held by a different thread',
  ]);
});

test('one condition variable with two mutexes, and destroyed under its waiters', (t) => {
  const r = new SyncRig();
  r.call(1, 'pthread_mutex_lock', [M]);
  r.call(2, 'pthread_mutex_lock', [N]);
  r.enter(1, 'pthread_cond_wait', [CV, M]);
  r.enter(2, 'pthread_cond_wait', [CV, N]);
  t.deepEqual(r.news(), [
    'Misc: Thread #2: pthread_cond_{timed}wait: cond is associated with a different mutex',
  ]);
  r.call(3, 'pthread_cond_destroy', [CV]);
  t.deepEqual(r.news(), [
    'Misc: Thread #3: pthread_cond_destroy: destruction of condition variable being waited upon',
  ]);
  r.leave(1, 'pthread_cond_wait', [CV, M]);
  t.deepEqual(r.news(), ['Misc: Thread #1: condition variable has been destroyed while being waited upon']);
});

test('a cancelled wait has its mutex again', (t) => {
  const r = new SyncRig();
  r.call(1, 'pthread_mutex_lock', [M]);
  r.enter(1, 'pthread_cond_wait', [CV, M]);
  const wrap = r.tool.wraps.find((w) => w.names.includes('pthread_cond_wait'))!;
  wrap.cancelled!({ ts: r.ts(1), arg: (i) => [CV, M][i]! });
  r.call(1, 'pthread_mutex_unlock', [M]);
  t.deepEqual(r.news(), []);
});

test('each wait on a semaphore learns from one post, oldest first', (t) => {
  const r = new SyncRig();
  r.call(1, 'sem_init', [S, 0, 1]);
  r.newEdges();
  r.call(2, 'sem_wait', [S]);
  t.deepEqual(r.newEdges(), ['#2 acquires 1/64']);
  r.call(2, 'sem_post', [S]);
  r.call(3, 'sem_post', [S]);
  t.deepEqual(r.newEdges(), ['#2 replaces 1/0', '#3 replaces 1/1']);
  r.call(4, 'sem_wait', [S]);
  r.call(5, 'sem_trywait', [S]);
  t.deepEqual(r.newEdges(), ['#4 acquires 1/0', '#5 acquires 1/1']);
  r.call(5, 'sem_trywait', [S], -1);
  t.deepEqual(r.newEdges(), []);
});

test('a failed post left nothing, and more posts than are kept lose no edge', (t) => {
  const r = new SyncRig();
  r.call(1, 'sem_init', [S, 0, 0]);
  r.call(1, 'sem_post', [S], -1);
  t.deepEqual(r.news(), ["PthAPIerror: Thread #1's call to sem_post failed"]);
  r.newEdges();
  for (let i = 0; i < 70; i++) r.call(1, 'sem_post', [S]);
  t.is(r.newEdges().filter((e) => e === '#1 joins 1/63').length, 6);
  for (let i = 0; i < 70; i++) r.call(2, 'sem_wait', [S]);
  t.is(r.newEdges().filter((e) => e === '#2 acquires 1/63').length, 7);
});

test('a destroyed semaphore', (t) => {
  const r = new SyncRig();
  r.call(1, 'sem_init', [S, 0, 0]);
  r.call(1, 'sem_destroy', [S]);
  r.call(1, 'sem_post', [S]);
  t.deepEqual(r.news(), ['Misc: Thread #1: sem_post: semaphore has been destroyed']);
  r.call(1, 'sem_init', [S, 0, 0]);
  r.call(1, 'sem_post', [S]);
  t.deepEqual(r.news(), []);
});

test('who leaves a barrier late learns of its own round only', (t) => {
  const r = new SyncRig();
  r.call(1, 'pthread_barrier_init', [BAR, 0, 2]);
  r.newEdges();
  r.enter(1, 'pthread_barrier_wait', [BAR]);
  r.enter(2, 'pthread_barrier_wait', [BAR]);
  t.deepEqual(r.newEdges(), ['#1 joins 1/0', '#2 joins 1/0']);
  r.leave(2, 'pthread_barrier_wait', [BAR], -1);
  t.deepEqual(r.newEdges(), ['#2 acquires 1/0']);
  t.deepEqual(r.news(), []);
});

test('a barrier of the guest’s own make: the last arrival lets all others learn', (t) => {
  const r = new SyncRig();
  const request = (n: number, what: number, ...a: number[]): void =>
    void r.tool.request(r.ts(n), 0x48470000 + what, a);
  request(1, 0x118, BAR, 2, 0);
  r.newEdges();
  request(1, 0x119, BAR);
  t.deepEqual(r.newEdges(), ['#1 joins 1/0']);
  request(2, 0x119, BAR);
  t.deepEqual(r.newEdges().sort(), ['#1 acquires 1/0', '#2 acquires 1/0', '#2 joins 1/0']);
  request(1, 0x119, BAR);
  t.deepEqual(r.newEdges(), ['#1 joins 1/1']);
});

test('misuse of barriers', (t) => {
  const r = new SyncRig();
  r.call(1, 'pthread_barrier_init', [BAR, 0, 0], 22);
  r.call(1, 'pthread_barrier_wait', [BAR], 22);
  r.call(1, 'pthread_barrier_destroy', [BAR]);
  t.deepEqual(r.news(), [
    "Misc: Thread #1: pthread_barrier_init: 'count' argument is zero",
    "PthAPIerror: Thread #1's call to pthread_barrier_init failed",
    'Misc: Thread #1: pthread_barrier_wait: barrier is uninitialised',
    "PthAPIerror: Thread #1's call to pthread_barrier_wait failed",
    'Misc: Thread #1: pthread_barrier_destroy: barrier was never initialised',
  ]);
  r.call(1, 'pthread_barrier_init', [BAR, 0, 2]);
  r.enter(1, 'pthread_barrier_wait', [BAR]);
  r.call(2, 'pthread_barrier_init', [BAR, 0, 2]);
  t.deepEqual(r.news(), [
    'Misc: Thread #2: pthread_barrier_init: barrier is already initialised',
    'Misc: Thread #2: pthread_barrier_init: threads are waiting at barrier',
  ]);
});

test('what a detached thread leaves is not kept, nor what was joined', (t) => {
  const r = new SyncRig();
  const handle = (n: number): number => 0x7000 + n * 0x100;
  for (const n of [2, 3]) {
    r.host.machine.i32[(r.ts(n) + T_LIFE) >> 2] = LIFE_RUNNING;
    r.tool.threadCreated(r.ts(n), n, 0);
    Object.assign(r.host.memory, { word: () => handle(n) });
    r.call(1, 'pthread_create', [0x100, 0]);
  }
  r.tool.threadEnds(r.ts(2));
  r.call(1, 'pthread_join', [handle(2)]);
  t.deepEqual(r.newEdges(), ['#2 replaces 32:66', '#1 acquires 32:66', '#1 forgets 32:66']);
  r.call(1, 'pthread_detach', [handle(3)]);
  r.tool.threadEnds(r.ts(3));
  t.deepEqual(r.newEdges(), []);
  t.deepEqual(r.news(), []);
});

test('who returns from pthread_once has seen the end of the routine', (t) => {
  const r = new SyncRig();
  const hooked: number[] = [];
  let routine: Wrap | undefined;
  Object.assign(r.host, {
    wrapAt: (addr: number, wrap: Wrap) => {
      hooked.push(addr);
      routine = wrap;
    },
  });
  r.enter(1, 'pthread_once', [0x600, 0x900]);
  t.deepEqual(hooked, [0x900]);
  routine!.post!({ ts: r.ts(1), arg: () => 0 }, 0);
  r.call(2, 'pthread_once', [0x600, 0x900]);
  r.leave(1, 'pthread_once', [0x600, 0x900]);
  t.deepEqual(r.newEdges(), ['#1 joins 4:600', '#2 acquires 4:600', '#1 acquires 4:600']);
});

test('joining calls that fail', (t) => {
  const r = new SyncRig();
  r.call(1, 'pthread_join', [0x7000], 35);
  r.call(1, 'pthread_tryjoin_np', [0x7000], 16);
  r.call(1, 'pthread_timedjoin_np', [0x7000], 110);
  t.deepEqual(r.news(), ["PthAPIerror: Thread #1's call to pthread_join failed"]);
});

test('what was said to happen before, and is forgotten', (t) => {
  const r = new SyncRig();
  const request = (n: number, what: number, ...a: number[]): number | undefined =>
    r.tool.request(r.ts(n), 0x48470000 + what, a);
  t.is(request(1, 0x121, 0xabc), undefined, 'the program’s default answer stays');
  request(2, 0x122, 0xabc);
  request(2, 0x123, 0xabc);
  t.deepEqual(r.newEdges(), ['#1 joins 3:abc', '#2 acquires 3:abc', '#2 forgets 3:abc']);
  t.is(request(1, 0x12a, 0x5000), -1, 'no block there');
  t.is(r.tool.request(r.ts(1), 0x4d430000, []), undefined, 'another tool’s');
});

test('--ignore-thread-creation: nothing that pthread_create does is looked at', (t) => {
  for (const option of ['no', 'yes']) {
    const r = new SyncRig({ 'ignore-thread-creation': option });
    const ignored: string[] = [];
    r.host.rt['hg_ignore'] = (_: number, reads: number, writes: number) => ignored.push(`${reads} ${writes}`);
    r.enter(1, 'pthread_create', [0x600, 0, 0x900]);
    t.deepEqual(ignored, option === 'yes' ? ['1 1'] : []);
    r.leave(1, 'pthread_create', [0x600, 0, 0x900], 11);
    t.deepEqual(ignored, option === 'yes' ? ['1 1', '-1 -1'] : []);
  }
});

test('--track-destroy: mutexes and rwlocks that an init function made', (t) => {
  for (const [option, lines] of [
    ['no', []],
    ['yes', ['pthread_mutex_init called on address 0x600 which already has a live lock record']],
    [
      'all',
      [
        'pthread_mutex_init called on address 0x600 which already has a live lock record',
        '2 lock(s) were not destroyed before exit.',
        'Undestroyed mutex at address 0x600, first observed at:',
        'Undestroyed rwlock at address 0x700, first observed at:',
      ],
    ],
  ] as const) {
    const r = new SyncRig({ 'track-destroy': option });
    r.call(1, 'pthread_mutex_init', [0x600, 0]);
    r.call(1, 'pthread_mutex_init', [0x600, 0]);
    r.call(1, 'pthread_rwlock_init', [0x700, 0]);
    r.call(1, 'pthread_mutex_init', [0x800, 0]);
    r.call(1, 'pthread_mutex_destroy', [0x800]);
    r.call(1, 'pthread_mutex_lock', [0x900]);
    r.call(1, 'pthread_mutex_unlock', [0x900]);
    r.call(1, 'pthread_spin_init', [0xa00, 0]);
    r.tool.undestroyed.finish();
    t.deepEqual(
      r.host.lines.filter((l) => !l.startsWith('   ')),
      [...lines],
    );
  }
});
