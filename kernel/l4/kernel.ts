/**
 * The L4 face of one worker: takes the registers of a guest thread at an `ecall`, runs the IPC or object operation,
 * puts tag and label back. One instance per worker and task; everything that threads share lies in the shared memory.
 */
import {
  ACCESS_EXEC,
  ACCESS_WRITE,
  G_EXITING,
  T_PC,
  T_UNWIND,
  T_X,
  UNWIND_EXIT,
  UNWIND_RESTART,
} from '../core/layout.js';
import type { BadFault } from '../core/pager.js';
import * as A from './abi.js';
import { Call } from './call.js';
import { Caps } from './caps.js';
import { deadlineOf } from './clock.js';
import type { L4Env } from './env.js';
import type { L4Events } from './events.js';
import { Faults } from './faults.js';
import { GONE, Ipc } from './ipc.js';
import * as L from './layout.js';
import { Memory } from './memory.js';
import { FactoryObject } from './obj-factory.js';
import { MiscObjects } from './obj-misc.js';
import { TaskObject } from './obj-task.js';
import { ThreadObject } from './obj-thread.js';
import { Objects } from './objects.js';
import { Observer } from './observe.js';
import { DATASPACE_READER, Dataspaces } from './services/dataspace.js';
import { MemAlloc } from './services/mem-alloc.js';
import { Namespaces } from './services/namespace.js';
import { Parent } from './services/parent.js';
import { RegionManager } from './services/rm.js';
import { Shadow } from './shadow.js';
import { Sleeper } from './sleeper.js';
import { L4State } from './state.js';
import { Tasks } from './tasks.js';
import { Transfer } from './transfer.js';
import { tagOf, type Words } from './words.js';

/** The invoking thread itself has these rights to itself. */
const SELF_RIGHTS = A.CAP_W | A.CAP_S;

export class L4Kernel {
  readonly state: L4State;
  readonly caps: Caps;
  readonly memory: Memory;
  readonly ipc: Ipc;
  readonly tasks: Tasks;
  readonly objects: Objects;
  readonly transfer: Transfer;
  readonly dataspaces: Dataspaces;
  readonly namespaces: Namespaces;
  private observer: Observer | null = null;
  private readonly faults: Faults;
  private readonly shadow: Shadow;
  private readonly words: Words;

  constructor(readonly env: L4Env) {
    const state = new L4State(env.machine);
    this.state = state;
    this.words = state.words;
    this.caps = new Caps(state);
    this.memory = new Memory(
      state,
      (slot) => {
        const space = env.space(slot);
        // Regions of the L4 face are backed by dataspaces, or by nothing.
        space.hooks.fileReader = (id) => (id < 0 ? DATASPACE_READER : undefined);
        return space;
      },
      (slot, lo, hi) => env.codeGone(slot, lo, hi),
    );
    this.transfer = new Transfer(state, this.caps, this.memory);
    const sleeper = new Sleeper(env);
    state.now = () => sleeper.now();
    this.ipc = new Ipc(state, this.transfer, sleeper, () => env.live());
    this.ipc.onIdle = () => this.idle();
    this.tasks = new Tasks(state, env, this.caps, this.memory, this.ipc);
    this.objects = new Objects(state, this.caps, this.tasks, {
      thread: new ThreadObject(state, env, this.tasks, this.ipc),
      task: new TaskObject(state, this.caps, this.memory, this.transfer),
      factory: new FactoryObject(state, this.caps, this.tasks),
      misc: new MiscObjects(state, env, this.tasks, this.ipc),
    });
    this.dataspaces = new Dataspaces(state, this.memory);
    const { hosted } = this.objects;
    hosted.set(L.KIND_PARENT, new Parent(env));
    hosted.set(L.KIND_DATASPACE, this.dataspaces);
    hosted.set(L.KIND_MEM_ALLOC, new MemAlloc(state, this.caps, this.dataspaces));
    const rm = new RegionManager(state, this.memory, this.dataspaces);
    hosted.set(L.KIND_RM, rm);
    this.namespaces = new Namespaces(state, this.caps, this.dataspaces);
    hosted.set(L.KIND_NAMESPACE, this.namespaces);
    this.shadow = new Shadow(state, this.caps, this.memory, this.ipc);
    this.faults = new Faults(state, this.caps, this.memory, this.ipc, env, this.shadow);
    this.faults.rescue = (manager, pc) => (state.kind(manager) === L.KIND_RM ? rm.rescue(manager, pc) : 0);
  }

