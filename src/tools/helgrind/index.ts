/**
 * Helgrind: data races between threads, by happens-before from thread creation and joining, pthread
 * synchronisation and atomic instructions. The algorithm runs in wasm (src/rt/helgrind.ts); this module places
 * its calls, turns pthread functions into edges, and writes reports with Valgrind's texts (valgrind-facts 9).
 */
import { T_PC, T_SLOT, T_TID, T_TOOL, THREADS, TOOL_AREA } from '../../../kernel/core/layout.js';
import { type Block, c32, c64, type Opnd, type Stmt } from '../../ir/ir.js';
import { LOADS, STORES } from '../../ir/ops.js';
import type { Awaited, Tool, ToolHost, ToolInstance, Wrap } from '../api.js';
import { BlockEditor } from '../edit.js';
import { aux } from '../errors.js';
import { allocationWraps } from './heap.js';
import { RaceReport } from './report.js';
import { SYNC_KINDS, SYNC_OPTIONS, SyncTool } from './sync-tool.js';
import { Tables } from './tables.js';

/** Thread slots with a vector clock entry; see src/rt/helgrind.ts. */
const CLOCKS = 256;
const THREAD_CLOCKS = TOOL_AREA + 0x01000000;
/** Number of the set of locks that a thread holds, in its tool words. */
const T_LOCKSET = T_TOOL + 8;

/** Functions of the C library whose accesses are the caller's. */
const COPYING = new Set(
  'memcpy memmove memset memcmp bcmp memchr strlen strnlen strcpy strncpy stpcpy strcat strncat strcmp strncmp strchr strrchr'.split(
    ' ',
  ),
);

/** Kinds of errors as suppressions name them (valgrind-facts 5). */
const KINDS = {
  Race: 'plain',
  ...SYNC_KINDS,
} as const;

const helgrind: Tool = {
  name: 'helgrind',
  title: 'Helgrind, a thread error detector',
  copyright: 'capgrind, after Valgrind by OpenWorks LLP et al.',
  atomicity: 'access',
  shadowScale: 4,
  maxThreads: CLOCKS - 1,
  findsErrors: true,
  suppressions: { tool: 'Helgrind', kinds: KINDS },
  options: {
    'check-stack-refs': { describe: 'check accesses through the stack pointer', default: 'yes' },
    ...SYNC_OPTIONS,
  },
  create: (host) => new Helgrind(host),
};
export default helgrind;

export class Helgrind implements ToolInstance {
  readonly tables: Tables;
  readonly imports: Record<string, CallableFunction>;
  readonly wraps: readonly Wrap[];
  private readonly report: RaceReport;
  private readonly checkStack: boolean;
  private readonly sync: SyncTool;

  constructor(readonly host: ToolHost) {
    this.tables = new Tables(host.machine);
    this.checkStack = host.options['check-stack-refs'] !== 'no';
    this.imports = {
      hg_race: (ts: number, at: number, size: number, write: number, trace: number) =>
        this.report.race(ts, at >>> 0, size, write !== 0, trace),
    };
    this.sync = new SyncTool({
      host,
      tables: this.tables,
      lockSetWord: T_LOCKSET,
      trace: (ts) => this.trace(ts),
      pcs: (trace) => this.report.pcs(trace),
      numberOf: (ts) => this.numberOf(ts),
      address: (addr) => [aux(this.report.describe(addr))],
      fresh: (addr, size) => this.fresh(addr, size),
      blockAt: () => null,
    });
    this.report = new RaceReport(host, this.tables, this.sync.lockSets);
    this.wraps = [...this.sync.wraps, ...allocationWraps(this)];
  }

  // --- threads --------------------------------------------------------------------------------------------------

  threadCreated(ts: number, parent: number): void {
    const { i32 } = this.host.machine;
    let created = 0;
    if (parent !== 0) created = this.trace(parent);
    this.host.rt['hg_begin']!(ts, parent);
    const slot = i32[(ts + T_SLOT) >> 2]!;
    const clock = i32[(THREAD_CLOCKS + slot * CLOCKS * 4 + slot * 4) >> 2]!;
    this.tables.addThread(slot, clock, this.numberOf(ts), created);
    this.sync.threadCreated(ts, this.numberOf(ts), created);
  }

  threadEnds(ts: number): void {
    this.sync.threadEnds(ts);
  }

