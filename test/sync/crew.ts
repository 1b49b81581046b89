/** Starts workers in a role of worker.ts, and dies on behalf of the code under test. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Job, Role } from './worker.js';

/** Words 0..63 are the test's own; the structure under test starts at LOCK, plain data behind it at DATA. */
export const READY = 0;
export const STOP = 1;
export const PARKED = 2;
export const FLAG = 3;
export const LOCK = 64;
export const DATA = 1024;

export function sharedWords(count = 8192): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}

export interface Member {
  worker: Worker;
  /** What the role returned. */
  result: Promise<number[]>;
  /** Settles with the worker's end, however it ended. */
  gone: Promise<void>;
}

export function start(
  role: Role,
  mem: Int32Array,
  job: Partial<Job> = {},
  env: NodeJS.ProcessEnv = {},
): Member {
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { role, buffer: mem.buffer, self: 1, crew: 1, rounds: 0, ...job },
    env: { ...process.env, ...env },
  });
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const result = new Promise<number[]>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`worker in role ${role} ended without a result`)));
  });
  // A role that is terminated on purpose has no result, and nobody who asks for it.
  result.catch(() => {});
  return { worker, result, gone };
}

/** Starts `crew` workers with ids 1 .. crew and returns their results. */
export function startCrew(role: Role, mem: Int32Array, crew: number, rounds: number): Promise<number[][]> {
  return Promise.all(
    Array.from({ length: crew }, (_, i) => start(role, mem, { self: i + 1, crew, rounds }).result),
  );
}

/** Ends a worker from outside, as if it had crashed. */
export async function kill(member: Member): Promise<void> {
  await member.worker.terminate();
  await member.gone;
}

/** Waits, without blocking the event loop, until something is so; fails after 20 s. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000; i++) {
    if (condition()) return;
    await sleep(1);
  }
  throw new Error(`never came true: ${condition}`);
}

const DYING = ['store', 'add', 'sub', 'exchange', 'compareExchange', 'notify', 'wait'] as const;

class Died extends Error {}

/**
 * Runs `action` and lets the thread "die" just before its `step`th (from 0) access that others can see: that
 * access and all later ones do nothing but throw, so `finally` blocks change nothing either, as in a worker that is
 * terminated. `action` may also die by calling what it is given. Returns whether it died.
 */
export function dieAt(step: number, action: (dieNow: () => never) => void): boolean {
  const real = Object.fromEntries(DYING.map((name) => [name, Atomics[name]]));
  const patched = Atomics as unknown as Record<string, unknown>;
  let left = step;
  for (const name of DYING) {
    const original = real[name] as (...args: unknown[]) => unknown;
    patched[name] = (...args: unknown[]) => {
      if (left-- <= 0) throw new Died();
      return original(...args);
    };
  }
  const dieNow = () => {
    left = 0;
    throw new Died();
  };
  try {
    action(dieNow);
    return false;
  } catch (error) {
    if (error instanceof Died) return true;
    throw error;
  } finally {
    Object.assign(Atomics, real);
  }
}
