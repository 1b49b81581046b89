/**
 * The functions of the thread library, wrapped by symbol in static and dynamic programs: each becomes calls of what
 * keeps the state of its object. What the library does inside of one (a condition wait takes its mutex again by another
 * way) is part of it: most are opaque.
 */
import type { Wrap, WrappedCall } from '../api.js';
import type { Barriers } from './barriers.js';
import { c11Wraps } from './c11.js';
import type { Conditions } from './conditions.js';
import { type Edges, onceKey } from './edges.js';
import type { LockKind, Locks } from './locks.js';
import type { Misuse } from './misuse.js';
import type { Semaphores } from './semaphores.js';
import type { Created, Threads } from './threads.js';

/** What the hooks work on. */
export interface SyncState {
  readonly locks: Locks;
  readonly conditions: Conditions;
  readonly semaphores: Semaphores;
  readonly barriers: Barriers;
  readonly threads: Threads;
  readonly misuse: Misuse;
  /** 64-bit word of guest memory, null where there is none. */
  word(addr: number): number | null;
  lastCreated(): Created;
  /** The thread begins or ends a call that creates another one. */
  creates(ts: number, begins: boolean): void;
  /** Hooks for a function known by its address only. */
  wrapAt(addr: number, wrap: Wrap): void;
}

const EBUSY = 16;
const EINVAL = 22;
const EINTR = 4;
const EOVERFLOW = 75;
const ETIMEDOUT = 110;
/** A robust mutex whose owner died is taken all the same. */
const EOWNERDEAD = 130;
const SERIAL_THREAD = -1;

/** Bytes of the objects of the C library that are 0 in their static initialisers. */
const MUTEX_HEAD = 16;
/** pthread_attr_t of glibc (nptl/internaltypes.h): the word with its flags, and the one for a detached thread. */
const ATTR_FLAGS = 8;
const ATTR_DETACHED = 1;
const COND_SIZE = 48;

type Hook = (c: WrappedCall) => void;
type After = (c: WrappedCall, result: number) => void;

/** A wrap of functions that call none of the program's code. */
export function wrap(names: readonly string[], pre: Hook | null, post: After, cancelled?: Hook): Wrap {
  return {
    names,
    opaque: true,
    ...(pre ? { pre } : {}),
    post: (c, r) => {
      post(c, r | 0);
      return undefined;
    },
    ...(cancelled ? { cancelled } : {}),
  };
}

export function pthreadWraps(s: SyncState, edges: Edges): Wrap[] {
  return [
    ...onceWraps(s, edges),
    ...threadWraps(s),
    ...lockWraps(s, 'mutex', 'pthread_mutex', {
      pthread_mutex_lock: [],
      pthread_mutex_trylock: [EBUSY],
      pthread_mutex_timedlock: [ETIMEDOUT],
      pthread_mutex_clocklock: [ETIMEDOUT],
    }),
    ...lockWraps(s, 'spinlock', 'pthread_spin', { pthread_spin_lock: [], pthread_spin_trylock: [EBUSY] }),
    ...lockWraps(s, 'rwlock', 'pthread_rwlock', {
      pthread_rwlock_rdlock: [],
      pthread_rwlock_wrlock: [],
      pthread_rwlock_tryrdlock: [EBUSY],
      pthread_rwlock_trywrlock: [EBUSY],
      pthread_rwlock_timedrdlock: [ETIMEDOUT],
      pthread_rwlock_timedwrlock: [ETIMEDOUT],
      pthread_rwlock_clockrdlock: [ETIMEDOUT],
      pthread_rwlock_clockwrlock: [ETIMEDOUT],
    }),
    ...lifeWraps(s),
    ...conditionWraps(s),
    ...semaphoreWraps(s),
    ...barrierWraps(s),
    ...c11Wraps(s),
  ];
}

/** Reports an error number that is not among the ordinary outcomes. */
function judge(
  s: SyncState,
  c: WrappedCall,
  fn: string,
  result: number,
  ordinary: readonly number[] = [],
): void {
  if (result !== 0 && !ordinary.includes(result)) s.misuse.apiError(c.ts, fn, result);
}

