/** Factories: creation of kernel objects against a quota (fact sheet 6.1). */
import * as A from './abi.js';
import { type Call, failed, type Outcome, reply } from './call.js';
import type { Caps } from './caps.js';
import { readFlexpage } from './fpage.js';
import * as L from './layout.js';
import type { L4State } from './state.js';
import type { Tasks } from './tasks.js';

/** Bytes charged per object, in the order of magnitude of the real kernel's. */
const COST = { task: 40960, thread: 8192, small: 256 } as const;
/** What the first slot of an object holds: everything. */
export const CREATOR_RIGHTS = A.CAP_W | A.CAP_S | A.CAP_R | A.CAP_D | A.CAP_OBJECT_RIGHTS | L.SLOT_COUNTED;
/** Arguments of a variable-argument list are two words each: a tag, then the value. */
const ARG_UNSIGNED = 0x80001;
const ARG_FLEXPAGE = 0x80003;

export class FactoryObject {
  constructor(
    private readonly state: L4State,
    private readonly caps: Caps,
    private readonly tasks: Tasks,
  ) {}

  invoke(call: Call): Outcome {
    if (call.label !== A.PROTO_FACTORY) return reply(-A.EBADPROTO);
    if ((call.rights & A.CAP_S) === 0) return reply(-A.EPERM);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    if (!call.receives) return reply(0);
    const made = this.create(call);
    if (typeof made !== 'number') return made;
    const index = targetSlot(call);
    if (index < 0) {
      this.caps.destroy(made, 0, 'destroyed');
      return failed(A.IPC_OVERFLOW | A.IPC_RECEIVE);
    }
    if (!this.caps.fill(call.task, index, made, CREATOR_RIGHTS, 'create')) {
      this.caps.destroy(made, 0, 'destroyed');
      return reply(-A.ENOMEM);
    }
    return answer(call, this.state.kind(made) === L.KIND_TASK ? 1 : 0);
  }

  /** The new object without any slot, or the answer that says why there is none. */
  private create(call: Call): number | Outcome {
    const { state } = this;
    const plain = (kind: number, bytes: number): number | Outcome =>
      state.alloc(kind, call.obj, bytes) || reply(-A.ENOMEM);
    switch (call.mr(0)) {
      case 0:
      case A.PROTO_KOBJECT:
        return this.gate(call);
      case A.PROTO_TASK:
        return this.task(call);
      case A.PROTO_THREAD: {
        const thread = plain(L.KIND_THREAD, COST.thread);
        if (typeof thread === 'number') this.tasks.initThread(thread);
        return thread;
      }
      case A.PROTO_FACTORY:
        return this.factory(call);
      case A.PROTO_IRQ_SENDER: {
        const irq = plain(L.KIND_IRQ, COST.small);
        if (typeof irq === 'number') state.setW(irq + L.Q_PRIO, 255);
        return irq;
      }
      case A.PROTO_SEMAPHORE:
        return plain(L.KIND_SEMAPHORE, COST.small);
      default:
        return reply(-A.ENODEV);
    }
  }

  private gate(call: Call): number | Outcome {
    const { state } = this;
    let thread = 0;
    if (call.items > 0) {
      const item = call.itemOf(0, L.KIND_THREAD, A.CAP_S);
      if (typeof item !== 'number') return item;
      thread = item;
      if (call.words < 3) return reply(-A.EMSGTOOSHORT);
      if (call.low(1) !== ARG_UNSIGNED || (call.low(2) & 3) !== 0) return reply(-A.EINVAL);
    }
    const gate = state.alloc(L.KIND_GATE, call.obj, COST.small);
    if (gate === 0) return reply(-A.ENOMEM);
    if (thread !== 0) {
      state.setW(gate + L.G_THREAD, thread);
      state.setW(gate + L.G_THREAD_ID, state.id(thread));
      state.words.copy(gate + L.G_LABEL, call.at(2), 1);
    }
    return gate;
  }

  private task(call: Call): number | Outcome {
    const { state } = this;
    const given = call.words >= 3 && call.low(1) === ARG_FLEXPAGE;
    const area = given ? readFlexpage(state.words, call.at(2)) : null;
    const task = state.alloc(L.KIND_TASK, call.obj, COST.task);
    if (task === 0) return reply(-A.ENOMEM);
    const error = this.tasks.initTask(task, area !== null && area.type === A.FP_MEMORY ? area : null);
    if (error !== 0) {
      this.caps.destroy(task, 0, 'destroyed');
      return reply(error);
    }
    if (given) state.words.copy(call.at(0), call.at(2), 1);
    else call.setMr(0, 0);
    return task;
  }

  private factory(call: Call): number | Outcome {
    const { state } = this;
    if (call.words < 3) return reply(-A.EMSGTOOSHORT);
    if (call.words > 3 || call.items > 0) return reply(-A.EMSGTOOLONG);
    const limit = call.mru(2);
    // The child's whole quota comes out of the parent's.
    const factory = state.alloc(L.KIND_FACTORY, call.obj, COST.small);
    if (factory === 0) return reply(-A.ENOMEM);
    if (!state.charge(call.obj, limit)) {
      this.caps.destroy(factory, 0, 'destroyed');
      return reply(-A.ENOMEM);
    }
    state.f64[(factory + L.F_LIMIT) >>> 3] = limit;
    return factory;
  }
}

/** Slot that the caller's object buffer names; -1 when there is no such buffer. */
export function targetSlot(call: Call): number {
  const { words } = call.state;
  const index = (words.low(call.utcb + A.UTCB_BDR) >>> 10) & 31;
  const low = words.low(call.buffer(index));
  const high = words.high(call.buffer(index)) >>> 0;
  if ((low & A.ITEM_MAP) === 0) return -1;
  if ((low & A.BUF_SMALL) !== 0) return high * 1048576 + (low >>> A.CAP_SHIFT);
  const page = readFlexpage(words, call.buffer(index + 1));
  return page.type === A.FP_OBJECT ? page.base : -1;
}

/** The reply that carries a new capability: `words` words, then the item. */
export function answer(call: Call, words: number): Outcome {
  call.setMr(words, CREATED);
  return reply(0, words, 1);
}

/** Word 0 of the item that a creation answers with. */
const CREATED = 0x38;
