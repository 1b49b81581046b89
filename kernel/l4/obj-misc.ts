/** The smaller kernel objects: gates, IRQs, semaphores, scheduler, ICU, log, debugger (fact sheet 6.4 to 6.10). */
import * as A from './abi.js';
import { type Call, ENDS, failed, type Outcome, reply, SILENT } from './call.js';
import type { L4Env } from './env.js';
import type { Ipc } from './ipc.js';
import * as L from './layout.js';
import { dequeue, enqueue } from './queue.js';
import type { L4State } from './state.js';
import type { Tasks } from './tasks.js';

const OP_BIND = 0x10;
const OP_INFO = 0x11;
const OP_DEC_REFS = 0;
/** Bytes one log write carries at most. */
const LOG_BYTES = 488;
/** Bit of a read's answer: nothing more is pending. */
const LOG_EMPTY = 0x80000000;

export class MiscObjects {
  constructor(
    private readonly state: L4State,
    private readonly env: L4Env,
    private readonly tasks: Tasks,
    private readonly ipc: Ipc,
  ) {}

  // --- IPC gate, seen by its server -------------------------------------------------------------------------------

  gate(call: Call): Outcome {
    const { state } = this;
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    switch (call.low(0) & 0xffff) {
      case OP_BIND:
        return this.bind(call, L.G_THREAD, L.G_LABEL, () => this.ipc.retryQueue(call.obj + L.G_SENDERS));
      case OP_INFO:
        state.words.copy(call.at(0), call.obj + L.G_LABEL, 1);
        return reply(0, 1);
      case OP_DEC_REFS: {
        const by = Math.max(0, call.words > 1 ? call.mru(1) : 0);
        const left = Math.max(0, state.w(call.obj + L.O_REFS) - by);
        state.setW(call.obj + L.O_REFS, left);
        call.setMr(0, left);
        return reply(0, 1);
      }
      default:
        return reply(-A.ENOSYS);
    }
  }

  /** Binds a gate or an IRQ to a thread under a label. Thread word, its id behind it, and the label's word. */
  private bind(call: Call, thread: number, label: number, then: () => void): Outcome {
    const { state } = this;
    if ((call.rights & A.CAP_S) === 0) return reply(-A.EPERM);
    if (call.words < 2) return reply(-A.EMSGTOOSHORT);
    const target = call.itemOf(0, L.KIND_THREAD, A.CAP_S);
    if (typeof target !== 'number') return target;
    if (state.kind(call.obj) === L.KIND_GATE && (call.low(1) & 3) !== 0) return reply(-A.EINVAL);
    state.setW(call.obj + thread, target);
    state.setW(call.obj + thread + 4, state.id(target));
    state.words.copy(call.obj + label, call.at(1), 1);
    then();
    return reply(0);
  }

  dismantleGate(gate: number): void {
    const { state } = this;
    this.ipc.abortQueue(gate + L.G_SENDERS, A.IPC_NOT_EXISTENT);
    const thread = this.ipc.bound(gate);
    if (thread === 0) return;
    const irq = state.alive(state.w(thread + L.H_DEL_IRQ), state.w(thread + L.H_DEL_IRQ_ID));
    if (irq !== 0 && state.kind(irq) === L.KIND_IRQ) this.ipc.hit(irq);
  }

  // --- IRQ ----------------------------------------------------------------------------------------------------------

  irq(call: Call): Outcome {
    const { state } = this;
    const op = call.words < 1 ? -1 : call.low(0) & 0xffff;
    switch (call.label) {
      case A.PROTO_IRQ:
        if (call.words === 0 || op === 2) this.ipc.hit(call.obj);
        else if (op !== 4) return reply(-A.ENOSYS);
        return SILENT;
      case A.PROTO_KOBJECT:
        if (op === OP_BIND) return this.bind(call, L.I_THREAD, L.I_LABEL, () => this.moveHit(call.obj));
        return reply(-A.ENOSYS);
      case A.PROTO_IRQ_SENDER: {
        if (op !== 1) return reply(-A.ENOSYS);
        const thread = state.alive(state.w(call.obj + L.I_THREAD), state.w(call.obj + L.I_THREAD_ID));
        if (thread === 0) return reply(-A.ENOENT);
        const pending = state.w(call.obj + L.I_PENDING) !== 0;
        this.dismantleIrq(call.obj);
        return reply(pending ? 1 : 0);
      }
      default:
        return reply(-A.EBADPROTO);
    }
  }

