/**
 * CapCheck's state machine: events of the kernel and of the program's slot allocator in, findings out. Pure: it knows
 * stacks by number only and prints nothing. Whoever calls it holds the tool-state lock.
 */
import {
  DRAIN_CAUSES,
  type Drain,
  FILL_CAUSES,
  type Fill,
  type LostItem,
  OBJECT_KINDS,
  type Target,
} from '../../../kernel/l4/events.js';
import { ERROR, LABEL } from '../../../kernel/l4/protocols/labels.js';
import { type Finding, hex, type Kind, type Note } from './findings.js';
import * as T from './tables.js';
import { ALLOCATED, type CapTables, FREED, NEVER } from './tables.js';

/** Requests in a row that leave a slot allocated before a server is said to leak. */
const ROW = 3;

/** A thread on its own worker. What others ask about it lies in the tables. */
export class ThreadView {
  /** Slots allocated in the request that it serves, as task and slot. */
  readonly fresh: [number, number][] = [];
  /** By trace of allocation: slots that requests left allocated, and how often each had been used by then. */
  readonly kept = new Map<number, { row: number; used: number }[]>();

  constructor(
    /** Number of the thread, from 1. */
    readonly number: number,
  ) {}
}

const none: readonly Finding[] = [];

export class CapModel {
  constructor(readonly tables: CapTables) {}

  private get i32(): Int32Array {
    return this.tables.i32;
  }

  // --- tasks, objects -----------------------------------------------------------------------------------------

  taskCreated(task: number, name: string): void {
    this.i32[this.tables.task(task) + T.K_NAME] = this.tables.addName(name);
  }

  taskGone(task: number): void {
    this.i32[this.tables.task(task) + T.K_GONE] = 1;
  }

  objectCreated(id: number, kind: Fill['kind'], trace: number): void {
    const o = this.tables.object(id, true);
    if (o < 0) return;
    this.i32[o + T.O_KIND] = OBJECT_KINDS.indexOf(kind) + 1;
    this.i32[o + T.O_CREATE_TRACE] = trace;
  }

  objectNamed(id: number, name: string): void {
    const o = this.tables.object(id, true);
    if (o >= 0) this.i32[o + T.O_NAME] = this.tables.addName(name);
  }

  objectGone(id: number, trace: number): void {
    const o = this.tables.object(id, false);
    if (o < 0) return;
    this.i32[o + T.O_GONE] = 1;
    this.i32[o + T.O_GONE_TRACE] = trace;
  }

  /** A thread number is used for a new thread. */
  threadBound(number: number, task: number): void {
    const w = this.tables.thread(number);
    this.i32.fill(0, w, w + T.THREAD);
    this.i32[w + T.W_TASK] = task + 1;
  }

  /** Task of a thread, -1 before it has one. */
  taskOf(number: number): number {
    return this.i32[this.tables.thread(number) + T.W_TASK]! - 1;
  }

  // --- the program's allocator --------------------------------------------------------------------------------

  allocated(thread: ThreadView, task: number, slot: number, trace: number): void {
    const s = this.tables.slot(task, slot, true);
    if (s < 0) return;
    const { i32 } = this;
    // A C function around the C++ one gives the same slot once more.
    if (i32[s + T.S_STATE] === ALLOCATED) return;
    const k = this.tables.task(task);
    const lowest = i32[k + T.K_LOWEST]!;
    if (lowest === 0 || slot + 1 < lowest) i32[k + T.K_LOWEST] = slot + 1;
    i32[s + T.S_STATE] = ALLOCATED;
    i32[s + T.S_ADOPTED] = 0;
    i32[s + T.S_REFS] = 1;
    i32[s + T.S_ALLOC_TRACE] = trace;
    const request = i32[this.tables.thread(thread.number) + T.W_REQUEST]!;
    i32[s + T.S_REQUEST] = request;
    // What it held before belongs to its former life.
    if (i32[s + T.S_OBJECT] === 0) i32[s + T.S_GENERATION] = 0;
    this.tables.count(T.H_ALLOCS);
    if (request > 0) thread.fresh.push([task, slot]);
  }

