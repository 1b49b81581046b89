/**
 * Helgrind: data races between threads, by happens-before from thread creation and joining, pthread
 * synchronisation and atomic instructions. The algorithm runs in wasm (src/rt/helgrind.ts); this module places
 * its calls, turns pthread functions into edges, and writes reports with Valgrind's texts (valgrind-facts 9).
 */
import {
  COLD_CHECKED,
  COLD_EDGES,
  COLD_FOR_CALLER,
  COLD_NO_STACK,
  G_MULTI,
  T_PC,
  T_SCRATCH,
  T_TID,
  T_X,
  THREADS,
} from '../../../kernel/core/layout.js';
import type { L4Events } from '../../../kernel/l4/events.js';
import type { Block } from '../../ir/ir.js';
import type { Awaited, Tool, ToolHost, ToolInstance, Wrap } from '../api.js';
import { Addresses } from './addresses.js';
import { Edges } from './edges.js';
import { isCopying, isSynchronising } from './functions.js';
import { Heap } from './heap.js';
import { type Attention, instrumentBlock } from './instrument.js';
import { L4Sync } from './l4-sync.js';
import { HG_G_CONTEXTS, HG_G_HISTORY, HG_INDEXES, HG_LOCKSET } from './layout.js';
import { HISTORY, OPTIONS } from './options.js';
import { RaceReport } from './report.js';
import { SYNC_KINDS, SyncTool } from './sync-tool.js';
import { Tables } from './tables.js';

/** Frames that stacks of accesses may have: the table has some more, for those of errors. */
const CONTEXTS_MAX = 2_000_000;

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
  maxThreads: HG_INDEXES - 1,
  findsErrors: true,
  suppressions: { tool: 'Helgrind', kinds: KINDS },
  options: OPTIONS,
  create: (host) => new Helgrind(host),
};
export default helgrind;

export class Helgrind implements ToolInstance {
  readonly tables: Tables;
  readonly imports: Record<string, CallableFunction>;
  readonly wraps: readonly Wrap[];
  readonly l4: L4Events;
  private readonly report: RaceReport;
  private readonly checkStack: boolean;
  private readonly heap: Heap;
  private readonly addresses: Addresses;
  private readonly sync: SyncTool;

  constructor(readonly host: ToolHost) {
    const { options } = host;
    const { i32 } = host.machine;
    i32[HG_G_HISTORY >> 2] = HISTORY.findIndex((level) => level === (options['history-level'] ?? 'full'));
    i32[HG_G_CONTEXTS >> 2] = Math.min(CONTEXTS_MAX, Number(options['conflict-cache-size'] ?? CONTEXTS_MAX));
    this.tables = new Tables(host.machine);
    this.checkStack = host.options['check-stack-refs'] !== 'no';
    this.imports = {
      hg_race: (ts: number, at: number, size: number, write: number, trace: number) =>
        this.report.race(ts, at >>> 0, size, write !== 0, trace),
      hg_own_code: (ts: number) => {
        const { u32 } = host.machine;
        const pc = u32[(ts + T_SCRATCH + 4) >> 2]! * 4294967296 + u32[(ts + T_SCRATCH) >> 2]!;
        return host.symbols.isUserCode(pc) ? 1 : 0;
      },
    };
    this.heap = new Heap(
      host,
      (ts) => this.trace(ts),
      (ts, lo, hi) => this.sync.forget(ts, lo, hi),
    );
    this.addresses = new Addresses(host, this.heap);
    this.sync = new SyncTool({
      host,
      tables: this.tables,
      lockSetWord: HG_LOCKSET,
      trace: (ts) => this.trace(ts),
      pcs: (trace) => this.report.pcs(trace),
      numberOf: (ts) => this.numberOf(ts),
      address: (addr) => this.addresses.describe(addr),
      fresh: (addr, size) => this.heap.fresh(0, addr, size),
      blockAt: (addr) => {
        const block = this.heap.blocks.around(addr, 0);
        return block && !block.freed ? { start: block.addr, size: block.size } : null;
      },
    });
    this.l4 = new L4Sync(new Edges(host));
    this.report = new RaceReport(host, this.sync.lockSets, this.addresses);
    this.wraps = [...this.sync.wraps, ...this.heap.wraps];
  }

  // --- threads --------------------------------------------------------------------------------------------------

  threadCreated(ts: number, parent: number): void {
    const created = parent === 0 ? 0 : this.trace(parent);
    this.host.rt['hg_begin']!(ts, parent, this.numberOf(ts), created);
    if (parent !== 0) this.freshStack(parent, ts);
    this.sync.threadCreated(ts, this.numberOf(ts), created);
  }

  threadEnds(ts: number): void {
    this.sync.threadEnds(ts);
    this.host.rt['hg_end']!(ts);
  }

  threadStarts(): void {
    this.heap.threadStarts();
  }

  /** A stack may have been another thread's before. One in the heap or in a variable is left as it is. */
  private freshStack(parent: number, ts: number): void {
    const { u32 } = this.host.machine;
    const sp = u32[(ts + T_X + 20) >> 2]! * 4294967296 + u32[(ts + T_X + 16) >> 2]!;
    const region = this.host.memory.region(sp - 1);
    if (!region || this.heap.blocks.around(sp - 1, 0) || this.host.symbols.dataAt(sp - 1)) return;
    this.heap.freshStack(parent, sp, region.start, region.end);
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

  finish(): void {
    this.sync.undestroyed.finish();
  }

  // --- instrumentation ---------------------------------------------------------------------------------------

  instrument(block: Block): Block {
    return instrumentBlock(block, { attention: this.attention(block.pc), stack: this.checkStack });
  }

  cold(pc: number): number {
    const attention = this.attention(pc);
    const checked =
      attention === 'all' ? COLD_CHECKED : attention === 'for-caller' ? COLD_CHECKED | COLD_FOR_CALLER : 0;
    const edges = attention === 'all' || attention === 'edges' ? COLD_EDGES : 0;
    return checked | edges | (this.checkStack ? 0 : COLD_NO_STACK);
  }

  /**
   * What a thread does before it creates the first other one comes before all that any other does, and so do its
   * releases: nothing of it needs to be known.
   */
  private attention(pc: number): Attention {
    const { symbols, machine } = this.host;
    if (machine.i32[G_MULTI >> 2] === 0) return 'none';
    const name = symbols.functionAt(pc)?.name ?? '';
    if (isSynchronising(name)) return 'edges';
    if (symbols.isUserCode(pc)) return 'all';
    return isCopying(name) ? 'for-caller' : 'none';
  }
}
