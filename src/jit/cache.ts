/** The code cache as one worker sees it: its function table, its instances, and translation on demand. */

import {
  CODEMAP,
  CODEMAP_ENTRIES,
  G_CODE_EPOCH,
  G_HEAT_LIMIT,
  G_LOCK_TRANSLATION,
  G_MULTI,
  G_OWN,
  G_THRASH_LIMIT,
  JC_ENTRIES,
  PAGE_SIZE,
  T_CODE_SEEN,
  T_JC,
} from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import type { ThreadTable } from '../../kernel/core/threads.js';
import { Mutex } from '../../sync/mutex.js';
import type { CodeStore } from './code-store.js';
import { MAX_SLOTS } from './code-store.js';
import { Profile } from './profile.js';
import { type Fetch, type Region, TRAMPOLINE } from './region.js';
import {
  type Instrument,
  type SlotSource,
  type TranslateOptions,
  translate,
  translateSingle,
} from './translate.js';

/** What the run time (src/rt) exports that the cache itself calls. */
export interface Rt {
  search(task: number, pc: bigint): number;
  /** Arrivals of the interpreter at pc. */
  heat(pc: bigint): number;
  publish(task: number, pc: bigint, slot: number): void;
  run(ts: number): void;
  step(ts: number, slot: number): void;
  set_table_size(n: number): void;
  /** Line ownership (src/rt/own.ts). */
  own_open(ts: number): void;
  own_close(ts: number): void;
  own_alone(ts: number): number;
  audit_carry(ts: number): void;
  stub: unknown;
  bail: unknown;
}

/** Live modules at which the whole cache is dropped and code translated anew as it is needed. */
const MAX_LIVE_MODULES = 4000;
/** A callee comes along with its caller when it is this fraction of the limit warm. */
const WARM = 4;
/** Table entries that a generation starts with. */
const FIRST_SLOTS = 1024;

/**
 * Code is dropped a generation at a time. A generation has its own table and run-time instance; slot numbers
 * start over. Whoever ends a generation (FENCE.I over changed bytes, an executable mapping gone, the cache
 * full) holds the translation lock, bumps G_CODE_EPOCH, and waits until every other thread is in the kernel or
 * has left its frames; threads coming back from the kernel see the epoch and unwind before they run on.
 */
export class CodeCache implements SlotSource {
  private table!: WebAssembly.Table;
  private loaded = new Set<number>();
  private readonly lock: Mutex;
  private readonly profile: Profile;
  /** Slots of single instructions; byte by byte under the negative pc. */
  private singles = new Map<number, number>();
  private env: WebAssembly.ModuleImports = {};
  /** -1 only until the first generation. */
  private epoch = -1;
  private tableSize = 0;
  rt!: Rt;

  constructor(
    private readonly machine: Machine,
    private readonly threads: ThreadTable,
    private readonly store: CodeStore,
    private readonly task: number,
    private readonly fetch: Fetch,
    private readonly instrument: Instrument | null,
    private readonly opts: Omit<TranslateOptions, 'multi' | 'own' | 'slotAt' | 'jumpsAt'>,
    private readonly rtModule: WebAssembly.Module,
    private readonly js: Record<string, CallableFunction>,
  ) {
    this.lock = new Mutex(machine.i32, G_LOCK_TRANSLATION >> 2, 'translation');
    this.profile = new Profile(machine);
    this.generation();
  }

  /** A fresh table and run time for the current epoch. */
  private generation(): void {
    this.epoch = Atomics.load(this.machine.i32, G_CODE_EPOCH >> 2);
    this.loaded.clear();
    this.singles.clear();
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
    const { memory } = this.machine;
    const env = { ...this.js, memory, table: this.table } as WebAssembly.ModuleImports;
    const rt = new WebAssembly.Instance(this.rtModule, { env }).exports;
    this.rt = rt as unknown as Rt;
    this.table.set(0, this.rt.bail as CallableFunction);
    this.tableSize = 1;
    this.room(FIRST_SLOTS);
    this.env = { ...rt, ...this.js, memory } as WebAssembly.ModuleImports;
  }

