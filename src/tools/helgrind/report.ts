/** Race reports, in Valgrind's words and order (valgrind-facts 9.2). */
import { T_SCRATCH, T_TOOL, TOOL_AREA } from '../../../kernel/core/layout.js';
import type { ToolHost } from '../api.js';
import { aux, line, type Part, stack, type ThreadNote, what } from '../errors.js';
import type { LockSets, SetLock } from './lock-sets.js';
import type { Tables, ThreadRecord } from './tables.js';

/** Traces live in the node table of src/rt/callstack.ts: key = pc << 22 | parent << 1 | 1. */
const NODES = TOOL_AREA;
/** Nodes with a pc below this carry a lock set number. */
const FIRST_PC = 65536;
const HISTORY_FRAMES = 8;

interface Trace {
  pcs: number[];
  lockSet: number;
}

export class RaceReport {
  constructor(
    private readonly host: ToolHost,
    private readonly tables: Tables,
    private readonly lockSets: LockSets,
  ) {}

  /** The access described by the arguments races with the one whose cell lies in T_SCRATCH. */
  race(ts: number, hostAddr: number, size: number, write: boolean, traceNode: number): void {
    const { u32 } = this.host.machine;
    const lo = u32[(ts + T_SCRATCH) >> 2]!;
    const hi = u32[(ts + T_SCRATCH + 4) >> 2]!;
    const now = this.expand(traceNode);
    const then = this.expand(lo & 0x1fffff);
    const wasWrite = (lo & 0x200000) !== 0;
    const slot = ((hi << 2) | (lo >>> 30)) & 0x3ff;
    const clock = hi >>> 8;
    const before = this.tables.threadAt(slot, clock);
    const me = this.tables.threadAt(...this.ownEpoch(ts));
    const addr = this.host.memory.guest(hostAddr);
    this.host.errors.report({
      kind: 'Race',
      same: `${size} ${write ? 'w' : 'r'}`,
      ts,
      pcs: now.pcs,
      describe: () => ({
        threads: [this.note(me), this.note(before)],
        parts: [
          line('----------------------------------------------------------------'),
          line(),
          ...this.lockNotes([...this.lockSets.locksOf(now.lockSet), ...this.lockSets.locksOf(then.lockSet)]),
          what(
            `Possible data race during ${write ? 'write' : 'read'} of size ${size} at ${hex(addr)} by thread #${me.number}`,
            { facts: [['hthreadid', me.number]] },
          ),
          this.locks(now.lockSet),
          stack(now.pcs),
          line(),
          aux(
            `This conflicts with a previous ${wasWrite ? 'write' : 'read'} of size ${maskSize(lo)} by thread #${before.number}`,
            { indent: 0, facts: [['hthreadid', before.number]] },
          ),
          this.locks(then.lockSet),
          stack(then.pcs, { most: HISTORY_FRAMES }),
          aux(this.describe(addr)),
        ],
      }),
    });
  }

  private ownEpoch(ts: number): [number, number] {
    const { u32 } = this.host.machine;
    // The thread's tag is in its first tool words: clock in bits 40.., slot in bits 30...
    const lo = u32[(ts + T_TOOL) >> 2]!;
    const hi = u32[(ts + T_TOOL + 4) >> 2]!;
    return [((hi << 2) | (lo >>> 30)) & 0x3ff, hi >>> 8];
  }

  /** Program counters of a trace, innermost first. */
  private expand(node: number): Trace {
    const pcs: number[] = [];
    let lockSet = 0;
    for (let n = node; n !== 0 && pcs.length < 500; ) {
      const key = BigInt.asUintN(64, this.host.machine.i64[(NODES >> 3) + n]!);
      const pc = Number(key >> 22n);
      if (pc < FIRST_PC) lockSet = pc;
      else pcs.push(pc);
      n = Number((key >> 1n) & 0x1fffffn);
    }
    return { pcs, lockSet };
  }

  private note(t: ThreadRecord): ThreadNote {
    return { number: t.number, created: t.number === 1 ? null : this.expand(t.created).pcs };
  }

  /** Program counters of a trace, innermost first. */
  pcs(node: number): number[] {
    return this.expand(node).pcs;
  }

  /** In the text only, before the error: where each lock was first seen. */
  private lockNotes(locks: readonly SetLock[]): Part[] {
    return [...new Map(locks.map((l) => [l.id, l])).values()].flatMap((l) => [
      aux(`Lock at ${hex(l.addr)} was first observed`, { only: 'text' }),
      stack(this.pcs(l.seen), { only: 'text' }),
      aux(this.describe(l.addr), { only: 'text' }),
      line(),
    ]);
  }

  private locks(set: number): Part {
    const held = this.lockSets.locksOf(set);
    if (held.length === 0) return line('Locks held: none');
    return line(
      `Locks held: ${held.length}, at address${held.length > 1 ? 'es' : ''} ${held.map((l) => hex(l.addr)).join(' ')}`,
    );
  }

  /** Where an address lies, in a sentence. */
  describe(addr: number): string {
    const data = this.host.symbols.dataAt(addr);
    // Valgrind writes this address in lower case and all others in upper case.
    const at = `Address 0x${addr.toString(16)} is`;
    if (data) return `${at} ${addr - data.addr} bytes inside data symbol "${data.name}"`;
    return `${at} ${this.host.memory.describe(addr)}`;
  }
}

function hex(v: number): string {
  return `0x${v.toString(16).toUpperCase()}`;
}

/** Number of bytes that a cell's access touched. */
function maskSize(lo: number): number {
  let mask = (lo >>> 22) & 0xff;
  let n = 0;
  for (; mask !== 0; mask >>= 1) n += mask & 1;
  return n;
}
