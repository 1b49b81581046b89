/** Operations on threads (fact sheet 6.3). IPC with a thread is in ipc.ts. */

import { STOP_YIELD, T_PC, T_X } from '../core/layout.js';
import * as A from './abi.js';
import { type Call, type Outcome, reply } from './call.js';
import type { L4Env } from './env.js';
import type { Ipc } from './ipc.js';
import * as L from './layout.js';
import type { L4State } from './state.js';
import type { Tasks } from './tasks.js';

const CTL_PAGER = 0x10000;
const CTL_HANDLER = 0x1000000;
const CTL_BIND = 0x200000;
const EX_CANCEL = 0x10000;
const EX_TRIGGER = 0x20000;

export class ThreadObject {
  constructor(
    private readonly state: L4State,
    private readonly env: L4Env,
    private readonly tasks: Tasks,
    private readonly ipc: Ipc,
  ) {}

  invoke(call: Call): Outcome {
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    switch (call.low(0) & 0xffff) {
      case 0:
        return this.control(call);
      case 1:
        return this.exRegs(call);
      case 2:
        call.yields = true;
        return reply(0);
      case 3:
        return this.stats(call);
      case 5:
        return this.registerDeletionIrq(call);
      case 6:
        return this.modifySenders(call);
      // vcpu_resume outside of vCPU mode, which there is none of.
      case 4:
        return reply(-A.EINVAL);
      default:
        return reply(-A.ENOSYS);
    }
  }

  private control(call: Call): Outcome {
    const { state } = this;
    const { words } = state;
    if ((call.rights & A.CAP_S) === 0) return reply(-A.EPERM);
    if (call.words < 6) return reply(-A.EINVAL);
    const flags = call.low(0);
    if ((flags & CTL_BIND) !== 0) {
      const task = call.itemOf(0, L.KIND_TASK, A.CAP_S);
      if (typeof task !== 'number') return task;
      const error = this.tasks.bind(call.obj, task, call.mru(5));
      if (error !== 0) return reply(error);
    }
    const swap = (mr: number, word: number, set: boolean): void => {
      const low = words.low(word);
      const high = words.high(word);
      if (set) words.copy(word, call.at(mr), 1);
      words.pair(call.at(mr), low, high);
    };
    swap(1, call.obj + L.H_PAGER, (flags & CTL_PAGER) !== 0);
    swap(2, call.obj + L.H_HANDLER, (flags & CTL_HANDLER) !== 0);
    return this.tasks.start(call.obj) ? reply(0, 3) : reply(-A.ENOMEM);
  }

  private exRegs(call: Call): Outcome {
    const { state } = this;
    const { f64 } = state;
    const thread = call.obj;
    if (call.words !== 3) return reply(-A.EINVAL);
    const flags = state.w(thread + L.H_FLAGS);
    if ((flags & L.HF_BOUND) === 0) return reply(-A.EINVAL);
    const cancel = (call.low(0) & EX_CANCEL) !== 0;
    const trigger = (call.low(0) & EX_TRIGGER) !== 0;
    const ip = register(call, 1);
    const sp = register(call, 2);
    const ts = state.w(thread + L.H_TS);
    const old = (word: number): number => (ts === 0 ? 0 : state.words.get(ts + word));
    call.setMr(0, 0);
    call.setMr(1, old(T_PC));
    call.setMr(2, old(T_X + 2 * 8));
    // Whoever handles the thread's fault will set its registers.
    if ((flags & L.HF_IN_FAULT) !== 0 && !cancel) return reply(0, 3);
    if (!Number.isNaN(ip)) f64[(thread + L.H_IP) >>> 3] = ip;
    if (!Number.isNaN(sp)) f64[(thread + L.H_SP) >>> 3] = sp;
    this.tasks.flag(thread, L.HF_HAS_IP);
    if ((flags & L.HF_STARTED) === 0) return this.tasks.start(thread) ? reply(0, 3) : reply(-A.ENOMEM);
    Atomics.or(state.i32, (thread + L.H_PENDING) >>> 2, L.PEND_EX_REGS | (trigger ? L.PEND_EXCEPTION : 0));
    if (cancel && thread !== call.me) this.ipc.abort(thread, A.IPC_CANCELED);
    if (ts !== 0) this.env.poke(ts, STOP_YIELD);
    return reply(0, 3);
  }

  /** Time since the thread began to run: a worker's share of the host's processors is not known. */
  private stats(call: Call): Outcome {
    const { state } = this;
    const since = state.f64[(call.obj + L.H_SINCE) >>> 3]!;
    call.setMr(0, since === 0 ? 0 : Math.floor((this.state.now() - since) * 1000));
    return reply(0, 1);
  }

  private registerDeletionIrq(call: Call): Outcome {
    const { state } = this;
    const irq = call.itemOf(0, L.KIND_IRQ, A.CAP_W);
    if (typeof irq !== 'number') return irq;
    const old = state.alive(state.w(call.obj + L.H_DEL_IRQ), state.w(call.obj + L.H_DEL_IRQ_ID));
    if (old !== 0) return reply(-A.EBUSY);
    state.setW(call.obj + L.H_DEL_IRQ, irq);
    state.setW(call.obj + L.H_DEL_IRQ_ID, state.id(irq));
    return reply(0);
  }

  /** Rewrites the labels of those that wait to send to the thread. */
  private modifySenders(call: Call): Outcome {
    const { state } = this;
    if ((call.rights & A.CAP_S) === 0) return reply(-A.EPERM);
    const { i64 } = state.machine;
    const word = (i: number): bigint => i64[call.at(i) >>> 3]!;
    const rules = Math.floor((Math.min(call.words, A.MR_WORDS) - 1) / 4);
    for (let q = state.w(call.obj + L.H_SENDERS); q !== 0; q = state.w(q + L.Q_NEXT)) {
      if (state.kind(q) !== L.KIND_THREAD) continue;
      const at = (q + L.H_LABEL) >>> 3;
      for (let k = 0; k < rules; k++) {
        const label = i64[at]!;
        if ((label & word(1 + k * 4)) !== word(2 + k * 4)) continue;
        i64[at] = (label & ~word(3 + k * 4)) | word(4 + k * 4);
        break;
      }
    }
    return reply(0);
  }
}

/** Register value to set, NaN for all ones, which keeps the old one. */
function register(call: Call, mr: number): number {
  return call.low(mr) === -1 && call.mr(mr) === -1 ? Number.NaN : call.mru(mr);
}