  /**
   * The allocator's counter says that a slot is allocated, at an event that shows it. Where the call was not seen, this is
   * the closest there is to its place; an emptied slot may have been given back and handed out again meanwhile.
   */
  adopted(thread: ThreadView, task: number, slot: number, trace: number): void {
    const { i32 } = this;
    const s = this.tables.slot(task, slot, true);
    if (s < 0) return;
    const known = i32[s + T.S_STATE] === ALLOCATED;
    if (known && i32[s + T.S_ADOPTED] === 0) return;
    if (known && i32[s + T.S_OBJECT] === 0) i32[s + T.S_ALLOC_TRACE] = trace;
    if (known) return;
    this.allocated(thread, task, slot, trace);
    i32[s + T.S_ADOPTED] = 1;
  }

  taken(task: number, slot: number): void {
    const s = this.tables.slot(task, slot, false);
    if (s >= 0) this.i32[s + T.S_REFS]!++;
  }

  /**
   * A slot is given back; called when the allocator's function begins, because another thread may get the slot before
   * it returns. Functions that call each other do so for one slot: `nested` says that one is under way.
   */
  freeing(task: number, slot: number, trace: number, nested = false): readonly Finding[] {
    const s = this.tables.slot(task, slot, false);
    const state = s < 0 ? NEVER : this.i32[s + T.S_STATE]!;
    if (state === ALLOCATED) {
      this.give(s, trace);
      return none;
    }
    // Slots below the allocator's are not its business.
    if (nested || (state === NEVER && !this.managed(task, slot))) return none;
    const what = state === FREED ? 'is freed a second time' : 'is freed but was never allocated';
    return [this.finding('DoubleFree', s, { text: `Capability slot ${hex(slot)} ${what}`, trace })];
  }

  /** The allocator's function returns: what is in the slot now was left there. */
  freed(task: number, slot: number, trace: number): readonly Finding[] {
    const s = this.tables.slot(task, slot, false);
    if (s < 0) return none;
    const { i32 } = this;
    if (i32[s + T.S_STATE] !== FREED || i32[s + T.S_FREE_TRACE] !== trace || i32[s + T.S_OBJECT] === 0)
      return none;
    const text = `Capability slot ${hex(slot)} is freed although it still holds ${this.objectText(i32[s + T.S_OBJECT]!)}`;
    return [this.finding('FreedFull', s, { text, trace })];
  }

  /** A reference of a counting allocator is given back; the last one frees the slot. */
  releasing(task: number, slot: number, trace: number): readonly Finding[] {
    const s = this.tables.slot(task, slot, false);
    if (s >= 0 && this.i32[s + T.S_STATE] === ALLOCATED && this.i32[s + T.S_REFS]! > 1) {
      this.i32[s + T.S_REFS]!--;
      return none;
    }
    return this.freeing(task, slot, trace);
  }

  private give(s: number, trace: number): void {
    const { i32 } = this;
    i32[s + T.S_STATE] = FREED;
    i32[s + T.S_FREE_TRACE] = trace;
    this.tables.count(T.H_FREES);
    const site = this.tables.site(i32[s + T.S_ALLOC_TRACE]!, false);
    if (site >= 0) i32[site + T.L_ROW] = 0;
  }

  // --- slots, as the kernel sees them -------------------------------------------------------------------------

  /** `receiver`: number of the thread in whose buffer it arrived; `allowed`: an overmap here is meant to be. */
  filled(fill: Fill, receiver: number, trace: number, allowed = false): readonly Finding[] {
    const { i32, tables } = this;
    const s = tables.slot(fill.task, fill.slot, true);
    this.holds(fill.object, fill.kind);
    if (s < 0) return none;
    const found: Finding[] = [];
    const waits = i32[tables.thread(receiver) + T.W_WAITING] !== 0;
    const buffer = fill.cause === 'ipc' && waits ? receiver : 0;
    if (i32[s + T.S_DRAIN] === DRAIN_CAUSES.indexOf('overmap') + 1) {
      // The drain came just before: the same thread did both.
      i32[s + T.S_DRAIN] = DRAIN_CAUSES.length + 1;
      const same = i32[s + T.S_LAST_OBJECT] === fill.object;
      if (!same && !allowed && fill.cause !== 'boot') found.push(this.overmapped(s, fill, buffer, trace));
    }
    const state = i32[s + T.S_STATE]!;
    i32[s + T.S_OBJECT] = fill.object;
    i32[s + T.S_GENERATION]!++;
    i32[s + T.S_HOW] = fill.rights | (FILL_CAUSES.indexOf(fill.cause) << 8) | (fill.weak ? 1 << 16 : 0);
    i32[s + T.S_FILL_TRACE] = trace;
    i32[s + T.S_BUFFER_OF] = buffer;
    i32[s + T.S_USED] = 0;
    if (fill.cause !== 'boot' && state !== ALLOCATED && this.managed(fill.task, fill.slot)) {
      const when = state === FREED ? 'after it was freed' : 'although it was never allocated';
      const what = { text: `Capability slot ${hex(fill.slot)} is filled ${when}`, trace };
      const with_: Note = { text: ` with ${this.objectText(fill.object)}`, trace: 0 };
      found.push({
        ...this.finding('Unallocated', s, what, false),
        notes: [with_, ...this.slotNotes(s, false)],
      });
    }
    return found;
  }

