/**
 * The kernel's events, and the allocator's calls, on one worker: stacks are taken here, the tables changed under the
 * tool-state lock, and findings reported once no lock is held.
 */
import { G_LOCK_TOOL, T_PC, T_SLOT, T_X, THREADS, TOOL_AREA } from '../../../kernel/core/layout.js';
import type { Drain, Fill, L4Events, LostItem, ObjectKind, Target } from '../../../kernel/l4/events.js';
import { decodeRequest } from '../../../kernel/l4/protocols/decode.js';
import { OPEN_WAIT, RECEIVE, SEND, TAG_ERROR } from '../../../kernel/l4/protocols/wire.js';
import { Mutex } from '../../../sync/mutex.js';
import type { ToolHost } from '../api.js';
import { Counters } from './counters.js';
import type { Finding } from './findings.js';
import type { SlotHooks } from './hooks.js';
import { CapModel, ThreadView } from './model.js';
import { errorOf } from './report.js';
import { CapTables } from './tables.js';

/** CapCheck's tables lie behind the nodes of interned stacks (src/rt/callstack.ts): key = pc << 22 | parent << 1 | 1. */
const NODES = TOOL_AREA;
const AREA = TOOL_AREA + 0x0100_0000;
const MOST_FRAMES = 60;
const A0 = T_X + 10 * 8;
const A1 = T_X + 11 * 8;

/** The call under way of the thread on this worker. */
interface Under {
  target: Target;
  operation: number;
  /** Its tag and first message register, which the answer overwrites. */
  tag: bigint;
  mr0: bigint;
}

export class Watcher implements L4Events, SlotHooks {
  readonly model: CapModel;
  private readonly lock: Mutex;
  private readonly counters: Counters;
  private view = new ThreadView(0);
  private under: Under | null = null;
  /** Found but not reported yet, with the thread that it happened in. */
  private pending: { finding: Finding; ts: number }[] = [];

  constructor(
    private readonly host: ToolHost,
    /** Functions in which an overmap is meant. */
    private readonly allowed: RegExp | null,
    /** Runs when a thread has done a call: time for what is to be done now and then. */
    private readonly tick: (ts: number) => void,
  ) {
    const { machine } = host;
    this.model = new CapModel(new CapTables(machine.i32, AREA >> 2));
    this.counters = new Counters(machine, host.symbols, host.memory);
    this.lock = new Mutex(machine.i32, G_LOCK_TOOL >> 2, 'toolState');
  }

  /** Runs `fn` with the tables locked. */
  locked<R>(fn: () => R): R {
    this.lock.lock(this.host.machine.self);
    try {
      return fn();
    } finally {
      this.lock.unlock();
    }
  }

  // --- threads --------------------------------------------------------------------------------------------------

  threadStarts(ts: number): void {
    this.view = new ThreadView(this.number(ts));
    this.under = null;
  }

  threadEnds(): void {
    this.flush();
  }

  /** Number of the thread at `ts` in the tables, from 1; 0 for none. */
  private number(ts: number): number {
    return ts === 0 ? 0 : this.host.machine.i32[(ts + T_SLOT) >> 2]! + 1;
  }

  /** Interned stack of a thread at its T_PC; 0 for none. */
  private trace(ts: number): number {
    if (ts === 0) return 0;
    const { u32 } = this.host.machine;
    const pc = u32[(ts + T_PC + 4) >> 2]! * 4294967296 + u32[(ts + T_PC) >> 2]!;
    return this.host.rt['trace']!(ts, BigInt(pc)) as number;
  }

  /** Program counters of an interned stack, innermost first. */
  expand = (trace: number): number[] => {
    const pcs: number[] = [];
    for (let n = trace; n !== 0 && pcs.length < MOST_FRAMES; ) {
      const key = BigInt.asUintN(64, this.host.machine.i64[(NODES >> 3) + n]!);
      pcs.push(Number(key >> 22n));
      n = Number((key >> 1n) & 0x1fffffn);
    }
    return pcs;
  };

  private found(findings: readonly Finding[], ts: number): void {
    for (const finding of findings) this.pending.push({ finding, ts: ts === 0 ? THREADS : ts });
  }

  /** Reports what was found. No lock is held. */
  flush(): void {
    const { pending } = this;
    if (pending.length === 0) return;
    this.pending = [];
    for (const { finding, ts } of pending) this.host.errors.report(errorOf(finding, ts, this.expand));
  }

  // --- events of the kernel; its lock may be held ---------------------------------------------------------------

  taskCreated(task: number, _object: number, name: string): void {
    this.locked(() => this.model.taskCreated(task, name));
  }

  taskGone(task: number): void {
    this.locked(() => this.model.taskGone(task));
  }

  threadBound(ts: number, task: number): void {
    this.locked(() => this.model.threadBound(this.number(ts), task));
  }

  objectCreated(object: number, kind: ObjectKind, by: number): void {
    const trace = this.trace(by);
    this.locked(() => this.model.objectCreated(object, kind, trace));
  }

  objectGone(object: number, by: number): void {
    const trace = this.trace(by);
    this.locked(() => this.model.objectGone(object, trace));
  }

