/** Happens-before edges from pthread functions: wrapped by symbol, in static and dynamic programs. */
import type { Wrap, WrappedCall } from '../api.js';
import type { Helgrind } from './index.js';

/** Keeps barriers apart from other objects at the same address. */
const BARRIER_KEY = 1n << 59n;

export function pthreadWraps(h: Helgrind): Wrap[] {
  const { rt } = h.host;
  const acquire = (ts: number, key: bigint | number): void => void rt['hg_acquire']!(ts, BigInt(key));
  const release = (ts: number, key: bigint | number, strong = 0): void =>
    void rt['hg_release']!(ts, BigInt(key), strong);

  const took = (c: WrappedCall): void => {
    acquire(c.ts, c.arg(0));
    h.locked(c.ts, c.arg(0));
  };
  const gives = (c: WrappedCall): void => {
    release(c.ts, c.arg(0), 1);
    h.unlocked(c.ts, c.arg(0));
  };
  const lock = (...names: string[]): Wrap => ({
    names,
    post: (c, r) => {
      if (ok(r)) took(c);
      return undefined;
    },
  });
  const unlock = (...names: string[]): Wrap => ({ names, pre: gives });
  const waits: Wrap = {
    names: ['pthread_cond_wait', 'pthread_cond_timedwait', 'pthread_cond_clockwait'],
    pre: (c) => {
      release(c.ts, c.arg(1), 1);
      h.unlocked(c.ts, c.arg(1));
    },
    post: (c) => {
      acquire(c.ts, c.arg(0));
      acquire(c.ts, c.arg(1));
      h.locked(c.ts, c.arg(1));
      return undefined;
    },
  };

  return [
    {
      names: ['pthread_create'],
      post: (c, r) => {
        if (ok(r)) h.tables.addPthread(h.host.memory.word(c.arg(0)) ?? 0, h.lastTid);
        return undefined;
      },
    },
    {
      names: ['pthread_join', 'pthread_timedjoin_np', 'pthread_tryjoin_np', 'pthread_clockjoin_np'],
      post: (c, r) => {
        if (ok(r)) acquire(c.ts, h.exitKey(h.tables.tidOf(c.arg(0))));
        return undefined;
      },
    },
    lock('pthread_mutex_lock', 'pthread_mutex_trylock', 'pthread_mutex_timedlock', 'pthread_mutex_clocklock'),
    unlock('pthread_mutex_unlock'),
    lock('pthread_spin_lock', 'pthread_spin_trylock'),
    unlock('pthread_spin_unlock'),
    lock(
      'pthread_rwlock_rdlock',
      'pthread_rwlock_wrlock',
      'pthread_rwlock_tryrdlock',
      'pthread_rwlock_trywrlock',
      'pthread_rwlock_timedrdlock',
      'pthread_rwlock_timedwrlock',
      'pthread_rwlock_clockrdlock',
      'pthread_rwlock_clockwrlock',
    ),
    {
      names: ['pthread_rwlock_unlock'],
      // Readers do not order each other, but all of them come before the next writer: the clocks are joined.
      pre: (c) => {
        release(c.ts, c.arg(0));
        h.unlocked(c.ts, c.arg(0));
      },
    },
    { names: ['pthread_cond_signal', 'pthread_cond_broadcast'], pre: (c) => release(c.ts, c.arg(0)) },
    waits,
    { names: ['sem_post'], pre: (c) => release(c.ts, c.arg(0)) },
    {
      names: ['sem_wait', 'sem_trywait', 'sem_timedwait', 'sem_clockwait'],
      post: (c, r) => {
        if (ok(r)) acquire(c.ts, c.arg(0));
        return undefined;
      },
    },
    {
      names: ['pthread_barrier_wait'],
      pre: (c) => release(c.ts, BARRIER_KEY | BigInt(c.arg(0))),
      post: (c) => {
        acquire(c.ts, BARRIER_KEY | BigInt(c.arg(0)));
        return undefined;
      },
    },
    {
      names: ['pthread_once'],
      post: (c) => {
        release(c.ts, c.arg(0));
        acquire(c.ts, c.arg(0));
        return undefined;
      },
    },
    allocates(['malloc', 'valloc'], (c) => c.arg(0)),
    allocates(['calloc'], (c) => c.arg(0) * c.arg(1)),
    allocates(['realloc', 'memalign', 'aligned_alloc'], (c) => c.arg(1)),
    {
      names: ['posix_memalign'],
      post: (c, r) => {
        if (ok(r)) h.fresh(h.host.memory.word(c.arg(0)) ?? 0, c.arg(2));
        return undefined;
      },
    },
  ];

  /** A block handed out is new: who used its memory before does not matter. */
  function allocates(names: string[], size: (c: WrappedCall) => number): Wrap {
    return {
      names,
      post: (c, r) => {
        if (r !== 0) h.fresh(r, size(c));
        return undefined;
      },
    };
  }
}

const ok = (result: number): boolean => (result | 0) === 0;