function threadWraps(s: SyncState): Wrap[] {
  return [
    {
      names: ['pthread_create'],
      pre: (c) => s.creates(c.ts, true),
      post: (c, r) => {
        s.creates(c.ts, false);
        const detached = c.arg(1) !== 0 && ((s.word(c.arg(1) + ATTR_FLAGS) ?? 0) & ATTR_DETACHED) !== 0;
        if ((r | 0) === 0) s.threads.created(c.ts, s.word(c.arg(0)) ?? 0, s.lastCreated(), detached);
        else s.misuse.apiError(c.ts, 'pthread_create', r | 0);
        return undefined;
      },
    },
    ...[
      'pthread_join',
      'pthread_tryjoin_np',
      'pthread_timedjoin_np',
      'pthread_clockjoin_np',
      'thrd_join',
    ].map((fn) =>
      wrap(
        [fn],
        (c) => s.threads.joins(c.ts, c.arg(0)),
        (c, r) => s.threads.joined(c.ts, fn, c.arg(0), r),
      ),
    ),
    wrap(['pthread_detach', 'thrd_detach'], null, (c, r) => {
      if (r === 0) s.threads.detachedBy(c.ts, c.arg(0));
      judge(s, c, 'pthread_detach', r);
    }),
  ];
}

/**
 * The first caller of pthread_once runs the routine; what it did comes before every return of the function. Other
 * callers may be let go before it returns itself, so the end of the routine is hooked.
 */
function onceWraps(s: SyncState, edges: Edges): Wrap[] {
  /** Control words of the calls under way, innermost last. */
  const controls: number[] = [];
  const routine: Wrap = {
    names: [],
    post: (c) => {
      const control = controls.at(-1);
      if (control !== undefined) edges.join(c.ts, onceKey(control));
      return undefined;
    },
  };
  return [
    routine,
    {
      names: ['pthread_once'],
      pre: (c) => {
        controls.push(c.arg(0));
        s.wrapAt(c.arg(1), routine);
      },
      post: (c) => {
        // Calls that an exception or longjmp ended are behind it.
        controls.length = Math.max(0, controls.lastIndexOf(c.arg(0)));
        edges.acquire(c.ts, onceKey(c.arg(0)));
        return undefined;
      },
    },
  ];
}

/** Taking and giving back; `calls` has each way to take the lock with the error numbers that are no mistakes. */
function lockWraps(s: SyncState, kind: LockKind, prefix: string, calls: Record<string, number[]>): Wrap[] {
  const { locks } = s;
  return [
    ...Object.entries(calls).map(([fn, ordinary]) => {
      const writes = !fn.includes('rdlock');
      return wrap(
        [fn],
        (c) => locks.wants(c.ts, c.arg(0), kind, fn.includes('try')),
        (c, r) => {
          locks.waited(c.ts);
          if (r === 0 || r === EOWNERDEAD) locks.took(c.ts, c.arg(0), kind, writes);
          else judge(s, c, fn, r, ordinary);
        },
      );
    }),
    wrap(
      [`${prefix}_unlock`],
      (c) => locks.gives(c.ts, c.arg(0), kind),
      (c, r) => {
        if (r !== 0) locks.refused();
        judge(s, c, `${prefix}_unlock`, r);
      },
    ),
  ];
}

/** Whether the bytes [addr, addr + size) are all 0. */
function zero(s: SyncState, addr: number, size: number): boolean {
  for (let at = addr; at < addr + size; at += 8) if (s.word(at) !== 0) return false;
  return true;
}

function lifeWraps(s: SyncState): Wrap[] {
  const { locks } = s;
  const spinInit = wrap(['pthread_spin_init'], null, (c, r) => {
    if (r === 0) locks.init(c.ts, c.arg(0), 'spinlock', false);
  });
  return [
    wrap(['pthread_mutex_init'], null, (c, r) => {
      if (r === 0) locks.init(c.ts, c.arg(0), 'mutex');
      else judge(s, c, 'pthread_mutex_init', r);
    }),
    wrap(['pthread_rwlock_init'], null, (c, r) => {
      if (r === 0) locks.init(c.ts, c.arg(0), 'rwlock', false);
      else judge(s, c, 'pthread_rwlock_init', r);
    }),
    spinInit,
    wrap(
      ['pthread_mutex_destroy'],
      (c) => locks.destroy(c.ts, c.arg(0), 'mutex', zero(s, c.arg(0), MUTEX_HEAD)),
      (c, r) => judge(s, c, 'pthread_mutex_destroy', r),
    ),
    wrap(
      ['pthread_rwlock_destroy'],
      (c) => locks.destroy(c.ts, c.arg(0), 'rwlock', zero(s, c.arg(0), MUTEX_HEAD)),
      (c, r) => judge(s, c, 'pthread_rwlock_destroy', r),
    ),
    wrap(
      ['pthread_spin_destroy'],
      (c) => locks.destroy(c.ts, c.arg(0), 'spinlock', false),
      () => undefined,
    ),
  ];
}

