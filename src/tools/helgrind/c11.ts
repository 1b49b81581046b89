/**
 * The functions of C11 threads that are not the POSIX ones under another name: musl's take a lock without calling any
 * function that could be hooked. thrd_create and call_once do call the POSIX functions, in both libraries.
 */
import type { Wrap, WrappedCall } from '../api.js';
import { type SyncState, wrap } from './sync.js';

/** mtx_recursive, a bit of a mutex's type in glibc and musl (their threads.h). */
const RECURSIVE = 1;
/** thrd_success. */
const SUCCESS = 0;

export function c11Wraps(s: SyncState): Wrap[] {
  const { locks, conditions } = s;
  const takes = (fn: string, tries: boolean): Wrap =>
    wrap(
      [fn],
      (c) => locks.wants(c.ts, c.arg(0), 'mutex', tries),
      (c, r) => {
        locks.waited(c.ts);
        if (r === SUCCESS) locks.took(c.ts, c.arg(0), 'mutex', true);
      },
    );
  const waits = (fn: string): Wrap => {
    const ends = (c: WrappedCall, r: number): void =>
      conditions.waited(c.ts, c.arg(0), c.arg(1), r === SUCCESS);
    return wrap(
      [fn],
      (c) => conditions.waits(c.ts, c.arg(0), c.arg(1)),
      ends,
      (c) => ends(c, -1),
    );
  };
  const before = (fn: string, hook: (c: WrappedCall) => void): Wrap => wrap([fn], hook, () => undefined);
  return [
    wrap(['mtx_init'], null, (c, r) => {
      if (r === SUCCESS) locks.init(c.ts, c.arg(0), 'mutex', (c.arg(1) & RECURSIVE) !== 0);
    }),
    takes('mtx_lock', false),
    takes('mtx_timedlock', false),
    takes('mtx_trylock', true),
    wrap(
      ['mtx_unlock'],
      (c) => locks.gives(c.ts, c.arg(0), 'mutex'),
      (_, r) => {
        if (r !== SUCCESS) locks.refused();
      },
    ),
    before('mtx_destroy', (c) => locks.destroy(c.ts, c.arg(0), 'mutex', false)),
    wrap(['cnd_init'], null, (c, r) => {
      if (r === SUCCESS) conditions.init(c.ts, c.arg(0));
    }),
    waits('cnd_wait'),
    waits('cnd_timedwait'),
    before('cnd_signal', (c) => conditions.signals(c.ts, c.arg(0))),
    before('cnd_broadcast', (c) => conditions.signals(c.ts, c.arg(0))),
    before('cnd_destroy', (c) => conditions.destroy(c.ts, c.arg(0), false)),
  ];
}
