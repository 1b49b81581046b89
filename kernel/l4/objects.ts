/** Which object does what with an invocation, and what has to be taken down when it goes. */
import * as A from './abi.js';
import { type Call, type Outcome, reply } from './call.js';
import type { Caps } from './caps.js';
import * as L from './layout.js';
import type { FactoryObject } from './obj-factory.js';
import type { MiscObjects } from './obj-misc.js';
import type { TaskObject } from './obj-task.js';
import type { ThreadObject } from './obj-thread.js';
import type { L4State } from './state.js';
import type { Tasks } from './tasks.js';

/** An object that capgrind serves in place of a server of L4Re. */
export interface HostedObject {
  invoke(call: Call): Outcome;
  dismantle?(obj: number): void;
}

export class Objects {
  readonly hosted = new Map<number, HostedObject>();

  constructor(
    private readonly state: L4State,
    caps: Caps,
    private readonly tasks: Tasks,
    private readonly handlers: {
      thread: ThreadObject;
      task: TaskObject;
      factory: FactoryObject;
      misc: MiscObjects;
    },
  ) {
    caps.dismantle = (obj) => this.dismantle(obj);
  }

  /** Whether an invocation is IPC with a thread rather than an operation on the object itself. */
  isIpc(kind: number, label: number, op: number, rights: number): boolean {
    const sends = (op & (A.OP_SEND | A.OP_REPLY)) === A.OP_SEND;
    if (kind === L.KIND_THREAD) return !sends || label !== A.PROTO_THREAD;
    if (kind !== L.KIND_GATE) return false;
    return !sends || label !== A.PROTO_KOBJECT || (rights & A.CAP_SERVER) === 0;
  }

  invoke(kind: number, call: Call): Outcome {
    const { misc, thread, task, factory } = this.handlers;
    switch (kind) {
      case L.KIND_TASK:
        return task.invoke(call);
      case L.KIND_THREAD:
        return thread.invoke(call);
      case L.KIND_GATE:
        return misc.gate(call);
      case L.KIND_IRQ:
        return misc.irq(call);
      case L.KIND_SEMAPHORE:
        return misc.semaphore(call);
      case L.KIND_FACTORY:
        return factory.invoke(call);
      case L.KIND_SCHEDULER:
        return misc.scheduler(call);
      case L.KIND_ICU:
        return misc.icu(call);
      case L.KIND_LOG:
        return misc.log(call);
      case L.KIND_DEBUGGER:
        return misc.debugger(call);
      default:
        return this.hosted.get(kind)?.invoke(call) ?? reply(-A.EBADPROTO);
    }
  }

  private dismantle(obj: number): boolean {
    const { state } = this;
    const { misc } = this.handlers;
    switch (state.kind(obj)) {
      case L.KIND_TASK:
        return this.tasks.dismantleTask(obj);
      case L.KIND_THREAD:
        return this.tasks.dismantleThread(obj);
      case L.KIND_GATE:
        misc.dismantleGate(obj);
        return true;
      case L.KIND_IRQ:
        misc.dismantleIrq(obj);
        return true;
      case L.KIND_SEMAPHORE:
        misc.dismantleSemaphore(obj);
        return true;
      case L.KIND_FACTORY: {
        const parent = state.alive(state.w(obj + L.O_FACTORY), state.w(obj + L.O_FACTORY_ID));
        const { f64 } = state;
        if (parent !== 0) state.credit(parent, f64[(obj + L.F_LIMIT) >>> 3]! - f64[(obj + L.F_USED) >>> 3]!);
        return true;
      }
      default:
        this.hosted.get(state.kind(obj))?.dismantle?.(obj);
        return true;
    }
  }
}