function conditionWraps(s: SyncState): Wrap[] {
  const { conditions } = s;
  const waits = (fn: string, ordinary: number[]): Wrap =>
    wrap(
      [fn],
      (c) => conditions.waits(c.ts, c.arg(0), c.arg(1)),
      (c, r) => {
        conditions.waited(c.ts, c.arg(0), c.arg(1), r === 0);
        judge(s, c, fn, r, ordinary);
      },
      // The library takes the mutex again before the clean-up handlers run.
      (c) => conditions.waited(c.ts, c.arg(0), c.arg(1), false),
    );
  const wakes = (fn: string): Wrap =>
    wrap(
      [fn],
      (c) => conditions.signals(c.ts, c.arg(0)),
      (c, r) => judge(s, c, fn, r),
    );
  return [
    waits('pthread_cond_wait', []),
    waits('pthread_cond_timedwait', [ETIMEDOUT]),
    waits('pthread_cond_clockwait', [ETIMEDOUT]),
    wakes('pthread_cond_signal'),
    wakes('pthread_cond_broadcast'),
    wrap(['pthread_cond_init'], null, (c, r) => {
      if (r === 0) conditions.init(c.ts, c.arg(0));
      else judge(s, c, 'pthread_cond_init', r);
    }),
    wrap(
      ['pthread_cond_destroy'],
      (c) => conditions.destroy(c.ts, c.arg(0), zero(s, c.arg(0), COND_SIZE)),
      (c, r) => judge(s, c, 'pthread_cond_destroy', r),
    ),
  ];
}

/** Semaphore calls return -1 and leave the number in errno; for each there is only one that is a mistake. */
function semaphoreWraps(s: SyncState): Wrap[] {
  const { semaphores } = s;
  const waits = (fn: string, mistake: number): Wrap =>
    wrap(
      [fn],
      (c) => semaphores.waits(c.ts, c.arg(0)),
      (c, r) => {
        semaphores.waited(c.ts);
        if (r === 0) semaphores.took(c.ts, c.arg(0));
        else if (mistake !== 0) s.misuse.apiError(c.ts, fn, mistake);
      },
      (c) => semaphores.waited(c.ts),
    );
  return [
    waits('sem_wait', EINTR),
    waits('sem_timedwait', 0),
    waits('sem_clockwait', 0),
    wrap(['sem_trywait'], null, (c, r) => {
      if (r === 0) semaphores.took(c.ts, c.arg(0));
    }),
    wrap(
      ['sem_post'],
      (c) => semaphores.posts(c.ts, c.arg(0)),
      (c, r) => {
        if (r === 0) return;
        semaphores.unposts(c.arg(0));
        s.misuse.apiError(c.ts, 'sem_post', EOVERFLOW);
      },
    ),
    wrap(['sem_init'], null, (c, r) => {
      if (r === 0) semaphores.init(c.ts, c.arg(0), c.arg(2));
      else s.misuse.apiError(c.ts, 'sem_init', EINVAL);
    }),
    wrap(
      ['sem_destroy'],
      (c) => semaphores.destroy(c.ts, c.arg(0)),
      (c, r) => {
        if (r !== 0) s.misuse.apiError(c.ts, 'sem_destroy', EINVAL);
      },
    ),
  ];
}

function barrierWraps(s: SyncState): Wrap[] {
  const { barriers } = s;
  /** Clock of the round that the thread on this worker is in. */
  let clock = 0;
  return [
    wrap(
      ['pthread_barrier_wait'],
      (c) => {
        clock = barriers.arrives(c.ts, c.arg(0));
      },
      (c, r) => {
        barriers.leaves(c.ts, c.arg(0), clock);
        judge(s, c, 'pthread_barrier_wait', r, [SERIAL_THREAD]);
      },
    ),
    wrap(
      ['pthread_barrier_init'],
      (c) => barriers.init(c.ts, c.arg(0), c.arg(2)),
      (c, r) => judge(s, c, 'pthread_barrier_init', r),
    ),
    wrap(
      ['pthread_barrier_destroy'],
      (c) => barriers.destroy(c.ts, c.arg(0)),
      (c, r) => judge(s, c, 'pthread_barrier_destroy', r),
    ),
  ];
}
