/**
 * Between the kernel's tables and whoever watches it: turns addresses of objects into numbers and says who did what.
 * One per worker, only where somebody watches. Called with the kernel lock held, but for `leave`.
 */
import { THREAD_STRIDE, THREADS } from '../core/layout.js';
import * as A from './abi.js';
import type { CapEvents, Caps, SlotChange } from './caps.js';
import type { DrainCause, FillCause, L4Events, ObjectKind } from './events.js';
import type { IpcWatcher } from './ipc.js';
import * as L from './layout.js';
import type { L4State } from './state.js';

const KINDS: ReadonlyMap<number, ObjectKind> = new Map([
  [L.KIND_TASK, 'task'],
  [L.KIND_THREAD, 'thread'],
  [L.KIND_GATE, 'gate'],
  [L.KIND_IRQ, 'irq'],
  [L.KIND_SEMAPHORE, 'semaphore'],
  [L.KIND_FACTORY, 'factory'],
  [L.KIND_SCHEDULER, 'scheduler'],
  [L.KIND_ICU, 'icu'],
  [L.KIND_LOG, 'log'],
  [L.KIND_DEBUGGER, 'debugger'],
]);

/** Names of objects that capgrind serves itself. */
const SERVICES: ReadonlyMap<number, string> = new Map([
  [L.KIND_RM, 'region manager'],
  [L.KIND_DATASPACE, 'dataspace'],
  [L.KIND_MEM_ALLOC, 'memory allocator'],
  [L.KIND_NAMESPACE, 'name space'],
  [L.KIND_PARENT, 'parent'],
]);

const FILLS: Readonly<Partial<Record<SlotChange, FillCause>>> = {
  create: 'create',
  item: 'ipc',
  grant: 'grant',
};
const DRAINS: Readonly<Partial<Record<SlotChange, DrainCause>>> = {
  delete: 'delete',
  grant: 'grant',
  overmap: 'overmap',
  destroyed: 'destroyed',
  exit: 'task',
};

export class Observer implements CapEvents, IpcWatcher {
  /** Thread that acts, and the one whose receive buffers are filled. */
  private by = 0;
  private receiver = 0;

  constructor(
    private readonly state: L4State,
    private readonly caps: Caps,
    private readonly events: L4Events,
  ) {}

  /** Tells of everything that was there before the program ran. */
  replay(): void {
    const { state, events } = this;
    for (let k = 0; k < MAX_TASK_SLOTS; k++) {
      const task = state.w(L.A_TASK_OF + k * 8);
      if (task === 0) continue;
      events.taskCreated?.(state.id(task), state.id(task), state.name(task));
      this.caps.each(task, 0, A.CAP_SLOTS, (slot, index) => {
        const obj = state.w(slot + L.S_OBJ);
        this.service(obj);
        events.filled?.({ ...this.fillOf(task, index, obj), by: 0, receiver: 0, cause: 'boot' });
      });
    }
    for (let n = 0; n < MAX_THREAD_SLOTS; n++) {
      const thread = state.w(L.A_THREAD_OF + n * 4);
      if (thread !== 0) this.started(thread, THREADS + n * THREAD_STRIDE);
    }
  }

  // --- calls ----------------------------------------------------------------------------------------------------

  /** The thread's call begins; `slot` is -1 for selectors that name none. */
  enter(ts: number, me: number, obj: number, rights: number, slot: number): void {
    this.by = ts;
    this.receiver = ts;
    const { state } = this;
    const target = {
      object: obj === 0 ? 0 : state.id(obj),
      kind: this.kind(obj),
      rights: rights & 0xf,
      slot,
    };
    this.events.enter?.(ts, state.w(me + L.H_TASK_ID), state.w(me + L.H_UTCB), target);
  }

  leave(ts: number, me: number): void {
    this.events.leave?.(ts, this.state.w(me + L.H_TASK_ID), this.state.w(me + L.H_UTCB));
  }

