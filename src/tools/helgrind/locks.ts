/**
 * Mutexes, reader-writer locks and spin locks: who holds which, the edges they make, their order, and what is done to
 * them that should not be. Hooks come in pairs around the real call, so the guest's own lock orders what is noted here:
 * a release is noted before it happens, an acquisition afterwards.
 *
 * Clocks of a lock: 0, left by whoever held it alone, and 1, left by readers. A reader learns from writers only: two
 * readers are not ordered.
 */

import { aux, stack } from '../errors.js';
import type { Edges } from './edges.js';
import { objectKey } from './edges.js';
import type { Held, Hold } from './held.js';
import type { LockOrder } from './lock-order.js';
import type { LockSets } from './lock-sets.js';
import type { Misuse } from './misuse.js';
import { hex } from './misuse.js';
import { O_A, O_COUNT, O_OWNER, O_READERS, O_TAKEN, type Objects } from './objects.js';
import type { Undestroyed } from './undestroyed.js';

export type LockKind = 'mutex' | 'rwlock' | 'spinlock';

/** O_A of a lock. */
const UNKNOWN = 0;
const PLAIN = 1;
const RECURSIVE = 2;

export interface LockEnv {
  readonly objects: Objects;
  readonly held: Held;
  readonly sets: LockSets;
  readonly order: LockOrder | null;
  readonly edges: Edges;
  readonly misuse: Misuse;
  readonly undestroyed: Undestroyed;
  /** Longest time in ms that a lock may be held for writing or reading; Infinity for any. */
  readonly thresholds: { readonly exclusive: number; readonly shared: number };
  trace(ts: number): number;
  pcs(trace: number): number[];
  numberOf(ts: number): number;
  /** Makes the number of the set of locks held now known to the race detector. */
  publish(ts: number, set: number): void;
  published(ts: number): number;
  /** Whether a mutex of the C library at addr may be taken again by its owner; null when that cannot be told. */
  recursive(addr: number): boolean | null;
  /** Whether the program's own code made the call of a library function that this is the trace of. */
  byProgram(trace: number): boolean;
  now(): number;
}

export class Locks {
  /** The lock of another thread that the thread on this worker is about to unlock. */
  private robbed = { object: 0, id: 0, owner: 0, count: 0 };

  constructor(private readonly env: LockEnv) {}

  /** The lock was initialised. */
  init(ts: number, addr: number, kind: LockKind, recursive: boolean | null = null): void {
    const { objects } = this.env;
    const old = objects.find(addr, kind);
    if (old !== 0 && this.isHeld(old))
      this.env.misuse.misc(ts, `${NAME[kind]}_init of a locked mutex`, () => this.env.misuse.lock(old));
    if (old !== 0) this.env.undestroyed.madeOver(old);
    const o = objects.fresh(addr, kind, this.env.trace(ts));
    if (o !== 0) {
      this.env.undestroyed.made(o);
      objects.set(o, O_A, recursive === null ? UNKNOWN : recursive ? RECURSIVE : PLAIN);
      this.cleanClocks(ts, o);
    }
  }

  private cleanClocks(ts: number, o: number): void {
    const n = this.env.objects.number(o);
    this.env.edges.forget(ts, objectKey(n, 0));
    this.env.edges.forget(ts, objectKey(n, 1));
  }

  destroy(ts: number, addr: number, kind: LockKind, initializer: boolean): void {
    const { objects, misuse } = this.env;
    const o = objects.find(addr, kind);
    if (o === 0) {
      // One that was set up statically and never used is as good as any.
      if (!initializer) misuse.misc(ts, `${NAME[kind]}_destroy with invalid argument`);
      return;
    }
    if (objects.kind(o) !== kind) {
      misuse.misc(ts, `${NAME[kind]}_destroy with invalid argument`, () => misuse.lock(o));
      return;
    }
    if (this.isHeld(o)) misuse.misc(ts, `${NAME[kind]}_destroy of a locked mutex`, () => misuse.lock(o));
    this.forgetHold(ts, o);
    objects.drop(o);
  }

  isHeld(o: number): boolean {
    return this.env.objects.get(o, O_OWNER) !== 0 || this.env.objects.get(o, O_READERS) > 0;
  }

  private forgetHold(ts: number, o: number): void {
    const { held, objects } = this.env;
    if (held.of(ts, o) === undefined) return;
    held.drop(ts, o);
    this.env.publish(ts, this.env.sets.without(this.env.published(ts), objects.id(o)));
  }

  /** Before a lock is asked for. `tries`: the call does not wait. */
  wants(ts: number, addr: number, kind: LockKind, tries: boolean): void {
    const { objects, held, misuse, order } = this.env;
    const o = objects.lookup(addr, kind, () => this.env.trace(ts));
    if (o === 0) return;
    const is = objects.kind(o);
    if ((is === 'rwlock') !== (kind === 'rwlock')) {
      misuse.misc(
        ts,
        is === 'rwlock'
          ? 'pthread_mutex_lock with a pthread_rwlock_t* argument '
          : 'pthread_rwlock_{rd,rw}lock with a pthread_mutex_t* argument ',
      );
      return;
    }
    if (tries) return;
    const mine = held.of(ts, o);
    if (mine?.writes && is !== 'rwlock' && !this.mayRepeat(o)) this.relocks(ts, mine);
    if (!mine && order) {
      const others = held.all(ts).filter((h) => h.object !== o);
      if (others.length > 0) {
        const v = order.wants(o, others, () => this.env.trace(ts));
        if (v) misuse.lockOrder(ts, o, v);
      }
    }
    held.waits(ts, o);
  }

