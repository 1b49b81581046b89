/**
 * Semaphores: a queue of what each post left behind. A wait learns from the oldest post that no wait has taken: a
 * semaphore that lets several threads in orders none of them.
 *
 * O_A: waits that are paid for by the initial value. O_B, O_C: posts taken and made. O_D: 1 when it was destroyed.
 * Clocks: TOKENS in turn for posts, INITIAL for who initialised it. The queue moves under G_LOCK_SYNC.
 */

import { objectKey } from './edges.js';
import type { LockEnv } from './locks.js';
import { O_A, O_B, O_C, O_D } from './objects.js';

const TOKENS = 64;
const INITIAL = 64;

export class Semaphores {
  constructor(private readonly env: LockEnv) {}

  init(ts: number, addr: number, value: number): void {
    const { objects, edges } = this.env;
    const o = objects.fresh(addr, 'semaphore', this.env.trace(ts));
    if (o === 0) return;
    objects.set(o, O_A, value);
    edges.replace(ts, objectKey(objects.number(o), INITIAL));
  }

  destroy(ts: number, addr: number): void {
    const o = this.usable(ts, addr, 'sem_destroy');
    if (o !== 0) this.env.objects.set(o, O_D, 1);
  }

  /** Before a post. */
  posts(ts: number, addr: number): void {
    const { objects, edges } = this.env;
    const o = this.usable(ts, addr, 'sem_post');
    if (o === 0) return;
    const n = objects.number(o);
    objects.locked(() => {
      const made = objects.get(o, O_C);
      // Beyond so many posts that nobody waited for, the last one stands for all further ones.
      if (made - objects.get(o, O_B) >= TOKENS) edges.join(ts, objectKey(n, (made - 1) % TOKENS));
      else {
        edges.replace(ts, objectKey(n, made % TOKENS));
        objects.set(o, O_C, made + 1);
      }
    });
  }

  /** A post failed: it left nothing. */
  unposts(addr: number): void {
    const { objects } = this.env;
    const o = objects.find(addr, 'semaphore');
    if (o === 0) return;
    objects.locked(() => {
      if (objects.get(o, O_C) > objects.get(o, O_B)) objects.add(o, O_C, -1);
    });
  }

  /** Before a wait that may sleep. */
  waits(ts: number, addr: number): void {
    this.env.held.waits(ts, this.usable(ts, addr, 'sem_wait'));
  }

  waited(ts: number): void {
    this.env.held.waits(ts, 0);
  }

  /** A wait succeeded. */
  took(ts: number, addr: number): void {
    const { objects, edges } = this.env;
    const o = objects.lookup(addr, 'semaphore', () => this.env.trace(ts));
    if (o === 0) return;
    const n = objects.number(o);
    objects.locked(() => {
      const initial = objects.get(o, O_A);
      const taken = objects.get(o, O_B);
      if (initial > 0) {
        objects.set(o, O_A, initial - 1);
        edges.acquire(ts, objectKey(n, INITIAL));
      } else if (taken < objects.get(o, O_C)) {
        objects.set(o, O_B, taken + 1);
        edges.acquire(ts, objectKey(n, taken % TOKENS));
      } else if (taken > 0) edges.acquire(ts, objectKey(n, (taken - 1) % TOKENS));
    });
  }

  private usable(ts: number, addr: number, fn: string): number {
    const { objects, misuse } = this.env;
    const o = objects.lookup(addr, 'semaphore', () => this.env.trace(ts));
    if (o !== 0 && objects.get(o, O_D) !== 0)
      misuse.misc(ts, `${fn}: semaphore has been destroyed`, () => misuse.lock(o));
    return o;
  }
}
