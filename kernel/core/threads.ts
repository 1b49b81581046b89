/**
 * Guest threads: their slots, where each is (guest code or kernel), and how others make it stop.
 *
 * A thread in MODE_KERNEL holds no window that it will use again: on its way back to guest code it compares the
 * map epoch of its task with the one it has seen and forgets its windows when they differ. So a thread that
 * takes mappings away bumps the epoch and waits until every other running thread of the task has either been in
 * the kernel since, or has passed a safepoint (`shootdown`).
 *
 * T_MODE, T_STOP, T_LIMIT, T_MAP_SEEN, T_LIFE are atomic words; slots change hands under G_LOCK_THREADS
 * (rank threadTable).
 */
import { Mutex } from '../../sync/mutex.js';
import {
  DEPTH_LIMIT,
  G_EXIT_SIGNAL,
  G_EXITING,
  G_LIVE_THREADS,
  G_LOCK_THREADS,
  G_MULTI,
  G_PEAK_THREADS,
  G_THREAD_EVENT,
  G_TOTAL_THREADS,
  K_MAP_EPOCH,
  LIFE_EXITED,
  LIFE_FREE,
  LIFE_RUNNING,
  LIFE_STARTING,
  MAX_THREADS,
  MODE_GUEST,
  MODE_KERNEL,
  STOP_EPOCH,
  STOP_EXIT,
  T_CODE_SEEN,
  T_EXIT,
  T_LIFE,
  T_LIMIT,
  T_MAP_SEEN,
  T_MODE,
  T_MULTI,
  T_REGWIN,
  T_RES_HOST,
  T_SLOT,
  T_STOP,
  T_TASK,
  T_TASKPTR,
  T_TID,
  T_TLB,
  T_TLB_SIZE,
  T_TOOL_AREA,
  T_TURN,
  TASK_STRIDE,
  TASKS,
  THREAD_STRIDE,
  THREADS,
} from './layout.js';
import type { Machine } from './machine.js';

export class ThreadTable {
  private readonly i32: Int32Array;
  private readonly lock: Mutex;

  constructor(
    private readonly machine: Machine,
    private readonly maxThreads: number,
  ) {
    this.i32 = machine.i32;
    this.lock = new Mutex(machine.i32, G_LOCK_THREADS >> 2, 'threadTable');
  }

  /** A fresh slot of the task in LIFE_STARTING, all other words 0; 0 when the cap is reached. */
  alloc(task: number, tidBase: number): number {
    const { i32 } = this;
    this.lock.lock(this.machine.self);
    try {
      if (Atomics.load(i32, G_LIVE_THREADS >> 2) >= this.maxThreads) return 0;
      for (let slot = 0; slot < MAX_THREADS; slot++) {
        const ts = THREADS + slot * THREAD_STRIDE;
        if (Atomics.load(i32, (ts + T_LIFE) >> 2) !== LIFE_FREE) continue;
        i32.fill(0, ts >> 2, (ts + THREAD_STRIDE) >> 2);
        const serial = Atomics.add(i32, G_TOTAL_THREADS >> 2, 1);
        i32[(ts + T_SLOT) >> 2] = slot;
        i32[(ts + T_TID) >> 2] = tidBase + serial;
        i32[(ts + T_TASK) >> 2] = task;
        i32[(ts + T_TASKPTR) >> 2] = TASKS + task * TASK_STRIDE;
        Atomics.store(i32, (ts + T_LIMIT) >> 2, DEPTH_LIMIT);
        Atomics.store(i32, (ts + T_LIFE) >> 2, LIFE_STARTING);
        const live = Atomics.add(i32, G_LIVE_THREADS >> 2, 1) + 1;
        if (live > i32[G_PEAK_THREADS >> 2]!) i32[G_PEAK_THREADS >> 2] = live;
        return ts;
      }
      return 0;
    } finally {
      this.lock.unlock();
    }
  }

  /** Gives a slot back; returns how many threads live on. */
  free(ts: number): number {
    const { i32 } = this;
    Atomics.store(i32, (ts + T_LIFE) >> 2, LIFE_FREE);
    const live = Atomics.sub(i32, G_LIVE_THREADS >> 2, 1) - 1;
    Atomics.add(i32, G_THREAD_EVENT >> 2, 1);
    Atomics.notify(i32, G_THREAD_EVENT >> 2);
    return live;
  }

  markRunning(ts: number): void {
    Atomics.store(this.i32, (ts + T_LIFE) >> 2, LIFE_RUNNING);
  }

  markExited(ts: number, code: number): void {
    this.i32[(ts + T_EXIT) >> 2] = code;
    Atomics.store(this.i32, (ts + T_LIFE) >> 2, LIFE_EXITED);
  }

