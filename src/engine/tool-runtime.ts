/** A tool on one worker: its instance, what it adds to blocks, and the hooks of wrapped functions. */

import type { AddressSpace } from '../../kernel/core/address-space.js';
import type { GuestMem } from '../../kernel/core/guest-mem.js';
import {
  G_TOOL_WORDS,
  LIFE_RUNNING,
  MAX_THREADS,
  PAGE_SIZE,
  T_LIFE,
  T_PC,
  T_SP_START,
  T_TID,
  T_TOOL_AREA,
  T_X,
  THREAD_STRIDE,
  THREADS,
} from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { entryHost } from '../../kernel/core/pagemap.js';
import { type Block, c32 } from '../ir/ir.js';
import { TRAMPOLINE } from '../jit/region.js';
import type { Logger, MemorySource, SymbolSource, Tool, ToolHost, ToolInstance, Wrap } from '../tools/api.js';
import type { ErrorSink } from '../tools/errors.js';

const COUNTERS = 32;
/** Sums of the counters of ended threads. */
const TOTALS = G_TOOL_WORDS + 0x100;

interface Pending {
  wrap: Wrap;
  /** Address of the function. */
  entry: number;
  ra: number;
  sp: number;
  args: number[];
}

export class ToolRuntime implements ToolHost {
  readonly instance: ToolInstance;
  readonly memory: MemorySource;
  readonly rt: Record<string, CallableFunction> = {};
  private readonly wraps: readonly Wrap[];
  private entries = new Map<number, number>();
  private pending: Pending[] = [];

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
        try {
          return mem.readI64(addr);
        } catch {
          return null;
        }
      },
      host: (addr) => {
        const e = entryHost(space.space.map.lookup(addr));
        return e === 0 ? 0 : e + (addr % PAGE_SIZE);
      },
      describe: (addr) => describeAddress(space, machine, addr),
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
    this.instance = tool.create(this);
    this.wraps = this.instance.wraps ?? [];
    this.findWraps();
  }

  /** Looks wrapped functions up in all mapped images; called again when images are mapped. */
  findWraps(): void {
    this.entries.clear();
    this.wraps.forEach((w, i) => {
      for (const name of w.names) {
        for (const addr of this.symbols.addressesOf(name)) this.entries.set(addr, i);
      }
    });
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
      wrap_enter: (ts: number, id: number) => this.enter(ts, id),
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

  private x(ts: number, n: number): number {
    const { i32, u32 } = this.machine;
    const at = (ts + T_X + n * 8) >> 2;
    return i32[at + 1]! * 4294967296 + u32[at]!;
  }

  private setX(ts: number, n: number, v: number): void {
    const at = (ts + T_X + n * 8) >> 2;
    this.machine.i32[at] = v | 0;
    this.machine.i32[at + 1] = Math.floor(v / 4294967296);
  }

  private pc(ts: number): number {
    const { u32 } = this.machine;
    return u32[(ts + T_PC + 4) >> 2]! * 4294967296 + u32[(ts + T_PC) >> 2]!;
  }

  private setPc(ts: number, v: number): void {
    this.machine.i32[(ts + T_PC) >> 2] = v | 0;
    this.machine.i32[(ts + T_PC + 4) >> 2] = Math.floor(v / 4294967296);
  }

  private enter(ts: number, id: number): void {
    const wrap = this.wraps[id]!;
    const args = [10, 11, 12, 13, 14, 15, 16, 17].map((r) => this.x(ts, r));
    wrap.pre?.({ ts, arg: (i) => args[i]! });
    if (!wrap.post) return;
    const sp = this.x(ts, 2);
    this.pending.push({ wrap, entry: this.pc(ts), ra: this.x(ts, 1), sp, args });
    this.setX(ts, 1, TRAMPOLINE);
  }

  /** The innermost wrapped function has returned; gives its real return address. */
  returned(ts: number): number {
    const sp = this.x(ts, 2);
    let p = this.pending.pop();
    // Frames that were left by longjmp or unwinding lie below the stack pointer.
    while (p && p.sp < sp && this.pending.length > 0) p = this.pending.pop();
    if (!p) return 0;
    const { wrap, args } = p;
    // Traces taken by the hook show the function itself on top.
    this.setPc(ts, p.entry);
    const replaced = wrap.post!({ ts, arg: (i) => args[i]! }, this.x(ts, 10));
    if (replaced !== undefined) this.setX(ts, 10, replaced);
    return p.ra;
  }

  /** Return addresses that wrapped functions hide behind the trampoline, innermost first, for unwinders. */
  hiddenReturns(): number[] {
    return this.pending.map((p) => p.ra).reverse();
  }

  threadDone(): void {
    this.pending = [];
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
