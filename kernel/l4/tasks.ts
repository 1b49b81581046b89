/**
 * Tasks and threads from creation to the end: engine task slots, the start of a thread on a worker, killing.
 *
 * A thread object lives on without slots until its engine thread has left the worker (`ended`); a task slot is used again
 * only when no engine thread is in it any more. A_TASK_OF and A_THREAD_OF belong to the kernel lock.
 */

import { MAX_TASKS, STOP_EXIT, T_PC, T_SLOT, T_SP_START, T_TASK, T_X } from '../core/layout.js';
import { createTask, destroyTask } from '../core/task.js';
import * as A from './abi.js';
import type { Caps } from './caps.js';
import type { L4Env } from './env.js';
import type { Flexpage } from './fpage.js';
import type { Ipc } from './ipc.js';
import * as L from './layout.js';
import type { Memory } from './memory.js';
import type { Observer } from './observe.js';
import type { L4State } from './state.js';

/** Selector word that names nothing. */
export const NO_CAP = -4096;

export class Tasks {
  observer: Observer | null = null;

  constructor(
    private readonly state: L4State,
    private readonly env: L4Env,
    private readonly caps: Caps,
    private readonly memory: Memory,
    private readonly ipc: Ipc,
  ) {}

  /** Gives a fresh task object an address space and a capability table. 0 or a negative error number. */
  initTask(task: number, area: Flexpage | null): number {
    const { state } = this;
    for (let slot = 0; slot < MAX_TASKS; slot++) {
      const entry = L.A_TASK_OF + slot * 8;
      if (state.w(entry) !== 0 || state.w(entry + 4) !== 0) continue;
      if (!this.caps.setup(task)) return -A.ENOMEM;
      createTask(state.machine, slot, state.id(task));
      state.setW(entry, task);
      state.setW(task + L.K_SLOT, slot);
      return area === null ? 0 : this.memory.addKernelMemory(task, area.base, area.order);
    }
    return -A.ENOMEM;
  }

  /** Task object of an engine task slot, 0 for none. */
  taskOf(slot: number): number {
    return this.state.w(L.A_TASK_OF + slot * 8);
  }

  initThread(thread: number): void {
    const { state } = this;
    state.words.set(thread + L.H_PAGER, NO_CAP);
    state.words.set(thread + L.H_HANDLER, NO_CAP);
    state.f64[(thread + L.H_IP) >>> 3] = Number.NaN;
    state.f64[(thread + L.H_SP) >>> 3] = Number.NaN;
  }

  /** Binds a thread to a task and a UTCB address, once. 0 or -EINVAL. */
  bind(thread: number, task: number, utcb: number): number {
    const { state } = this;
    if ((state.w(thread + L.H_FLAGS) & L.HF_BOUND) !== 0) return -A.EINVAL;
    const host = utcb % 8 === 0 ? this.memory.kernelMemory(task, utcb, A.UTCB_SIZE) : 0;
    if (host === 0) return -A.EINVAL;
    state.setW(thread + L.H_TASK, task);
    state.setW(thread + L.H_TASK_ID, state.id(task));
    state.setW(thread + L.H_UTCB, host);
    state.f64[(thread + L.H_UTCB_ADDR) >>> 3] = utcb;
    state.words.set(host + A.UTCB_SELF, utcb);
    this.flag(thread, L.HF_BOUND);
    return 0;
  }

  flag(thread: number, flag: number): void {
    this.state.setW(thread + L.H_FLAGS, this.state.w(thread + L.H_FLAGS) | flag);
  }

  /** Starts a thread once it has a task, an instruction pointer and a priority. False when no worker is left for it. */
  start(thread: number): boolean {
    const { state, env } = this;
    const needed = L.HF_BOUND | L.HF_HAS_IP | L.HF_SCHEDULED;
    const flags = state.w(thread + L.H_FLAGS);
    if ((flags & needed) !== needed || (flags & (L.HF_STARTED | L.HF_KILLED)) !== 0) return true;
    const task = state.alive(state.w(thread + L.H_TASK), state.w(thread + L.H_TASK_ID));
    if (task === 0) return true;
    const slot = state.w(task + L.K_SLOT);
    const ts = env.allocThread(slot);
    if (ts === 0) return false;
    const { words, f64 } = state;
    const ip = f64[(thread + L.H_IP) >>> 3]!;
    const sp = f64[(thread + L.H_SP) >>> 3]!;
    words.set(ts + T_PC, Number.isNaN(ip) ? 0 : ip - (ip % 2));
    words.set(ts + T_X + 2 * 8, Number.isNaN(sp) ? 0 : sp);
    words.set(ts + T_SP_START, Number.isNaN(sp) ? 0 : sp);
    // They are used up: a later ex_regs that keeps the old values must not bring these back.
    f64[(thread + L.H_IP) >>> 3] = Number.NaN;
    f64[(thread + L.H_SP) >>> 3] = Number.NaN;
    words.set(ts + T_X + 4 * 8, f64[(thread + L.H_UTCB_ADDR) >>> 3]! + A.UTCB_TP);
    state.setW(ts + L.T_L4, thread);
    state.setW(thread + L.H_TS, ts);
    f64[(thread + L.H_SINCE) >>> 3] = this.state.now();
    state.setW(L.A_THREAD_OF + state.w(ts + T_SLOT) * 4, thread);
    state.setW(L.A_TASK_OF + slot * 8 + 4, state.w(L.A_TASK_OF + slot * 8 + 4) + 1);
    this.flag(thread, L.HF_STARTED);
    this.observer?.started(thread, ts);
    env.spawn(ts);
    return true;
  }