  /** Sets up the tables in a fresh machine. False when memory is too small. */
  boot(): boolean {
    return this.state.boot() && this.memory.boot();
  }

  /** Tells `events` from now on what happens on this worker, and the first one in a run what is there already. */
  observe(events: L4Events): void {
    const observer = new Observer(this.state, this.caps, events);
    this.observer = observer;
    this.caps.events = observer;
    this.transfer.observer = observer;
    if (observer.orders) this.ipc.watcher = observer;
    this.tasks.observer = observer;
    const first = Atomics.exchange(this.state.i32, L.A_OBSERVED >>> 2, 1) === 0;
    if (first) this.locked(() => observer.replay());
  }

  /** Nothing will ever happen again: the run ends as a machine that is switched off. */
  private idle(): void {
    if (Atomics.load(this.state.i32, G_EXITING >> 2) !== 0) return;
    const text = 'every thread waits for another one, for ever: the run ends';
    // A single program should have ended itself; a system that has done its work waits for more.
    if (this.env.config.boot === null) this.env.warn(text);
    else this.env.note(text);
    this.env.exitProcess(0);
  }

  /**
   * Runs the call that the registers at `ts` ask for. On entry T_PC is the address of the `ecall`.
   * 0: go on behind the `ecall`. 1: T_UNWIND says why the thread has to leave its code.
   */
  syscall(ts: number): number {
    const { state } = this;
    const me = state.w(ts + L.T_L4);
    const trace = this.env.config.trace;
    if (trace) this.env.trace(this.traceEntry(ts, me));
    state.lock();
    let yields = false;
    let gone = false;
    try {
      gone = this.ipc.gone(me);
      if (!gone) {
        const r = this.enter(ts, me);
        yields = r === YIELDS;
        this.caps.reap();
        gone = r === GONE || this.ipc.gone(me);
      }
    } finally {
      state.unlock();
    }
    if (gone) {
      state.i32[(ts + T_UNWIND) >>> 2] = UNWIND_EXIT;
      return 1;
    }
    if (trace) this.env.trace(this.traceResult(ts, me));
    this.observer?.leave(ts, me);
    if (yields) this.env.yieldTurn(ts);
    return 0;
  }

  private enter(ts: number, me: number): number {
    const { state, words, caps, ipc } = this;
    const utcb = state.w(me + L.H_UTCB);
    const task = state.alive(state.w(me + L.H_TASK), state.w(me + L.H_TASK_ID));
    if (task === 0) return GONE;
    const select = ts + T_X + 11 * 8;
    const low = words.low(select);
    const index = (words.high(select) >>> 0) * 1048576 + (low >>> A.CAP_SHIFT);
    const op = low & 0xf;
    const timeouts = words.low(ts + T_X + 12 * 8);
    const sendDeadline = (op & A.OP_SEND) === 0 ? 0 : deadlineOf(state, timeouts >>> 16, utcb);
    const deadline = (op & A.OP_RECV) === 0 ? 0 : deadlineOf(state, timeouts & 0xffff, utcb);
    words.copy(me + L.H_TAG, ts + T_X + 10 * 8, 1);
    words.copy(me + L.H_LABEL, ts + T_X + 13 * 8, 1);
    state.setW(me + L.H_OP, op);
    state.f64[(me + L.H_DEADLINE) >>> 3] = deadline;
    state.setW(me + L.H_REPLY_SLOT, 0);

    let obj = 0;
    let rights = 0;
    let replyTo = 0;
    if ((low & A.SEL_SPECIAL) !== 0) {
      if ((op & A.OP_REPLY) !== 0) {
        const r = ipc.takeReplyCap(me + L.H_REPLY);
        replyTo = r.caller;
        rights = r.rights;
      } else {
        obj = me;
        rights = SELF_RIGHTS;
      }
    } else if ((low & A.SEL_REPLY) !== 0) {
      if ((op & A.OP_REPLY) !== 0) {
        const r = ipc.takeReplyCap(ipc.replySlot(task, index, false));
        replyTo = r.caller;
        rights = r.rights;
      }
      if ((op & (A.OP_OPEN | A.OP_RECV)) === (A.OP_OPEN | A.OP_RECV)) {
        if (ipc.replySlot(task, index, true) === 0) return this.fail(ts, me, utcb, A.IPC_NO_REPLY_CAP);
        state.setW(me + L.H_REPLY_SLOT, index + 1);
        if ((op & A.OP_SEND) === 0) obj = me;
      }
    } else {
      const slot = caps.slot(task, index);
      obj = slot === 0 ? 0 : state.w(slot + L.S_OBJ);
      rights = obj === 0 ? 0 : state.w(slot + L.S_ATTR);
      // A reply needs no object: the operation bit asks for the implicit capability.
      if (obj !== 0 && (op & A.OP_REPLY) !== 0) {
        const r = ipc.takeReplyCap(me + L.H_REPLY);
        replyTo = r.caller;
        rights = r.rights;
      }
    }
    state.setW(me + L.H_RIGHTS, rights & 0xff);
    const special = (low & (A.SEL_SPECIAL | A.SEL_REPLY)) !== 0;
    this.observer?.enter(ts, me, obj, rights, special ? -1 : index);
    if ((op & A.OP_REPLY) !== 0 && (op & A.OP_SEND) !== 0) {
      if (replyTo === 0) return this.fail(ts, me, utcb, A.IPC_NOT_EXISTENT);
      return this.finish(ts, me, utcb, ipc.exchange(me, 0, replyTo, replyTo, 0));
    }
    if (obj === 0) return this.fail(ts, me, utcb, A.IPC_NOT_EXISTENT);
    const kind = state.kind(obj);
    const label = words.high(ts + T_X + 10 * 8) * 65536 + (words.low(ts + T_X + 10 * 8) >>> 16);
    if (this.objects.isIpc(kind, label, op, rights)) {
      const asked = (op & OP_CALL) === OP_CALL ? this.shadow.request(me, task, obj, label) : null;
      const code = ipc.exchange(me, obj, 0, obj, sendDeadline);
      if (asked !== null && code === 0) this.shadow.answer(me, asked);
      return this.finish(ts, me, utcb, code);
    }
    if ((op & A.OP_SEND) === 0) return this.finish(ts, me, utcb, this.justReceive(me, op, obj));
    return this.invoke(ts, me, task, utcb, obj, kind, rights, label, op, deadline);
  }

