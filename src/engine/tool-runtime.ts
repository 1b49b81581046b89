/** A tool on one worker: its instance, what it adds to blocks, and the hooks of wrapped functions. */

import type { AddressSpace } from '../../kernel/core/address-space.js';
import type { GuestMem } from '../../kernel/core/guest-mem.js';
import {
  COLD,
  COLD_ENTRIES,
  COLD_KNOWN,
  COLD_WRAPPED,
  G_TOOL_WORDS,
  LIFE_RUNNING,
  MAX_THREADS,
  PAGE_SIZE,
  T_LIFE,
  T_SP_START,
  T_TID,
  T_TOOL_AREA,
  THREAD_STRIDE,
  THREADS,
} from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { entryHost } from '../../kernel/core/pagemap.js';
import { type Block, c32 } from '../ir/ir.js';
import { TRAMPOLINE } from '../jit/region.js';
import type { Logger, MemorySource, SymbolSource, Tool, ToolHost, ToolInstance, Wrap } from '../tools/api.js';
import type { ErrorSink } from '../tools/errors.js';
import { WrappedCalls } from './wrapped-calls.js';

const COUNTERS = 32;
/** Sums of the counters of ended threads. */
const TOTALS = G_TOOL_WORDS + 0x100;

/** Functions that unwind the stack: of a thread that ends, and for an exception. */
const UNWINDERS = ['_Unwind_ForcedUnwind', '_Unwind_RaiseException', '_Unwind_Resume_or_Rethrow'];

export class ToolRuntime implements ToolHost {
  readonly instance: ToolInstance;
  readonly memory: MemorySource;
  readonly rt: Record<string, CallableFunction> = {};
  private readonly wraps: readonly Wrap[];
  private entries = new Map<number, number>();
  private readonly calls: WrappedCalls;
  /** Wraps by address, added while the program runs. */
  private readonly extra = new Map<number, number>();
  private readonly unwinder: Wrap = { names: UNWINDERS };

  constructor(
    readonly tool: Tool,
    readonly machine: Machine,
    space: AddressSpace,
    mem: GuestMem,
    readonly log: Logger,
    readonly symbols: SymbolSource,
    readonly options: Record<string, string>,
    readonly errors: ErrorSink,
  ) {
    this.memory = {
      word: (addr) => {
        // A look at memory asks no region manager for it.
        const { manager } = mem;
        mem.manager = null;
        try {
          return mem.readI64(addr);
        } catch {
          return null;
        } finally {
          mem.manager = manager;
        }
      },
      host: (addr) => {
        const e = entryHost(space.space.map.lookup(addr));
        return e === 0 ? 0 : e + (addr % PAGE_SIZE);
      },
      describe: (addr) => describeAddress(space, machine, addr),
      region: (addr) => space.regionAt(addr) ?? null,
      guest: (host) => {
        for (const r of space.regions()) {
          for (let p = r.start; p < r.end; ) {
            const run = space.space.map.runAt(p);
            if (run === null) {
              const next = space.space.map.nextPresent(p, r.end);
              if (next <= p) break;
              p = next;
              continue;
            }
            if (host >= run.host && host < run.host + run.length) return run.lo + (host - run.host);
            p = run.lo + run.length;
          }
        }
        return 0;
      },
    };
    this.calls = new WrappedCalls(machine, {
      word: this.memory.word,
      write: (addr, v) => mem.writeU64(addr, v),
    });
    this.instance = tool.create(this);
    const wraps = this.instance.wraps ?? [];
    // Without hooks there are no hidden return addresses to put back.
    this.wraps = wraps.length === 0 ? wraps : [...wraps, this.unwinder];
    this.findWraps();
  }

  /** Looks wrapped functions up in all mapped images; called again when images are mapped. */
  findWraps(): void {
    this.entries.clear();
    for (const [addr, id] of this.extra) this.entries.set(addr, id);
    this.wraps.forEach((w, i) => {
      for (const name of w.names) {
        for (const addr of this.symbols.addressesOf(name)) this.entries.set(addr, i);
      }
    });
    this.forgetCold();
  }

  /** Has the interpreter ask anew how code is to be treated. */
  forgetCold(): void {
    this.machine.u8.fill(0, COLD, COLD + COLD_ENTRIES * 8);
  }

  /** Whether cold code may be interpreted: the tool adds nothing to it that the interpreter could not do. */
  get interprets(): boolean {
    return this.instance.cold !== undefined;
  }