  private mayRepeat(o: number): boolean {
    const { objects } = this.env;
    if (objects.kind(o) !== 'mutex') return false;
    const told = objects.get(o, O_A);
    if (told !== UNKNOWN) return told === RECURSIVE;
    return this.env.recursive(objects.addr(o)) ?? true;
  }

  private relocks(ts: number, mine: Hold): void {
    this.env.misuse.misc(ts, 'Attempt to re-lock a non-recursive lock I already hold', () => [
      aux('Lock was previously acquired'),
      stack(this.env.pcs(mine.trace)),
    ]);
  }

  /** The wait is over, whatever came of it. */
  waited(ts: number): void {
    this.env.held.waits(ts, 0);
  }

  /** The lock was taken. */
  took(ts: number, addr: number, kind: LockKind, writes: boolean): void {
    const { objects, held, edges, sets } = this.env;
    const o = objects.lookup(addr, kind, () => this.env.trace(ts));
    if (o === 0) return;
    const n = objects.number(o);
    edges.acquire(ts, objectKey(n, 0));
    if (writes && kind === 'rwlock') edges.acquire(ts, objectKey(n, 1));
    const me = this.env.numberOf(ts);
    const mine = held.of(ts, o);
    if (writes) {
      if (objects.get(o, O_OWNER) !== me) {
        objects.set(o, O_OWNER, me);
        objects.set(o, O_COUNT, 0);
      }
      objects.set(o, O_COUNT, objects.get(o, O_COUNT) + 1);
    } else objects.add(o, O_READERS, 1);
    const trace = mine ? mine.trace : this.env.trace(ts);
    if (!mine) {
      objects.set(o, O_TAKEN, trace);
      this.env.publish(ts, sets.with(this.env.published(ts), o));
    }
    held.take(ts, o, writes, () => trace, this.env.now());
  }

  /** Before a lock is given back. */
  gives(ts: number, addr: number, kind: LockKind): void {
    const { objects, held, edges, sets, misuse } = this.env;
    this.robbed.object = 0;
    const o = objects.find(addr, kind);
    if (o === 0) {
      misuse.unlockBogus(ts, addr);
      return;
    }
    const is = objects.kind(o);
    if ((is === 'rwlock') !== (kind === 'rwlock')) {
      misuse.misc(
        ts,
        is === 'rwlock'
          ? 'pthread_mutex_unlock with a pthread_rwlock_t* argument '
          : 'pthread_rwlock_unlock with a pthread_mutex_t* argument ',
        () => misuse.lock(o),
      );
    }
    const mine = held.of(ts, o);
    if (!mine) {
      this.notMine(ts, o);
      return;
    }
    if (!held.give(ts, o)) {
      if (mine.writes) objects.set(o, O_COUNT, objects.get(o, O_COUNT) - 1);
      else objects.add(o, O_READERS, -1);
      return;
    }
    this.heldLong(ts, o, mine);
    const n = objects.number(o);
    if (mine.writes) {
      edges.replace(ts, objectKey(n, 0));
      objects.set(o, O_COUNT, 0);
      objects.set(o, O_OWNER, 0);
    } else {
      edges.join(ts, objectKey(n, 1));
      objects.add(o, O_READERS, -1);
    }
    this.env.publish(ts, sets.without(this.env.published(ts), objects.id(o)));
  }

  /** The call that `gives` was noted for was refused: a lock that belongs to another thread still does. */
  refused(): void {
    const { objects } = this.env;
    const { object, id, owner, count } = this.robbed;
    if (object === 0 || objects.id(object) !== id || objects.get(object, O_OWNER) !== 0) return;
    objects.set(object, O_COUNT, count);
    objects.set(object, O_OWNER, owner);
  }

  private notMine(ts: number, o: number): void {
    const { objects, misuse, edges } = this.env;
    const owner = objects.get(o, O_OWNER);
    if (owner !== 0) misuse.unlockForeign(ts, o, owner);
    else misuse.unlockUnlocked(ts, o);
    if (owner === 0) return;
    // The C library lets most kinds go all the same, and whoever takes one next comes after this.
    this.robbed = { object: o, id: objects.id(o), owner, count: objects.get(o, O_COUNT) };
    edges.join(ts, objectKey(objects.number(o), 0));
    objects.set(o, O_COUNT, 0);
    objects.set(o, O_OWNER, 0);
  }

  private heldLong(ts: number, o: number, hold: Hold): void {
    const { thresholds, objects, misuse } = this.env;
    const threshold = hold.writes ? thresholds.exclusive : thresholds.shared;
    if (threshold === Infinity) return;
    const ms = Math.round(this.env.now() - hold.since);
    if (ms <= threshold) return;
    const text = `Lock on ${objects.kind(o)} ${hex(objects.addr(o))} was held during ${ms} ms (threshold: ${threshold} ms).`;
    misuse.find(ts, 'HoldtimeErr', text, () => [
      aux('Acquired at:', { indent: 0 }),
      stack(this.env.pcs(hold.trace)),
      ...misuse.lock(o),
    ]);
  }

  /** The thread ends. */
  threadEnds(ts: number): void {
    // What the C library holds for itself is its own affair: musl never lets go of the lock that ends a process.
    const all = this.env.held.all(ts).filter((h) => this.env.byProgram(h.trace));
    if (all.length === 0) return;
    this.env.misuse.misc(ts, `Exiting thread still holds ${all.length} lock${all.length > 1 ? 's' : ''}`);
  }
}

const NAME: Readonly<Record<LockKind, string>> = {
  mutex: 'pthread_mutex',
  rwlock: 'pthread_rwlock',
  spinlock: 'pthread_spin',
};