  private justReceive(me: number, op: number, obj: number): number {
    if ((op & A.OP_RECV) === 0) return 0;
    return this.ipc.receive(me, (op & A.OP_OPEN) !== 0 ? 0 : obj);
  }

  private invoke(
    ts: number,
    me: number,
    task: number,
    utcb: number,
    obj: number,
    kind: number,
    rights: number,
    label: number,
    op: number,
    deadline: number,
  ): number {
    const { state } = this;
    const tag = state.i32[(me + L.H_TAG) >>> 2]!;
    const receives = (op & A.OP_RECV) !== 0;
    const call = new Call(
      state,
      this.caps,
      me,
      ts,
      task,
      utcb,
      obj,
      rights,
      label,
      tag & 63,
      (tag >>> 6) & 63,
      receives,
      deadline,
    );
    const id = state.id(obj);
    const r = this.objects.invoke(kind, call);
    switch (r.kind) {
      case 'gone':
        return GONE;
      case 'error':
        return this.fail(ts, me, utcb, r.code);
      case 'reply':
        if (receives) this.words.set(ts + T_X + 10 * 8, tagOf(r.label, r.words, r.items));
        return call.yields ? YIELDS : 0;
      case 'silent': {
        if (!receives) return 0;
        const from = state.alive(obj, id);
        return this.finish(ts, me, utcb, this.justReceive(me, op, from === 0 ? me : from));
      }
    }
  }

  /** Results of an IPC with a thread. */
  private finish(ts: number, me: number, utcb: number, code: number): number {
    if (code === GONE) return GONE;
    if (code !== 0) return this.fail(ts, me, utcb, code);
    if ((this.state.w(me + L.H_OP) & A.OP_RECV) !== 0) {
      this.words.copy(ts + T_X + 10 * 8, me + L.H_RTAG, 1);
      this.words.copy(ts + T_X + 13 * 8, me + L.H_RLABEL, 1);
    }
    return 0;
  }

  /** An IPC error: the code goes to the UTCB. After a send that went well the caller's own tag is kept. */
  private fail(ts: number, me: number, utcb: number, code: number): number {
    const { words } = this;
    const a0 = ts + T_X + 10 * 8;
    words.set(utcb + A.UTCB_ERROR, code);
    const received = (code & A.IPC_RECEIVE) !== 0;
    if (received) words.pair(a0, words.low(me + L.H_TAG) | A.TAG_ERROR, words.high(me + L.H_TAG));
    else words.set(a0, A.TAG_ERROR);
    return 0;
  }