  /** Ends a thread wherever it is. */
  kill(thread: number): void {
    const { state } = this;
    if ((state.w(thread + L.H_FLAGS) & L.HF_KILLED) !== 0) return;
    this.flag(thread, L.HF_KILLED);
    const stands = state.w(thread + L.H_STATE) !== L.STATE_READY;
    this.ipc.abort(thread, A.IPC_ABORTED);
    const ts = state.w(thread + L.H_TS);
    if (stands) this.observer?.killed(thread);
    if (ts !== 0) this.env.poke(ts, STOP_EXIT);
    else this.releaseUtcb(thread);
  }

  /** Tells user land that the UTCB is no longer used. */
  private releaseUtcb(thread: number): void {
    const { state } = this;
    const task = state.alive(state.w(thread + L.H_TASK), state.w(thread + L.H_TASK_ID));
    const utcb = state.w(thread + L.H_UTCB);
    if (task !== 0 && utcb !== 0) state.words.set(utcb + A.UTCB_FREE, 0);
    state.setW(thread + L.H_UTCB, 0);
  }

  /** An engine thread has run its last guest instruction. Takes the kernel lock. */
  ended(ts: number): void {
    const { state } = this;
    state.lock();
    try {
      const thread = state.w(ts + L.T_L4);
      if (thread === 0) return;
      this.flag(thread, L.HF_KILLED);
      this.ipc.abort(thread, A.IPC_ABORTED);
      const slot = this.slotOf(ts);
      this.releaseUtcb(thread);
      state.setW(L.A_THREAD_OF + state.w(ts + T_SLOT) * 4, 0);
      state.setW(thread + L.H_TS, 0);
      state.setW(ts + L.T_L4, 0);
      const users = L.A_TASK_OF + slot * 8 + 4;
      state.setW(users, state.w(users) - 1);
      this.releaseSlot(slot);
      if (this.caps.dying(thread)) this.caps.bury(thread);
      this.caps.reap();
      this.ipc.checkIdle(1);
    } finally {
      state.unlock();
    }
  }

  private slotOf(ts: number): number {
    return this.state.w(ts + T_TASK);
  }

  /** Gives the address space of a dead task back once nobody runs in it. */
  private releaseSlot(slot: number): void {
    const { state } = this;
    const entry = L.A_TASK_OF + slot * 8;
    if (state.w(entry) === 0 && state.w(entry + 4) === 0) destroyTask(this.env.space(slot));
  }

  /** Takes a dying thread down. False while its engine thread still runs. */
  dismantleThread(thread: number): boolean {
    const { state, ipc } = this;
    this.kill(thread);
    ipc.abortQueue(thread + L.H_SENDERS, A.IPC_CANCELED);
    const waiting = state.w(thread + L.H_REPLY);
    if (waiting !== 0) ipc.takeReplyCap(thread + L.H_REPLY);
    for (const other of this.running()) ipc.partnerGone(other, thread);
    return state.w(thread + L.H_TS) === 0;
  }

  dismantleTask(task: number): boolean {
    const { state } = this;
    const slot = state.w(task + L.K_SLOT);
    if (this.taskOf(slot) === task) {
      for (const thread of this.running()) {
        if (state.w(thread + L.H_TASK) === task) this.kill(thread);
      }
      this.memory.tearDown(task);
      state.setW(L.A_TASK_OF + slot * 8, 0);
      this.releaseSlot(slot);
    }
    this.ipc.tearDownReplies(task);
    this.caps.tearDown(task);
    return true;
  }

  /** Objects of all threads that have an engine thread. */
  running(): number[] {
    const out: number[] = [];
    for (let k = 0; k < 1024; k++) {
      const thread = this.state.w(L.A_THREAD_OF + k * 4);
      if (thread !== 0) out.push(thread);
    }
    return out;
  }
}
