/**
 * Barriers: each arrival leaves what its thread did, and learns, when the barrier opens, what all arrivals left.
 *
 * O_A: how many open it. O_B: arrivals so far. O_C: 1 when it may be resized. O_D: threads in it. An arrival belongs to
 * round floor(arrivals / count); rounds have PARITIES clocks by turns, so that a thread which is slow to leave a round
 * does not learn of the next one.
 */
import { MAX_THREADS, T_TOOL_AREA, THREAD_STRIDE, THREADS } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { objectKey } from './edges.js';
import type { LockEnv } from './locks.js';
import { O_A, O_B, O_C, O_D } from './objects.js';

const PARITIES = 4;
/** Object and clock that a thread inside an annotated barrier will learn from when the last one arrives; 0 for none. */
const T_ARRIVED = T_TOOL_AREA + 0x3f0;
const T_ARRIVED_CLOCK = T_TOOL_AREA + 0x3f4;

export class Barriers {
  private readonly i32: Int32Array;

  constructor(
    machine: Machine,
    private readonly env: LockEnv,
  ) {
    this.i32 = machine.i32;
  }

  init(ts: number, addr: number, count: number, resizable = 0): void {
    const { objects, misuse } = this.env;
    if (count === 0) misuse.misc(ts, "pthread_barrier_init: 'count' argument is zero");
    if (resizable !== 0 && resizable !== 1)
      misuse.misc(ts, "pthread_barrier_init: invalid 'resizable' argument");
    const old = objects.find(addr, 'barrier');
    if (old !== 0) {
      misuse.misc(ts, 'pthread_barrier_init: barrier is already initialised', () => misuse.lock(old));
      if (objects.get(old, O_D) > 0)
        misuse.misc(ts, 'pthread_barrier_init: threads are waiting at barrier', () => misuse.lock(old));
    }
    if (count === 0) return;
    const o = objects.fresh(addr, 'barrier', this.env.trace(ts));
    if (o === 0) return;
    objects.set(o, O_A, count);
    objects.set(o, O_C, resizable);
    for (let i = 0; i < PARITIES; i++) this.env.edges.forget(ts, objectKey(objects.number(o), i));
  }

  destroy(ts: number, addr: number): void {
    const { objects, misuse } = this.env;
    const o = objects.find(addr, 'barrier');
    if (o === 0) {
      misuse.misc(ts, 'pthread_barrier_destroy: barrier was never initialised');
      return;
    }
    if (objects.get(o, O_D) > 0)
      misuse.misc(ts, 'pthread_barrier_destroy: threads are waiting at barrier', () => misuse.lock(o));
    objects.drop(o);
  }

  resize(ts: number, addr: number, count: number): void {
    const { objects, misuse } = this.env;
    const o = objects.find(addr, 'barrier');
    if (count === 0) misuse.misc(ts, "pthread_barrier_resize: 'newcount' argument is zero");
    else if (o === 0) misuse.misc(ts, 'pthread_barrier_resize: barrier is uninitialised');
    else if (objects.get(o, O_C) === 0)
      misuse.misc(ts, 'pthread_barrier_resize: barrier may not be resized', () => misuse.lock(o));
    else objects.set(o, O_A, count);
  }

  /** Before a thread waits at the barrier: the clock that `leaves` is to be given. */
  arrives(ts: number, addr: number): number {
    const { objects, misuse, edges, held } = this.env;
    const o = objects.find(addr, 'barrier');
    if (o === 0) {
      misuse.misc(ts, 'pthread_barrier_wait: barrier is uninitialised');
      return 0;
    }
    objects.add(o, O_D, 1);
    const arrival = objects.add(o, O_B, 1) - 1;
    const clock = Math.floor(arrival / Math.max(1, objects.get(o, O_A))) % PARITIES;
    edges.join(ts, objectKey(objects.number(o), clock));
    held.waits(ts, o);
    return clock;
  }

  /** The barrier has opened. */
  leaves(ts: number, addr: number, clock: number): void {
    const { objects, edges, held } = this.env;
    held.waits(ts, 0);
    const o = objects.find(addr, 'barrier');
    if (o === 0) return;
    objects.add(o, O_D, -1);
    edges.acquire(ts, objectKey(objects.number(o), clock));
  }

  /**
   * Arrival at a barrier of the guest's own make, which says nothing when it opens: the last one lets all others, who
   * are waiting for it, learn.
   */
  arrivesByRequest(ts: number, addr: number): void {
    const { objects, held } = this.env;
    const clock = this.arrives(ts, addr);
    const o = objects.find(addr, 'barrier');
    if (o === 0) return;
    const { i32 } = this;
    i32[(ts + T_ARRIVED_CLOCK) >> 2] = clock;
    Atomics.store(i32, (ts + T_ARRIVED) >> 2, o);
    if (objects.get(o, O_B) % objects.get(o, O_A) !== 0) return;
    for (let slot = 0; slot < MAX_THREADS; slot++) {
      const other = THREADS + slot * THREAD_STRIDE;
      if (Atomics.load(i32, (other + T_ARRIVED) >> 2) !== o || i32[(other + T_ARRIVED_CLOCK) >> 2] !== clock)
        continue;
      Atomics.store(i32, (other + T_ARRIVED) >> 2, 0);
      this.leaves(other, addr, clock);
    }
    held.waits(ts, 0);
  }
}
