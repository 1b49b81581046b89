/** Who waits for whom, for the report of a deadlock. The threads concerned all stand still. */
import { LIFE_RUNNING, MAX_THREADS, T_LIFE, THREAD_STRIDE, THREADS } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import type { Awaited } from '../api.js';
import { aux, type Part, stack } from '../errors.js';
import type { Held } from './held.js';
import { hex } from './misuse.js';
import type { Kind, Objects } from './objects.js';

export interface AwaitsEnv {
  readonly host: { readonly machine: Machine };
  trace(ts: number): number;
  pcs(trace: number): number[];
  numberOf(ts: number): number;
}

/** What the thread waits for, and where those who hold it took it; null when it waits for none of our objects. */
export function awaits(env: AwaitsEnv, objects: Objects, held: Held, ts: number): Awaited | null {
  const pcs = env.pcs(env.trace(ts));
  const joins = held.joined(ts);
  if (joins !== 0) return { what: `thread #${joins} to end`, pcs };
  const object = held.awaited(ts);
  if (object === 0) return null;
  const holders = live(env.host.machine).flatMap((other) => {
    const hold = held.of(other, object);
    return hold ? [{ thread: env.numberOf(other), trace: hold.trace }] : [];
  });
  const names = holders.map((h) => `thread #${h.thread}`).join(', ');
  return {
    what: `${NOUN[objects.kind(object)]} ${hex(objects.addr(object))}${names ? `, held by ${names}` : ''}`,
    pcs,
    more: holders.flatMap((h): Part[] => [
      aux(`which thread #${h.thread} acquired`),
      stack(env.pcs(h.trace)),
    ]),
  };
}

function live(machine: Machine): number[] {
  const out: number[] = [];
  for (let slot = 0; slot < MAX_THREADS; slot++) {
    const ts = THREADS + slot * THREAD_STRIDE;
    if (Atomics.load(machine.i32, (ts + T_LIFE) >> 2) === LIFE_RUNNING) out.push(ts);
  }
  return out;
}

const NOUN: Readonly<Record<Kind, string>> = {
  mutex: 'mutex',
  rwlock: 'reader-writer lock',
  spinlock: 'spin lock',
  cond: 'condition variable',
  semaphore: 'semaphore',
  barrier: 'barrier',
};
