/**
 * Condition variables. O_A: record number of the mutex that waiters came with, O_B: how many wait.
 */

import { objectKey } from './edges.js';
import type { LockEnv, Locks } from './locks.js';
import { O_A, O_B, O_OWNER } from './objects.js';

export class Conditions {
  constructor(
    private readonly env: LockEnv,
    private readonly locks: Locks,
    private readonly checkSignal: boolean,
  ) {}

  init(ts: number, addr: number): void {
    const o = this.env.objects.fresh(addr, 'cond', this.env.trace(ts));
    if (o !== 0) this.env.edges.forget(ts, objectKey(this.env.objects.number(o)));
  }

  /** `initializer`: the memory is that of one set up statically, never used. */
  destroy(ts: number, addr: number, initializer: boolean): void {
    const { objects, misuse } = this.env;
    const o = objects.find(addr, 'cond');
    if (o === 0) {
      if (!initializer) misuse.misc(ts, 'pthread_cond_destroy: destruction of unknown cond var');
      return;
    }
    if (objects.get(o, O_B) > 0)
      misuse.misc(ts, 'pthread_cond_destroy: destruction of condition variable being waited upon');
    objects.drop(o);
  }

  /** Before the thread waits with a mutex. */
  waits(ts: number, addr: number, mutex: number): void {
    const { objects, misuse, held } = this.env;
    const m = objects.find(mutex, 'mutex');
    this.checkMutex(ts, m);
    const c = objects.lookup(addr, 'cond', () => this.env.trace(ts));
    if (c !== 0) {
      if (objects.add(c, O_B, 1) === 1) objects.set(c, O_A, m);
      else if (objects.get(c, O_A) !== m)
        misuse.misc(ts, 'pthread_cond_{timed}wait: cond is associated with a different mutex', () =>
          misuse.lock(c),
        );
    }
    if (m !== 0 && held.of(ts, m)) this.locks.gives(ts, mutex, 'mutex');
    held.waits(ts, c);
  }

  private checkMutex(ts: number, m: number): void {
    const { objects, misuse, held } = this.env;
    const wrong = (text: string): void =>
      misuse.misc(
        ts,
        `pthread_cond_{timed}wait called with ${text}`,
        m === 0 ? undefined : () => misuse.lock(m),
      );
    if (m === 0) wrong('invalid mutex');
    else if (objects.kind(m) === 'rwlock') wrong('mutex of type pthread_rwlock_t*');
    else if (!held.of(ts, m))
      wrong(objects.get(m, O_OWNER) === 0 ? 'un-held mutex' : 'mutex held by a different thread');
  }

  /** The wait is over and the mutex taken again. `signalled`: not because time ran out. */
  waited(ts: number, addr: number, mutex: number, signalled: boolean): void {
    const { objects, edges, misuse, held } = this.env;
    held.waits(ts, 0);
    const c = objects.find(addr, 'cond');
    if (c === 0) misuse.misc(ts, 'condition variable has been destroyed while being waited upon');
    else {
      objects.add(c, O_B, -1);
      if (signalled) edges.acquire(ts, objectKey(objects.number(c)));
    }
    this.locks.took(ts, mutex, 'mutex', true);
  }

  /** Before waiters are woken. */
  signals(ts: number, addr: number): void {
    const { objects, edges, misuse } = this.env;
    const c = objects.lookup(addr, 'cond', () => this.env.trace(ts));
    if (c === 0) return;
    const m = objects.get(c, O_A);
    if (
      this.checkSignal &&
      objects.get(c, O_B) > 0 &&
      m !== 0 &&
      objects.id(m) !== 0 &&
      objects.get(m, O_OWNER) === 0
    ) {
      const text = `Thread #${this.env.numberOf(ts)}: pthread_cond_{signal,broadcast}: dubious: associated lock is not held by any thread`;
      misuse.find(ts, 'Dubious', text, () => misuse.lock(c));
    }
    edges.join(ts, objectKey(objects.number(c)));
  }
}