  private overmapped(s: number, fill: Fill, buffer: number, trace: number): Finding {
    const { i32 } = this;
    const old = i32[s + T.S_LAST_OBJECT]!;
    const dead = this.gone(old) ? ', which this destroyed,' : ',';
    const armed = buffer !== 0 && i32[s + T.S_LAST_BUFFER] === buffer;
    const text = armed
      ? `A second capability arrives in receive buffer slot ${hex(fill.slot)}, which was not replaced`
      : `Capability slot ${hex(fill.slot)} is overmapped`;
    const notes: Note[] = [
      {
        text: `The old capability, ${this.objectText(old)}${dead} was put there`,
        trace: i32[s + T.S_LAST_FILL]!,
      },
      { text: `The new one is ${this.objectText(fill.object)}`, trace: 0 },
    ];
    if (i32[s + T.S_STATE] === ALLOCATED) {
      notes.push({ text: 'The slot was allocated', trace: i32[s + T.S_ALLOC_TRACE]! });
    } else if (i32[s + T.S_STATE] === FREED) {
      notes.push({ text: 'The slot was freed', trace: i32[s + T.S_FREE_TRACE]! });
    }
    return { kind: armed ? 'Armed' : 'Overmap', what: { text, trace }, notes };
  }

  drained(drain: Drain, trace: number): void {
    const { i32 } = this;
    const s = this.tables.slot(drain.task, drain.slot, false);
    const o = this.tables.object(drain.object, false);
    if (o >= 0 && i32[o + T.O_HOLDERS]! > 0) i32[o + T.O_HOLDERS]!--;
    if (s < 0) return;
    const cause = FILL_CAUSES[(i32[s + T.S_HOW]! >> 8) & 0xff];
    if (o >= 0 && drain.cause === 'unmap' && cause === 'create' && i32[o + T.O_HOLDERS]! > 0) {
      i32[o + T.O_RELEASED] = trace;
      i32[o + T.O_USED] = 0;
    }
    i32[s + T.S_LAST_OBJECT] = drain.object;
    i32[s + T.S_LAST_FILL] = i32[s + T.S_FILL_TRACE]!;
    i32[s + T.S_LAST_HOW] = i32[s + T.S_HOW]!;
    i32[s + T.S_LAST_BUFFER] = i32[s + T.S_BUFFER_OF]!;
    i32[s + T.S_OBJECT] = 0;
    i32[s + T.S_DRAIN] = DRAIN_CAUSES.indexOf(drain.cause) + 1;
    i32[s + T.S_DRAIN_TRACE] = trace;
  }

  weakened(task: number, slot: number, rights: number): void {
    const s = this.tables.slot(task, slot, false);
    if (s >= 0) this.i32[s + T.S_HOW] = (this.i32[s + T.S_HOW]! & ~0xff) | rights;
  }

  deleteRefused(task: number, slot: number, object: number, trace: number): readonly Finding[] {
    const text = `${capital(this.objectText(object))} is to be deleted through slot ${hex(slot)}, which may not delete it: only this capability is dropped`;
    const s = this.tables.slot(task, slot, false);
    return [this.finding('Delete', s, { text, trace })];
  }