  /** Makes the table cover the slots below n; new ones hold the stub. */
  private room(n: number): void {
    if (n <= this.tableSize) return;
    const size = Math.min(MAX_SLOTS, Math.max(n, this.tableSize * 2));
    this.table.grow(size - this.tableSize, this.rt.stub as CallableFunction);
    this.tableSize = size;
    this.rt.set_table_size(size);
  }

  /** Whether this worker's generation of code has ended. */
  outdated(): boolean {
    return Atomics.load(this.machine.i32, G_CODE_EPOCH >> 2) !== this.epoch;
  }

  /** Whether the thread has to go through `renew` before it may run translated code. */
  needsRenewal(ts: number): boolean {
    return this.outdated() || this.machine.i32[(ts + T_CODE_SEEN) >> 2] !== this.epoch;
  }

  /**
   * With no translated frame on the stack, in the kernel's mode: moves on to the current generation. Takes the
   * translation lock, so that whoever ends a generation has emptied the code map before anybody looks into it.
   */
  renew(ts: number): void {
    const { i32 } = this.machine;
    this.lock.lock(this.machine.self);
    try {
      if (this.outdated()) this.generation();
      i32.fill(0, (ts + T_JC) >> 2, (ts + T_JC + JC_ENTRIES * 16) >> 2);
      Atomics.store(i32, (ts + T_CODE_SEEN) >> 2, this.epoch);
      Atomics.notify(i32, (ts + T_CODE_SEEN) >> 2);
    } finally {
      this.lock.unlock();
    }
  }

  slotOf(pc: number): number {
    const found = this.rt.search(this.task, BigInt(pc));
    if (found > 0) return found;
    const slot = this.store.newSlot(pc);
    this.rt.publish(this.task, BigInt(pc), slot);
    return slot;
  }

  wanted(pc: number): boolean {
    const limit = this.machine.i32[G_HEAT_LIMIT >> 2]!;
    // A copy of a hot callee in the caller's module is called directly, which is worth translating it again.
    if (limit !== 0) return this.rt.heat(BigInt(pc)) >= limit / WARM;
    const slot = this.rt.search(this.task, BigInt(pc));
    return slot < 0 || this.store.moduleOf(slot) < 0;
  }

  /**
   * Makes the code at pc callable in this worker and returns its slot; 0 when nothing there can be fetched or
   * the generation ended. Takes the translation lock only when the code is new to the process.
   */
  ensure(ts: number, pc: number): number {
    let slot = this.rt.search(this.task, BigInt(pc));
    if (slot < 0 || this.store.moduleOf(slot) < 0) {
      if (pc !== TRAMPOLINE && this.fetch(pc) === undefined) return 0;
      slot = this.locked(ts, () => {
        const s = this.slotOf(pc);
        if (this.store.moduleOf(s) < 0) {
          const t = translate(pc, this.fetch, this, this.instrument, this.options());
          this.store.publish(t.bytes, t.slots);
          this.notePages(t.regions);
        }
        return s;
      });
      if (slot === 0) return 0;
    }
    this.load(this.store.moduleOf(slot));
    return slot;
  }

  /** Slot of a translation of the one instruction at pc, for accesses byte by byte if asked for; 0 as in ensure. */
  ensureSingle(ts: number, pc: number, bytewise: boolean): number {
    const key = bytewise ? -pc : pc;
    let slot = this.singles.get(key);
    if (slot === undefined) {
      slot = this.locked(ts, () => {
        const s = this.store.newSlot(pc);
        const t = translateSingle(pc, s, this.fetch, this, this.instrument, this.options(), bytewise);
        this.store.publish(t.bytes, t.slots);
        this.notePages(t.regions);
        return s;
      });
      if (slot === 0) return 0;
      this.singles.set(key, slot);
    }
    this.load(this.store.moduleOf(slot));
    return slot;
  }

  private options(): TranslateOptions {
    const { i32 } = this.machine;
    return {
      ...this.opts,
      multi: i32[G_MULTI >> 2] !== 0,
      own: i32[G_OWN >> 2] !== 0,
      slotAt: (pc) => this.profile.windowSlot(pc),
      ...(i32[G_HEAT_LIMIT >> 2] === 0 ? {} : { jumpsAt: (pc: number) => this.profile.jumpsAt(pc) }),
    };
  }