  awaits(ts: number): Awaited | null {
    return this.sync.awaits(ts);
  }

  request(ts: number, request: number, args: readonly number[]): number | undefined {
    return this.sync.request(ts, request, args);
  }

  beforeSyscall(ts: number, nr: number): void {
    this.sync.beforeSyscall(ts, nr);
  }

  afterSyscall(ts: number, nr: number): void {
    this.sync.afterSyscall(ts, nr);
  }

  /** Number of a thread in reports: in order of creation, from 1. */
  numberOf(ts: number): number {
    const { i32 } = this.host.machine;
    return i32[(ts + T_TID) >> 2]! - i32[(THREADS + T_TID) >> 2]! + 1;
  }

  /** Interned stack trace of a thread at its T_PC. */
  trace(ts: number): number {
    const { u32 } = this.host.machine;
    const pc = u32[(ts + T_PC + 4) >> 2]! * 4294967296 + u32[(ts + T_PC) >> 2]!;
    return this.host.rt['trace']!(ts, BigInt(pc)) as number;
  }

  // --- memory ---------------------------------------------------------------------------------------------------

  /** Guest memory [addr, addr + size) starts a new life. */
  fresh(addr: number, size: number): void {
    for (let p = addr; p < addr + size; ) {
      const end = Math.min(addr + size, p - (p % 4096) + 4096);
      const h = this.host.memory.host(p);
      if (h !== 0) this.host.rt['hg_fresh']!(h, end - p);
      p = end;
    }
  }

  // --- instrumentation ---------------------------------------------------------------------------------------

  instrument(block: Block): Block {
    const check = this.checked(block.pc);
    const e = new BlockEditor(block);
    let pc = block.pc;
    /** The fence before this instruction orders everything before later stores: a release. */
    let release = false;
    let sawFence = false;
    let base = -1;
    return e.rewrite(
      (s, i) => {
        if (s.s === 'imark') {
          pc = s.pc;
          release = sawFence;
          sawFence = false;
        } else if (s.s === 'fence') {
          sawFence = (s.succ & 1) !== 0 && (s.succ & 2) === 0;
        } else if (s.s === 'xlat') base = s.base;
        if (!check) {
          e.add(s);
          return;
        }
        const stack = base === 2 && !this.checkStack;
        if (s.s === 'load' && s.guest && !stack) {
          const h = e.host(s.h, s.off);
          if (acquires(block.stmts, i)) {
            e.add(s);
            e.call('hg_atomic', h, c32(1));
          } else {
            e.call('hg_read', h, c32(LOADS.get(s.op)!.size), c64(pc));
            e.add(s);
          }
        } else if (s.s === 'store' && s.guest && !stack) {
          const h = e.host(s.h, s.off);
          if (release) e.call('hg_atomic', h, c32(2));
          else e.call('hg_write', h, c32(STORES.get(s.op)!.size), c64(pc));
          e.add(s);
        } else if (s.s === 'call' && /^(amo|lr|sc)_/.test(s.fn)) {
          const h: Opnd = s.fn.startsWith('amo') ? s.a[1]! : s.a[0]!;
          if (!s.fn.startsWith('lr')) e.call('hg_atomic', h, c32(2));
          e.add(s);
          e.call('hg_atomic', h, c32(1));
        } else e.add(s);
      },
      () => {
        const t = block.term;
        if (t.t === 'call' || t.t === 'icall') e.call('cs_push', c64(t.ret), e.reg(2));
        else if (t.t === 'ret') e.call('cs_pop', t.target, e.reg(2));
      },
    );
  }

  private checked(pc: number): boolean {
    const { symbols } = this.host;
    if (symbols.isUserCode(pc)) return true;
    const f = symbols.functionAt(pc);
    return f !== null && COPYING.has(f.name.replace(/^_+(GI_)?/, ''));
  }
}

/** Whether a load is followed by a fence that keeps later accesses behind reads: an acquire. */
function acquires(stmts: readonly Stmt[], at: number): boolean {
  for (let i = at + 1; i < stmts.length; i++) {
    const s = stmts[i]!;
    if (s.s === 'fence') return (s.pred & 2) !== 0 && (s.succ & 2) !== 0;
    if (s.s === 'imark' && s.op !== 'fence') return false;
    if (s.s === 'load' || s.s === 'store') return false;
  }
  return false;
}