  /** Resolves a fault of the thread at `ts` whose registers are all in place; see `Faults.fault`. */
  fault(ts: number, addr: number, access: number): 0 | BadFault {
    const cause =
      (access & ACCESS_EXEC) !== 0 ? CAUSE_FETCH : (access & ACCESS_WRITE) !== 0 ? CAUSE_STORE : CAUSE_LOAD;
    return this.locked(() => this.faults.fault(ts, addr, access, cause));
  }

  /** Resolves a fault of a block that has been undone; see `Face.resolve`. */
  resolve(ts: number, addr: number, access: number): boolean {
    return this.locked(() => this.faults.resolve(ts, addr, access));
  }

  /** What can be resolved in the middle of translated code: pages of capgrind's own region manager. */
  peek(ts: number, addr: number, access: number): 0 | BadFault {
    return this.locked(() => this.faults.quick(ts, addr, access));
  }

  /** A synchronous exception with the hardware's cause. True when it was handled and the thread goes on at T_PC. */
  exception(ts: number, cause: number, tval: number): boolean {
    return this.locked(() => this.faults.exception(ts, cause, tval));
  }

  private locked<R>(fn: () => R): R {
    this.state.lock();
    try {
      const r = fn();
      this.caps.reap();
      return r;
    } finally {
      this.state.unlock();
    }
  }

  /** Whether registers were set from outside (ex_regs) and wait to be loaded. */
  pending(ts: number): boolean {
    const me = this.state.w(ts + L.T_L4);
    return me !== 0 && Atomics.load(this.state.i32, (me + L.H_PENDING) >>> 2) !== 0;
  }

  /** Loads registers that were set from outside. No translated code is on the worker's stack. */
  apply(ts: number): void {
    if (!this.pending(ts)) return;
    const { state, words } = this;
    state.lock();
    let trigger = false;
    try {
      const me = state.w(ts + L.T_L4);
      const bits = Atomics.exchange(state.i32, (me + L.H_PENDING) >>> 2, 0);
      trigger = (bits & L.PEND_EXCEPTION) !== 0;
      const set = (word: number, to: number): void => {
        const v = state.f64[(me + word) >>> 3]!;
        // Bit 0 of sepc is always 0.
        if (!Number.isNaN(v)) words.set(ts + to, to === T_PC ? v - (v % 2) : v);
        state.f64[(me + word) >>> 3] = Number.NaN;
      };
      set(L.H_IP, T_PC);
      set(L.H_SP, T_X + 2 * 8);
    } finally {
      state.unlock();
    }
    if (trigger) this.exception(ts, CAUSE_TRIGGERED, 0);
    // No frame is left that would have to go.
    if (state.i32[(ts + T_UNWIND) >>> 2] === UNWIND_RESTART) state.i32[(ts + T_UNWIND) >>> 2] = 0;
  }

  /** An engine thread has run its last guest instruction. */
  ended(ts: number): void {
    this.tasks.ended(ts);
  }

  private traceEntry(ts: number, me: number): string {
    const { state } = this;
    const utcb = state.w(me + L.H_UTCB);
    const r = (n: number): string => this.hex(ts + T_X + n * 8);
    const mr = [0, 1, 2, 3, 4].map((i) => this.hex(utcb + i * 8)).join(',');
    const br = [0, 1].map((i) => this.hex(utcb + A.UTCB_BR + i * 8)).join(',');
    const bdr = this.hex(utcb + A.UTCB_BDR);
    return `@C ${state.id(me).toString(16)} ref=${r(11)} tag=${r(10)} to=${r(12)} fs=${r(13)} mr=${mr} bdr=${bdr} br=${br}`;
  }

  private traceResult(ts: number, me: number): string {
    const { state } = this;
    const utcb = state.w(me + L.H_UTCB);
    const mr = [0, 1, 2].map((i) => this.hex(utcb + i * 8)).join(',');
    const [tag, label] = [10, 13].map((n) => this.hex(ts + T_X + n * 8));
    return `@R ${state.id(me).toString(16)} tag=${tag} lbl=${label} mr=${mr} err=${this.hex(utcb + A.UTCB_ERROR)}`;
  }

  private hex(at: number): string {
    return BigInt.asUintN(64, this.state.machine.i64[at >>> 3]!).toString(16);
  }
}

const OP_CALL = A.OP_SEND | A.OP_RECV;
/** `enter`: the thread offers its turn. */
const YIELDS = 2;
const CAUSE_FETCH = 12;
const CAUSE_LOAD = 13;
const CAUSE_STORE = 15;
/** ex_regs asked for an exception. */
const CAUSE_TRIGGERED = 0x19;