  /**
   * A window cell keeps changing: drops all code, to see anew what windows are in use. Each time it takes twice as
   * many changes.
   */
  thrash(ts: number): void {
    const { i32 } = this.machine;
    this.lock.lock(this.machine.self);
    try {
      if (this.outdated() || i32[G_HEAT_LIMIT >> 2] === 0) return;
      i32[G_THRASH_LIMIT >> 2]! *= 2;
      this.profile.forget();
      this.endGeneration(ts);
    } finally {
      this.lock.unlock();
    }
  }

  /** Runs fn under the translation lock; 0 when the generation ended meanwhile. Makes room first. */
  private locked(ts: number, fn: () => number): number {
    this.lock.lock(this.machine.self);
    try {
      if (this.outdated()) return 0;
      if (this.store.full(MAX_LIVE_MODULES)) {
        this.endGeneration(ts);
        return 0;
      }
      return fn();
    } finally {
      this.lock.unlock();
    }
  }

  /** Guest bytes may have changed without a mapping change (FENCE.I): drops all code if any of it is stale. */
  flushChanged(ts: number): void {
    this.lock.lock(this.machine.self);
    try {
      if (!this.outdated() && this.store.pages().some(([page, sum]) => this.checksum(page) !== sum)) {
        this.endGeneration(ts);
      }
    } finally {
      this.lock.unlock();
    }
  }

  /** Pages in [lo, hi) are no longer mapped executable as they were. */
  flushRange(ts: number, lo: number, hi: number): void {
    if (!this.store.pages().some(([page]) => page < hi && page + PAGE_SIZE > lo)) return;
    this.flushAll(ts);
  }

  /** All code is stale. */
  flushAll(ts: number): void {
    this.lock.lock(this.machine.self);
    try {
      if (!this.outdated()) this.endGeneration(ts);
    } finally {
      this.lock.unlock();
    }
  }

  private endGeneration(ts: number): void {
    const { i32, u8 } = this.machine;
    const epoch = Atomics.add(i32, G_CODE_EPOCH >> 2, 1) + 1;
    this.threads.awaitCodeEpoch(ts, epoch);
    u8.fill(0, CODEMAP, CODEMAP + CODEMAP_ENTRIES * 16);
    this.store.reset();
  }

  private notePages(regions: readonly Region[]): void {
    for (const r of regions) {
      for (const b of r.blocks) {
        if (b.pc === TRAMPOLINE) continue;
        for (let p = b.pc - (b.pc % PAGE_SIZE); p < b.pc + Math.max(b.len, 2); p += PAGE_SIZE) {
          this.store.notePage(p, () => this.checksum(p));
        }
      }
    }
  }

  private checksum(page: number): number {
    const { i32 } = this.machine;
    const host = this.hostOf(page);
    if (host === 0) return 0;
    let h = 0x811c9dc5;
    for (let i = host >>> 2; i < (host + PAGE_SIZE) >>> 2; i++) h = Math.imul(h ^ i32[i]!, 0x01000193);
    return h;
  }

  /** Host address of a guest page that is present, else 0. Set by the engine. */
  hostOf: (page: number) => number = () => 0;

  private load(module: number): void {
    this.room(this.store.stats().slots);
    if (module < 0 || this.loaded.has(module)) return;
    this.loaded.add(module);
    try {
      this.instantiate(module);
    } catch (error) {
      // The store may have been reset under us: then this generation is over, and nobody will run the code.
      if (!this.outdated()) throw error;
    }
  }

  private instantiate(module: number): void {
    const compiled = new WebAssembly.Module(this.store.moduleBytes(module) as Uint8Array<ArrayBuffer>);
    const { exports } = new WebAssembly.Instance(compiled, { env: this.env });
    for (const [i, slot] of this.store.moduleSlots(module).entries()) {
      this.table.set(slot, exports[`f${i}`] as CallableFunction);
    }
  }
}