  itemLost(item: LostItem, trace: number): readonly Finding[] {
    const s = this.tables.slot(item.task, item.slot, false);
    const why = item.reason === 'empty' ? 'is empty' : 'was sent without the right R';
    const text = `Nothing arrives: capability slot ${hex(item.slot)} ${why}`;
    return [this.finding('Lost', s, { text, trace })];
  }

  // --- invocations --------------------------------------------------------------------------------------------

  /** A call begins: counts it, and says whether slot and object are as they should be. */
  used(task: number, target: Target): boolean {
    const { i32 } = this;
    const s = this.tables.slot(task, target.slot, false);
    if (s >= 0) i32[s + T.S_USED]!++;
    const o = this.tables.object(target.object, false);
    if (o >= 0) i32[o + T.O_USED]!++;
    return target.object !== 0 && (s < 0 || i32[s + T.S_STATE] !== FREED);
  }

  /** It is not as it should be. `label` is that of the call's tag; `name` says what it asks. */
  misused(task: number, target: Target, label: number, name: string, trace: number): readonly Finding[] {
    const s = this.tables.slot(task, target.slot, false);
    const asks = `${name} is sent to capability slot ${hex(target.slot)}`;
    if (s >= 0 && this.i32[s + T.S_STATE] === FREED) {
      return [this.finding('UseAfterFree', s, { text: `${asks}, which was freed`, trace })];
    }
    // Programs announce names to a kernel debugger that they mostly do not have.
    if (label === LABEL.DEBUGGER) return none;
    return [this.finding('Empty', s, { text: `${asks}, which is empty`, trace })];
  }

  /** A call was answered with an error. */
  answered(
    task: number,
    target: Target,
    label: number,
    result: number,
    name: string,
    trace: number,
  ): readonly Finding[] {
    const kind = result === -ERROR.EBADPROTO ? 'Protocol' : result === -ERROR.ENOSYS ? 'Operation' : null;
    // META asks what somebody understands: no is an answer.
    if (kind === null || label === LABEL.META) return none;
    const what = kind === 'Protocol' ? 'the protocol' : 'the operation';
    const text = `${name}: ${this.objectText(target.object)} does not know ${what}`;
    const s = target.slot < 0 ? -1 : this.tables.slot(task, target.slot, false);
    return [this.finding(kind, s, { text, trace })];
  }

  /** The thread begins to wait for a request: what it did for the last one is done. */
  waits(thread: ThreadView): readonly Finding[] {
    const { i32, tables } = this;
    const w = tables.thread(thread.number);
    const request = i32[w + T.W_REQUEST]!;
    i32[w + T.W_WAITING] = 1;
    if (thread.fresh.length === 0) return none;
    const found: Finding[] = [];
    const left = new Map<number, [number, number]>();
    let startsThread = false;
    for (const [task, slot] of thread.fresh) {
      const s = tables.slot(task, slot, false);
      if (i32[s + T.S_STATE] !== ALLOCATED || i32[s + T.S_REQUEST] !== request) continue;
      startsThread ||= this.isThread(i32[s + T.S_OBJECT]!);
      left.set(i32[s + T.S_ALLOC_TRACE]!, [s, slot]);
    }
    // A thread lives on by itself: whoever made it keeps what belongs to it, to end it one day.
    if (startsThread) left.clear();
    thread.fresh.length = 0;
    for (const [trace, [s, slot]] of left) {
      const site = tables.site(trace, true);
      if (site < 0) continue;
      i32[site + T.L_ROW]!++;
      // What an earlier request left is in use if somebody used it since.
      const before = (thread.kept.get(trace) ?? []).filter((k) => i32[k.row + T.S_USED] === k.used);
      thread.kept.set(trace, [...before.slice(1 - ROW), { row: s, used: i32[s + T.S_USED]! }]);
      const row = Math.min(i32[site + T.L_ROW]!, before.length + 1);
      if (row < ROW || i32[site + T.L_REPORTED] !== 0) continue;
      i32[site + T.L_REPORTED] = 1;
      const text = `${ROW} requests in a row each left a capability slot allocated here, the last one slot ${hex(slot)}`;
      found.push({
        ...this.finding('Growth', s, { text, trace }, false),
        notes: this.slotNotes(s, true, false),
      });
    }
    return found;
  }