  /** A hit that nobody has taken moves to the thread that is bound now. */
  private moveHit(irq: number): void {
    if (this.state.w(irq + L.I_PENDING) === 0) return;
    dequeue(this.state, irq);
    this.state.setW(irq + L.I_PENDING, 0);
    this.ipc.hit(irq);
  }

  dismantleIrq(irq: number): void {
    const { state } = this;
    dequeue(state, irq);
    state.setW(irq + L.I_PENDING, 0);
    state.setW(irq + L.I_THREAD, 0);
  }

  // --- semaphore ----------------------------------------------------------------------------------------------------

  semaphore(call: Call): Outcome {
    if (call.label === A.PROTO_IRQ) {
      this.up(call.obj);
      return SILENT;
    }
    if (call.label !== A.PROTO_SEMAPHORE) return reply(-A.EBADPROTO);
    if ((call.rights & A.CAP_S) === 0) return reply(-A.EPERM);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    if ((call.low(0) & 0xffff) !== 0) return reply(-A.ENOSYS);
    return this.down(call);
  }

  private up(semaphore: number): void {
    const { state } = this;
    const { watcher } = this.ipc;
    watcher?.left(semaphore);
    const waiter = state.w(semaphore + L.M_WAITERS);
    if (waiter === 0) {
      state.setW(semaphore + L.M_COUNT, state.w(semaphore + L.M_COUNT) + 1);
      return;
    }
    dequeue(state, waiter);
    watcher?.took(waiter, semaphore);
    state.i32[(waiter + L.H_ERROR) >>> 2] = 0;
    this.ipc.wake(waiter);
  }

  private down(call: Call): Outcome {
    const { state, ipc } = this;
    const count = state.w(call.obj + L.M_COUNT);
    if (count > 0) {
      state.setW(call.obj + L.M_COUNT, count - 1);
      ipc.watcher?.took(call.me, call.obj);
      return reply(0);
    }
    if (!call.receives || call.deadline <= 0) return failed(A.IPC_TIMEOUT | A.IPC_RECEIVE);
    const { me } = call;
    enqueue(state, call.obj + L.M_WAITERS, me);
    ipc.sleep(me, L.STATE_DOWN, call.deadline);
    if (ipc.gone(me)) {
      dequeue(state, me);
      return ENDS;
    }
    if (state.w(me + L.H_STATE) === L.STATE_DOWN) {
      dequeue(state, me);
      ipc.setState(me, L.STATE_READY);
      return failed(A.IPC_TIMEOUT | A.IPC_RECEIVE);
    }
    const error = state.i32[(me + L.H_ERROR) >>> 2]!;
    return error === 0 ? reply(0) : failed(error);
  }

  dismantleSemaphore(semaphore: number): void {
    this.ipc.abortQueue(semaphore + L.M_WAITERS, A.IPC_NOT_EXISTENT);
  }

  // --- scheduler ----------------------------------------------------------------------------------------------------

  scheduler(call: Call): Outcome {
    if (call.label === A.PROTO_IRQ) return this.onePin(call);
    if (call.label !== A.PROTO_SCHEDULER) return reply(-A.EBADPROTO);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    switch (call.low(0) & 0xffff) {
      case 0:
        // One processor for the guest: how threads share the host's is not its business.
        call.setMr(0, 1);
        call.setMr(1, 1);
        call.setMr(2, 2);
        return reply(0, 3);
      case 1:
        return this.runThread(call);
      default:
        return reply(-A.ENOSYS);
    }
  }

  private runThread(call: Call): Outcome {
    const { state } = this;
    if (call.words < 5) return reply(-A.EMSGTOOSHORT);
    const thread = call.itemOf(0, L.KIND_THREAD);
    if (typeof thread !== 'number') return thread;
    const prio = call.mr(3);
    if (!(prio >= 1 && prio <= 255)) return reply(-A.EINVAL);
    const head = state.w(thread + L.Q_HEAD);
    if (head !== 0) dequeue(state, thread);
    state.setW(thread + L.Q_PRIO, prio);
    if (head !== 0) enqueue(state, head, thread);
    this.tasks.flag(thread, L.HF_SCHEDULED);
    return this.tasks.start(thread) ? reply(0) : reply(-A.ENOMEM);
  }

  // --- ICU ----------------------------------------------------------------------------------------------------------