  objectNamed(object: number, name: string): void {
    this.locked(() => this.model.objectNamed(object, name));
  }

  filled(fill: Fill): void {
    const at = fill.receiver === 0 ? fill.by : fill.receiver;
    const trace = this.trace(at);
    const allowed = this.allowed !== null && this.inside(trace, this.allowed);
    this.found(
      this.locked(() => {
        if (fill.cause !== 'boot') this.adopt(fill.task, fill.slot, trace);
        return this.model.filled(fill, this.number(fill.receiver), trace, allowed);
      }),
      at,
    );
  }

  /** A slot of this worker's task that its allocator holds is allocated, whether the call was seen or not. */
  private adopt(task: number, slot: number, trace: number): void {
    if (task !== this.model.taskOf(this.view.number)) return;
    if (this.counters.allocated(slot) === true) this.model.adopted(this.view, task, slot, trace);
  }

  /** Whether the program's allocator has a slot back. */
  isFree(slot: number): boolean {
    return this.counters.allocated(slot) === false;
  }

  isSystems(slot: number): boolean {
    return this.counters.isSystems(slot);
  }

  private inside(trace: number, pattern: RegExp): boolean {
    return this.expand(trace).some((pc) => pattern.test(this.host.symbols.functionAt(pc)?.name ?? ''));
  }

  drained(drain: Drain): void {
    const trace = this.trace(drain.by);
    this.locked(() => this.model.drained(drain, trace));
  }

  weakened(_by: number, task: number, slot: number, rights: number): void {
    this.locked(() => this.model.weakened(task, slot, rights));
  }

  deleteRefused(by: number, task: number, slot: number, object: number): void {
    const trace = this.trace(by);
    this.found(
      this.locked(() => this.model.deleteRefused(task, slot, object, trace)),
      by,
    );
  }

  itemLost(item: LostItem): void {
    const trace = this.trace(item.by);
    this.found(
      this.locked(() => this.model.itemLost(item, trace)),
      item.by,
    );
  }

  enter(ts: number, task: number, utcb: number, target: Target): void {
    const { i32, i64 } = this.host.machine;
    const operation = i32[(ts + A1) >> 2]! & 0xf;
    this.under = { target, operation, tag: i64[(ts + A0) >> 3]!, mr0: i64[utcb >> 3]! };
    if ((operation & OPEN_WAIT) !== 0 && (operation & RECEIVE) !== 0) {
      this.found(
        this.locked(() => this.model.waits(this.view)),
        ts,
      );
      this.flush();
    }
    if (target.slot < 0 || !(operation & SEND)) return;
    if (this.locked(() => this.model.used(task, target))) return;
    const trace = this.trace(ts);
    const { label, name } = request(this.under);
    this.found(
      this.locked(() => this.model.misused(task, target, label, name, trace)),
      ts,
    );
  }

  leave(ts: number, task: number): void {
    const { under } = this;
    this.under = null;
    if (under) this.answered(ts, task, under);
    this.flush();
    this.tick(ts);
  }

  private answered(ts: number, task: number, under: Under): void {
    const { i32 } = this.host.machine;
    const { target, operation } = under;
    const tag = i32[(ts + A0) >> 2]!;
    if (tag & TAG_ERROR) return;
    if (operation & OPEN_WAIT) {
      this.locked(() => this.model.received(this.view));
      return;
    }
    if (!(operation & SEND) || !(operation & RECEIVE) || target.object === 0) return;
    const result = i32[(ts + A0 + 4) >> 2]! * 65536 + (tag >>> 16);
    if (result >= 0) return;
    const trace = this.trace(ts);
    const { label, name } = request(under);
    this.found(
      this.locked(() => this.model.answered(task, target, label, result, name, trace)),
      ts,
    );
  }

  // --- the program's allocator ----------------------------------------------------------------------------------

  allocated(ts: number, slot: number): void {
    const trace = this.trace(ts);
    this.locked(() => this.model.allocated(this.view, this.model.taskOf(this.view.number), slot, trace));
  }

  taken(_ts: number, slot: number): void {
    this.locked(() => this.model.taken(this.model.taskOf(this.view.number), slot));
  }

  freeing(ts: number, slot: number, release: boolean, nested: boolean): void {
    const trace = this.trace(ts);
    this.found(
      this.locked(() => {
        const task = this.model.taskOf(this.view.number);
        if (!nested) this.adopt(task, slot, trace);
        return release
          ? this.model.releasing(task, slot, trace)
          : this.model.freeing(task, slot, trace, nested);
      }),
      ts,
    );
    this.flush();
  }

  freed(ts: number, slot: number): void {
    const trace = this.trace(ts);
    this.found(
      this.locked(() => this.model.freed(this.model.taskOf(this.view.number), slot, trace)),
      ts,
    );
    this.flush();
  }
}

/** Label and name of what a call asked for. */
function request(under: Under): { label: number; name: string } {
  const tag = BigInt.asUintN(64, under.tag);
  const { label, name } = decodeRequest({ tag, mr: [BigInt.asUintN(64, under.mr0)] });
  return { label, name };
}