  /** COLD_* bits for the code at pc. */
  cold(pc: number): number {
    const own = this.instance.cold?.(pc) ?? 0;
    return own | COLD_KNOWN | (this.entries.has(pc) ? COLD_WRAPPED : 0);
  }

  /** The thread is at the entry of a wrapped function, at pc. */
  wrapped(ts: number, pc: number): void {
    const id = this.entries.get(pc);
    if (id !== undefined) this.wrapEnter(ts, id);
  }

  private wrapEnter(ts: number, id: number): void {
    // Unwinding concerns calls that are under way, opaque ones too.
    if (this.wraps[id] === this.unwinder) this.calls.unwinds(ts);
    else this.calls.enter(ts, this.wraps[id]!);
  }

  wrapAt(addr: number, wrap: Wrap): void {
    const id = this.wraps.indexOf(wrap);
    if (id < 0 || this.entries.has(addr)) return;
    this.extra.set(addr, id);
    this.entries.set(addr, id);
    this.forgetCold();
  }

  counterOffset(i: number): number {
    return T_TOOL_AREA + i * 8;
  }

  counter(i: number): bigint {
    return Atomics.load(this.machine.i64, (TOTALS + i * 8) >> 3);
  }

  /** A thread has ended: its counters go to the totals. */
  collect(ts: number): void {
    const { i64 } = this.machine;
    for (let i = 0; i < COUNTERS; i++) {
      const v = i64[(ts + this.counterOffset(i)) >> 3]!;
      if (v !== 0n) Atomics.add(i64, (TOTALS + i * 8) >> 3, v);
    }
  }

  /** Functions for generated code. */
  imports(): Record<string, CallableFunction> {
    return {
      wrap_enter: (ts: number, id: number) => this.wrapEnter(ts, id),
      ...this.instance.imports,
    };
  }

  /** The instrumentation of a block, or null when there is none at all. */
  instrument(): ((block: Block) => Block) | null {
    const own = this.instance.instrument?.bind(this.instance);
    if (!own && this.wraps.length === 0) return null;
    return (block) => {
      if (block.pc === TRAMPOLINE) return block;
      const b = own ? own(block) : block;
      const id = this.entries.get(b.pc);
      if (id === undefined) return b;
      const at = b.stmts.findIndex((s) => s.s === 'imark') + 1;
      const stmts = b.stmts.slice();
      stmts.splice(at, 0, { s: 'call', d: null, fn: 'wrap_enter', a: [c32(id)], sync: true });
      return { ...b, stmts };
    };
  }

  /** The innermost wrapped function has returned; gives its real return address. */
  returned(ts: number): number {
    return this.calls.returned(ts);
  }

  /** A handler of a signal is about to run. */
  handlerBegins(ts: number, signo: number): void {
    this.calls.handlerBegins(ts);
    this.instance.signal?.(ts, signo);
  }

  handlerEnds(): void {
    this.calls.handlerEnds();
  }

  hiddenReturns(): number[] {
    return this.calls.hiddenReturns();
  }

  threadDone(): void {
    this.calls.threadDone();
  }
}

/** What lies at an address that no symbol covers, in Valgrind's words (valgrind-facts 2.6). */
function describeAddress(space: AddressSpace, machine: Machine, addr: number): string {
  const r = space.regionAt(addr);
  if (!r) return "not stack'd, malloc'd or on a free list";
  const perms = `${r.prot & 1 ? 'r' : '-'}${r.prot & 2 ? 'w' : '-'}${r.prot & 4 ? 'x' : '-'}`;
  if (r.name === '[heap]') return `in the brk data segment ${hex(r.start)}-${hex(r.end - 1)}`;
  for (let slot = 0; slot < MAX_THREADS; slot++) {
    const ts = THREADS + slot * THREAD_STRIDE;
    if (Atomics.load(machine.i32, (ts + T_LIFE) >> 2) !== LIFE_RUNNING) continue;
    const sp = machine.u32[(ts + T_SP_START + 4) >> 2]! * 4294967296 + machine.u32[(ts + T_SP_START) >> 2]!;
    if (sp >= r.start && sp <= r.end && addr <= sp) {
      const first = machine.i32[(THREADS + T_TID) >> 2]!;
      return `on thread #${machine.i32[(ts + T_TID) >> 2]! - first + 1}'s stack`;
    }
  }
  if (r.name.startsWith('/')) return `in a ${perms} mapped file ${r.name} segment`;
  return `in a ${perms} anonymous segment`;
}

function hex(v: number): string {
  return `0x${v.toString(16).toUpperCase()}`;
}