  /** While a message of one thread is put into another's buffers. */
  transfer<R>(from: number, to: number, fn: () => R): R {
    const { by, receiver } = this;
    this.by = this.state.w(from + L.H_TS);
    this.receiver = this.state.w(to + L.H_TS);
    try {
      return fn();
    } finally {
      this.by = by;
      this.receiver = receiver;
    }
  }

  // --- order of threads -----------------------------------------------------------------------------------------

  /** Whether anybody asks how threads are ordered. */
  get orders(): boolean {
    return this.events.ordered !== undefined || this.events.left !== undefined;
  }

  ordered(before: number, after: number): void {
    const { state } = this;
    this.events.ordered?.(state.w(before + L.H_TS), state.w(after + L.H_TS));
  }

  left(object: number): void {
    if (this.by !== 0) this.events.left?.(this.by, this.state.id(object));
  }

  took(thread: number, object: number): void {
    this.events.took?.(this.state.w(thread + L.H_TS), this.state.id(object));
  }

  /** A thread that stands in a call will not come back from it. */
  killed(thread: number): void {
    const ts = this.state.w(thread + L.H_TS);
    if (ts !== 0 && this.by !== 0 && ts !== this.by) this.events.ordered?.(ts, this.by);
  }

  // --- slots and objects ----------------------------------------------------------------------------------------

  filled(task: number, index: number, obj: number, how: SlotChange): void {
    if (how === 'create') {
      this.events.objectCreated?.(this.state.id(obj), this.kind(obj), this.by);
      this.service(obj);
    }
    const cause = FILLS[how] ?? 'map';
    this.events.filled?.({ ...this.fillOf(task, index, obj), by: this.by, receiver: this.receiver, cause });
  }

  emptied(task: number, index: number, obj: number, how: SlotChange): void {
    const { state } = this;
    const cause = DRAINS[how] ?? 'unmap';
    this.events.drained?.({ by: this.by, task: state.id(task), slot: index, object: state.id(obj), cause });
  }

  refused(task: number, index: number, obj: number): void {
    this.events.deleteRefused?.(this.by, this.state.id(task), index, this.state.id(obj));
  }

  weakened(task: number, index: number, rights: number): void {
    this.events.weakened?.(this.by, this.state.id(task), index, rights & 0xf);
  }

  lost(task: number, index: number, reason: 'rights' | 'empty'): void {
    this.events.itemLost?.({ by: this.by, task: this.state.id(task), slot: index, reason });
  }

  gone(obj: number): void {
    this.events.objectGone?.(this.state.id(obj), this.by);
    if (this.state.kind(obj) === L.KIND_TASK) this.events.taskGone?.(this.state.id(obj));
  }

  named(obj: number): void {
    this.events.objectNamed?.(this.state.id(obj), this.state.name(obj));
  }

  started(thread: number, ts: number): void {
    this.events.threadBound?.(ts, this.state.w(thread + L.H_TASK_ID), this.state.id(thread));
  }

  /** Objects of capgrind's own have the name of what they are. */
  private service(obj: number): void {
    const name = SERVICES.get(this.state.kind(obj));
    if (name !== undefined) this.events.objectNamed?.(this.state.id(obj), name);
  }

  private kind(obj: number): ObjectKind {
    const kind = this.state.kind(obj);
    return KINDS.get(kind) ?? (SERVICES.has(kind) ? 'service' : 'other');
  }

  private fillOf(
    task: number,
    index: number,
    obj: number,
  ): { task: number; slot: number; object: number; kind: ObjectKind; rights: number; weak: boolean } {
    const { state } = this;
    const attr = state.w(this.caps.slot(task, index) + L.S_ATTR);
    return {
      task: state.id(task),
      slot: index,
      object: state.id(obj),
      kind: this.kind(obj),
      rights: attr & 0xf,
      weak: (attr & L.SLOT_COUNTED) === 0,
    };
  }
}

const MAX_TASK_SLOTS = 64;
const MAX_THREAD_SLOTS = 1024;
