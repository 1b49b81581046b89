/** The synchronisation part of helgrind without a guest: thread states made by hand, edges and reports recorded. */
import { T_PC, T_TID, T_TOOL, THREAD_STRIDE, THREADS } from '../../kernel/core/layout.js';
import { aux, type FoundError } from '../../src/tools/errors.js';
import { SyncTool } from '../../src/tools/helgrind/sync-tool.js';
import { Tables } from '../../src/tools/helgrind/tables.js';
import { FakeHost } from './fake-host.js';

export class SyncRig {
  readonly host: FakeHost;
  readonly tool: SyncTool;
  /** Edges in order: `#2 acquires 1/0`, thread and key. */
  readonly edges: string[] = [];
  readonly found: FoundError[] = [];

  constructor(options: Record<string, string> = {}) {
    this.host = new FakeHost(options);
    const key = (k: bigint): string => {
      if (k >> 56n === 1n) return `${(k >> 8n) & 0xffffn}/${k & 255n}`;
      return `${k >> 56n}:${(k & ((1n << 56n) - 1n)).toString(16)}`;
    };
    const note = (verb: string) => (ts: number, k: bigint, strong?: number) => {
      this.edges.push(`#${this.number(ts)} ${strong === 1 ? 'replaces' : verb} ${key(k)}`);
    };
    this.host.rt['hg_acquire'] = note('acquires');
    this.host.rt['hg_release'] = note('joins');
    this.host.rt['hg_forget'] = note('forgets');
    const host = this.host;
    Object.assign(host.errors, { report: (e: FoundError) => this.found.push(e) });
    for (let n = 1; n <= 8; n++) host.machine.i32[(this.ts(n) + T_TID) >> 2] = 100 + n;
    this.tool = new SyncTool({
      host,
      tables: new Tables(host.machine),
      lockSetWord: T_TOOL + 8,
      trace: (ts) => host.machine.i32[(ts + T_PC) >> 2]!,
      pcs: (trace) => [trace],
      numberOf: (ts) => this.number(ts),
      address: (addr) => [aux(`Address 0x${addr.toString(16)} is somewhere`)],
      fresh: () => undefined,
      blockAt: () => null,
    });
  }

  /** State of thread n, from 1. */
  ts(n: number): number {
    return THREADS + (n - 1) * THREAD_STRIDE;
  }

  private number(ts: number): number {
    return (ts - THREADS) / THREAD_STRIDE + 1;
  }

  /** Thread n calls a wrapped function from pc, which gives this result. */
  call(n: number, name: string, args: readonly number[], result = 0, pc = 0): void {
    this.enter(n, name, args, pc);
    this.leave(n, name, args, result, pc);
  }

  enter(n: number, name: string, args: readonly number[], pc = 0): void {
    this.host.machine.i32[(this.ts(n) + T_PC) >> 2] = pc;
    this.wrap(name).pre?.({ ts: this.ts(n), arg: (i) => args[i] ?? 0 });
  }

  leave(n: number, name: string, args: readonly number[], result = 0, pc = 0): void {
    this.host.machine.i32[(this.ts(n) + T_PC) >> 2] = pc;
    this.wrap(name).post?.({ ts: this.ts(n), arg: (i) => args[i] ?? 0 }, result);
  }

  private wrap(name: string) {
    const wrap = this.tool.wraps.find((w) => w.names.includes(name));
    if (!wrap) throw new Error(`${name} is not wrapped`);
    return wrap;
  }

  /** First lines of what was found, since this was asked last. */
  news(): string[] {
    return this.found.splice(0).map((e) => {
      const what = e.describe().parts.find((p) => p.part === 'what');
      return what?.part === 'what' ? `${e.kind}: ${what.text.trim()}` : e.kind;
    });
  }

  /** Every sentence and stack of the newest finding. */
  text(): string[] {
    const parts = this.found.at(-1)?.describe().parts ?? [];
    return parts.flatMap((p) => {
      if (p.part === 'stack') return [`at ${p.pcs.join(' ')}`];
      return p.text === '' || p.text.startsWith('----') ? [] : [p.text];
    });
  }

  newEdges(): string[] {
    return this.edges.splice(0);
  }

  /** Addresses of the locks in the set that thread n has published. */
  lockSet(n: number): number[] {
    const set = this.host.machine.i32[(this.ts(n) + T_TOOL + 8) >> 2]!;
    return this.tool.lockSets.locksOf(set).map((l) => l.addr);
  }
}
