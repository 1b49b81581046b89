/** When a process counts as stuck: thread states made by hand. */
import test from 'ava';
import {
  G_EXITING,
  G_LIVE_THREADS,
  T_FUTEX_STATE,
  THREAD_STRIDE,
  THREADS,
} from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';
import type { ThreadServices } from '../../../kernel/linux/env.js';
import { P_SIGACTIONS, SIGACTION_SIZE } from '../../../kernel/linux/process.js';
import { Stuck } from '../../../kernel/linux/stuck.js';

const WAITING = 1;

class Rig {
  readonly machine = Machine.create(0);
  readonly found: number[][] = [];
  readonly threads = [0, 1, 2].map((n) => THREADS + n * THREAD_STRIDE);
  /** Called while the threads are being looked at. */
  meanwhile: () => void = () => undefined;
  readonly stuck = new Stuck(
    this.machine,
    {
      live: () => {
        this.meanwhile();
        return this.threads;
      },
      stuck: (all: readonly number[]) => this.found.push([...all]),
    } as unknown as ThreadServices,
    WAITING,
  );

  constructor() {
    this.machine.i32[G_LIVE_THREADS >> 2] = this.threads.length;
  }

  waits(...threads: number[]): void {
    for (const n of threads) {
      this.state(n, WAITING);
      this.stuck.event();
      this.stuck.begin(this.threads[n]!);
    }
  }

  state(n: number, state: number): void {
    this.machine.i32[(this.threads[n]! + T_FUTEX_STATE) >> 2] = state;
  }
}

test('stuck when all wait, and told once', (t) => {
  const r = new Rig();
  r.waits(0, 1);
  r.stuck.check();
  t.deepEqual(r.found, []);
  r.waits(2);
  r.stuck.check();
  r.stuck.check();
  t.deepEqual(r.found, [r.threads]);
});

test('not when one was let go and has not run yet', (t) => {
  const r = new Rig();
  r.waits(0, 1, 2);
  r.state(1, 2);
  r.stuck.check();
  t.deepEqual(r.found, []);
});

test('not when one ended its wait', (t) => {
  const r = new Rig();
  r.waits(0, 1, 2);
  r.stuck.end(r.threads[2]!);
  r.stuck.check();
  t.deepEqual(r.found, []);
});

test('a look during which a waiter is let go and its waker waits in turn does not count', (t) => {
  const r = new Rig();
  r.waits(0, 1, 2);
  r.meanwhile = () => r.stuck.event();
  r.stuck.check();
  t.deepEqual(r.found, []);
});

test('not while the process ends, nor when it handles signals', (t) => {
  const ending = new Rig();
  ending.waits(0, 1, 2);
  ending.machine.i32[G_EXITING >> 2] = 1;
  ending.stuck.check();
  t.deepEqual(ending.found, []);
  const handles = (signal: number, handler: number): number => {
    const r = new Rig();
    r.waits(0, 1, 2);
    r.machine.i32[(P_SIGACTIONS + (signal - 1) * SIGACTION_SIZE) >> 2] = handler;
    r.stuck.check();
    return r.found.length;
  };
  t.is(handles(2, 0x1000), 0);
  t.is(handles(2, 1), 1, 'ignored signals wake nobody');
  t.is(handles(32, 0x1000), 1, 'the thread library’s own');
});