  /** Thread states in use, by slot. */
  live(): number[] {
    const out: number[] = [];
    for (let slot = 0; slot < MAX_THREADS; slot++) {
      const ts = THREADS + slot * THREAD_STRIDE;
      const life = Atomics.load(this.i32, (ts + T_LIFE) >> 2);
      if (life === LIFE_STARTING || life === LIFE_RUNNING) out.push(ts);
      if (out.length >= Atomics.load(this.i32, G_LIVE_THREADS >> 2)) break;
    }
    return out;
  }

  /** Asks a thread to poll: at the next region entry or back edge out of fuel it comes to its safepoint. */
  poke(ts: number, why: number): void {
    Atomics.or(this.i32, (ts + T_STOP) >> 2, why);
    Atomics.store(this.i32, (ts + T_LIMIT) >> 2, 0);
    Atomics.notify(this.i32, (ts + T_STOP) >> 2);
    Atomics.notify(this.i32, (ts + T_TURN) >> 2);
  }

  /** From guest code into the kernel. */
  enterKernel(ts: number): void {
    Atomics.store(this.i32, (ts + T_MODE) >> 2, MODE_KERNEL);
    Atomics.notify(this.i32, (ts + T_MODE) >> 2);
  }

  /**
   * Back to guest code. True when mappings were taken away meanwhile: the thread's cached windows are gone, and
   * wasm frames must not use theirs.
   */
  leaveKernel(ts: number): boolean {
    const { i32 } = this;
    Atomics.store(i32, (ts + T_MODE) >> 2, MODE_GUEST);
    const task = i32[(ts + T_TASKPTR) >> 2]!;
    const epoch = Atomics.load(i32, (task + K_MAP_EPOCH) >> 2);
    i32[(ts + T_MULTI) >> 2] = Atomics.load(i32, G_MULTI >> 2);
    if (i32[(ts + T_MAP_SEEN) >> 2] === epoch) return false;
    this.forgetWindows(ts);
    Atomics.store(i32, (ts + T_MAP_SEEN) >> 2, epoch);
    Atomics.notify(i32, (ts + T_MAP_SEEN) >> 2);
    return true;
  }

  forgetWindows(ts: number): void {
    this.i32.fill(0, (ts + T_REGWIN) >> 2, (ts + T_TOOL_AREA) >> 2);
    this.i32.fill(0, (ts + T_TLB) >> 2, (ts + T_TLB + T_TLB_SIZE) >> 2);
    this.i32[(ts + T_RES_HOST) >> 2] = 0;
  }

  /** Waits until no other thread of the task can use a window from before the current map epoch. */
  shootdown(self: number, task: number): void {
    const { i32 } = this;
    const taskPtr = TASKS + task * TASK_STRIDE;
    const epoch = Atomics.load(i32, (taskPtr + K_MAP_EPOCH) >> 2);
    for (const ts of this.live()) {
      if (ts === self || i32[(ts + T_TASK) >> 2] !== task) continue;
      for (;;) {
        if (Atomics.load(i32, (ts + T_MODE) >> 2) === MODE_KERNEL) break;
        const seen = Atomics.load(i32, (ts + T_MAP_SEEN) >> 2);
        if (seen - epoch >= 0) break;
        const life = Atomics.load(i32, (ts + T_LIFE) >> 2);
        if (life === LIFE_FREE || life === LIFE_EXITED) break;
        this.poke(ts, STOP_EPOCH);
        Atomics.wait(i32, (ts + T_MAP_SEEN) >> 2, seen, 1);
      }
    }
  }

  /** Waits until every other thread is in the kernel or runs code of this epoch. */
  awaitCodeEpoch(self: number, epoch: number): void {
    const { i32 } = this;
    for (const ts of this.live()) {
      if (ts === self) continue;
      for (;;) {
        if (Atomics.load(i32, (ts + T_MODE) >> 2) === MODE_KERNEL) break;
        const seen = Atomics.load(i32, (ts + T_CODE_SEEN) >> 2);
        if (seen === epoch) break;
        this.poke(ts, STOP_EPOCH);
        Atomics.wait(i32, (ts + T_CODE_SEEN) >> 2, seen, 1);
      }
    }
  }

  /** Ends the process: remembers status (or signal) once, stops every thread. False when it was ending already. */
  exitProcess(code: number, signal: number): boolean {
    const { i32 } = this;
    const first = Atomics.compareExchange(i32, G_EXITING >> 2, 0, code + 1) === 0;
    if (first && signal !== 0) Atomics.store(i32, G_EXIT_SIGNAL >> 2, signal + 1);
    for (const ts of this.live()) this.poke(ts, STOP_EXIT);
    Atomics.add(i32, G_THREAD_EVENT >> 2, 1);
    Atomics.notify(i32, G_THREAD_EVENT >> 2);
    return first;
  }
}