  /** A message arrived that was waited for. */
  received(thread: ThreadView): void {
    const w = this.tables.thread(thread.number);
    this.i32[w + T.W_WAITING] = 0;
    this.i32[w + T.W_REQUEST]!++;
    thread.fresh.length = 0;
  }

  // --- words --------------------------------------------------------------------------------------------------

  /** `semaphore "rd lock" #12`. */
  objectText(id: number): string {
    const o = this.tables.object(id, false);
    const kind =
      o < 0 || this.i32[o + T.O_KIND] === 0 ? 'object' : OBJECT_KINDS[this.i32[o + T.O_KIND]! - 1]!;
    const name = o < 0 ? '' : this.tables.name(this.i32[o + T.O_NAME]!);
    return name === '' ? `${kind} #${id}` : `${kind} "${name}" #${id}`;
  }

  private isThread(id: number): boolean {
    const o = this.tables.object(id, false);
    return o >= 0 && this.i32[o + T.O_KIND] === OBJECT_KINDS.indexOf('thread') + 1;
  }

  private gone(id: number): boolean {
    const o = this.tables.object(id, false);
    return o >= 0 && this.i32[o + T.O_GONE] !== 0;
  }

  /** Whether the task's own allocator has charge of a slot. */
  private managed(task: number, slot: number): boolean {
    const lowest = this.i32[this.tables.task(task) + T.K_LOWEST]!;
    return lowest !== 0 && slot + 1 >= lowest;
  }

  private holds(object: number, kind: Fill['kind']): void {
    const o = this.tables.object(object, true);
    if (o < 0) return;
    this.i32[o + T.O_KIND] ||= OBJECT_KINDS.indexOf(kind) + 1;
    this.i32[o + T.O_HOLDERS]!++;
  }

  private finding(kind: Kind, s: number, what: Note, notes = true): Finding {
    return { kind, what, notes: notes && s >= 0 ? this.slotNotes(s, true) : [] };
  }

  /** Where a slot was filled, emptied, freed and allocated: what there is of it. */
  private slotNotes(s: number, contents: boolean, allocation = true): Note[] {
    const { i32 } = this;
    const notes: Note[] = [];
    const object = i32[s + T.S_OBJECT]!;
    if (contents && object !== 0) {
      const how = FILL_CAUSES[(i32[s + T.S_HOW]! >> 8) & 0xff];
      if (how === 'boot')
        notes.push({ text: `It has held ${this.objectText(object)} from the start`, trace: 0 });
      else
        notes.push({
          text: `${capital(this.objectText(object))} ${fillText(how!)}`,
          trace: i32[s + T.S_FILL_TRACE]!,
        });
    } else if (contents && i32[s + T.S_DRAIN]! > 0 && i32[s + T.S_DRAIN]! <= DRAIN_CAUSES.length) {
      const cause = DRAIN_CAUSES[i32[s + T.S_DRAIN]! - 1]!;
      const last = this.objectText(i32[s + T.S_LAST_OBJECT]!);
      notes.push({ text: `It held ${last}, ${drainText(cause)}`, trace: i32[s + T.S_DRAIN_TRACE]! });
    }
    const state = i32[s + T.S_STATE]!;
    if (state === FREED) notes.push({ text: 'The slot was freed', trace: i32[s + T.S_FREE_TRACE]! });
    if (allocation && state !== NEVER) {
      notes.push({ text: 'The slot was allocated', trace: i32[s + T.S_ALLOC_TRACE]! });
    }
    return notes;
  }
}

export function fillText(cause: Fill['cause']): string {
  switch (cause) {
    case 'create':
      return 'was created there';
    case 'map':
      return 'was mapped there';
    case 'grant':
      return 'was granted to it';
    case 'ipc':
      return 'arrived there in a message';
    case 'boot':
      return 'was there from the start';
  }
}

export function drainText(cause: Drain['cause']): string {
  switch (cause) {
    case 'unmap':
      return 'which was unmapped';
    case 'delete':
      return 'which was deleted';
    case 'grant':
      return 'which was granted away';
    case 'overmap':
      return 'which was overmapped';
    case 'destroyed':
      return 'which was destroyed elsewhere';
    case 'task':
      return 'whose task went away';
  }
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