  /** The root task's: there are no device interrupts. */
  icu(call: Call): Outcome {
    if (call.label !== A.PROTO_IRQ) return reply(-A.EBADPROTO);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    const op = call.low(0) & 0xffff;
    if (op === 2) return this.icuInfo(call, 0);
    if (op === 4 || op === 5) return SILENT;
    return reply(op <= 6 ? -A.EINVAL : -A.ENOSYS);
  }

  /** ICU of an object that has one interrupt, which never fires here. */
  private onePin(call: Call): Outcome {
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    const op = call.low(0) & 0xffff;
    if (op === 2) return this.icuInfo(call, 1);
    if (op === 4 || op === 5) return SILENT;
    if (op > 6) return reply(-A.ENOSYS);
    if (call.words < 2) return reply(-A.EMSGTOOSHORT);
    if (call.mru(1) !== 0) return reply(-A.EINVAL);
    if (op !== 0) return reply(0);
    const irq = call.itemOf(0, L.KIND_IRQ, A.CAP_W);
    return typeof irq === 'number' ? reply(0) : irq;
  }

  private icuInfo(call: Call, pins: number): Outcome {
    call.setMr(0, 0);
    call.setMr(1, pins);
    call.setMr(2, 0);
    return reply(0, 3);
  }

  // --- log ----------------------------------------------------------------------------------------------------------

  log(call: Call): Outcome {
    if (call.label === A.PROTO_IRQ) return this.onePin(call);
    if (call.label !== A.PROTO_LOG) return reply(-A.EBADPROTO);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    switch (call.low(0) & 0xffff) {
      case 0:
        if (call.words >= 2) this.env.write(call.bytes(2, Math.min(call.mru(1), LOG_BYTES)));
        return SILENT;
      case 1:
        if ((call.rights & A.CAP_W) === 0) return reply(-A.EPERM);
        call.setMr(0, LOG_EMPTY);
        return reply(0);
      case 2:
        return reply(0);
      case 3:
        for (let i = 1; i <= 3; i++) call.setMr(i, 0);
        return reply(0, 4);
      default:
        return reply(-A.ENOSYS);
    }
  }

  // --- debugger -----------------------------------------------------------------------------------------------------

  debugger(call: Call): Outcome {
    const { state } = this;
    if (call.label !== A.PROTO_DEBUGGER) return reply(-A.EBADPROTO);
    if (call.words < 1) return reply(-A.EMSGTOOSHORT);
    const op = call.low(0) & 0xff;
    const group = (call.low(0) >>> 8) & 0xff;
    call.setMr(0, op);
    if (group === 0) return this.debugOutput(call, op);
    if (group !== 1) return reply(-A.ENOSYS);
    const item = call.item(0);
    if (op !== 2 && op !== 5 && typeof item === 'number') return item > 0 ? failed(item) : reply(item);
    const obj = typeof item === 'number' ? 0 : item.obj;
    switch (op) {
      case 0:
        state.setName(obj, untilNul(call.bytes(1, L.NAME_BYTES)));
        this.tasks.observer?.named(obj);
        return reply(0);
      case 1:
        call.setMr(0, state.id(obj));
        return reply(0, 1);
      // Where an image lies: symbols come from the files.
      case 7:
        return reply(0);
      case 8:
        state.machine.u8.copyWithin(call.at(0), obj + L.O_NAME, obj + L.O_NAME + L.NAME_BYTES);
        return reply(0, 2);
      default:
        return reply(-A.ENOSYS);
    }
  }

  private debugOutput(call: Call, op: number): Outcome {
    const text = (s: string): Outcome => {
      this.env.write(new TextEncoder().encode(s));
      return reply(0);
    };
    const hex = (bits: bigint): Outcome => {
      const value = BigInt.asUintN(Number(bits), this.state.machine.i64[call.at(1) >>> 3]!);
      return text(value.toString(16).padStart(Number(bits) / 4, '0'));
    };
    switch (op) {
      case 1:
        this.env.write(Uint8Array.of(call.low(1) & 255));
        return reply(0);
      case 2:
        this.env.write(call.bytes(2, call.mru(1)));
        return reply(0);
      case 3:
        return hex(64n);
      case 4:
        return hex(32n);
      case 5:
        return hex(20n);
      case 6:
        return hex(16n);
      case 7:
        return hex(8n);
      case 8:
        return text(String(this.state.machine.i64[call.at(1) >>> 3]!));
      default:
        return reply(-A.ENOSYS);
    }
  }
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}
