/** Race reports, in Valgrind's words and order (valgrind-facts 9.2). */
import { T_SCRATCH } from '../../../kernel/core/layout.js';
import type { ToolHost } from '../api.js';
import { aux, line, type Part, stack, type ThreadNote, what } from '../errors.js';
import type { Addresses } from './addresses.js';
import {
  accessSize,
  type Cell,
  ownerOf,
  readCell,
  readTrace,
  type ThreadRecord,
  type Trace,
} from './cells.js';
import { HG_CREATED, HG_NUMBER, TRACE_FIRST } from './layout.js';
import type { LockSets, SetLock } from './lock-sets.js';
import { type Place, segmentOf } from './segments.js';

const PLACES_MAX = 4096;

/** An address that raced, and the sentences about it. */
interface Site {
  addr: number;
  parts: Part[];
}

export class RaceReport {
  /** Of the races found on this worker, by traces and kinds of access. */
  private readonly places = new Map<string, Site>();
  private readonly level: string;
  /** Frames shown of an earlier access. */
  private readonly frames: number;
  /** Races are told apart by their addresses too. */
  private readonly byAddress: boolean;

  constructor(
    private readonly host: ToolHost,
    private readonly lockSets: LockSets,
    private readonly addresses: Addresses,
  ) {
    const { options } = host;
    this.level = options['history-level'] ?? 'full';
    this.frames = Number(options['history-backtrace-size'] ?? 8);
    this.byAddress = options['cmp-race-err-addrs'] === 'yes';
  }

  /** The access described by the arguments races with the one whose cell lies in T_SCRATCH. */
  race(ts: number, hostAddr: number, size: number, write: boolean, traceNode: number): void {
    const { machine } = this.host;
    const { u32 } = machine;
    const cell = readCell(u32[(ts + T_SCRATCH) >> 2]!, u32[(ts + T_SCRATCH + 4) >> 2]!);
    const now = readTrace(machine, traceNode);
    const then = readTrace(machine, cell.trace);
    const before = ownerOf(machine, cell.index, cell.clock);
    const me = { number: u32[(ts + HG_NUMBER) >> 2]!, created: u32[(ts + HG_CREATED) >> 2]! };
    const kinds = `${size} ${write ? 'w' : 'r'}`;
    // Found out before the report is asked for: that must not look at mappings.
    const key = `${traceNode} ${cell.trace} ${kinds} ${cell.write} ${this.byAddress ? hostAddr : ''}`;
    const place = this.places.get(key) ?? this.placeOf(ts, hostAddr, now.pcs[0] ?? 0);
    if (this.places.size < PLACES_MAX) this.places.set(key, place);
    const { addr } = place;
    this.host.errors.report({
      kind: 'Race',
      same: this.byAddress ? `${kinds} ${hex(addr)}` : kinds,
      ts,
      pcs: now.pcs,
      describe: () => ({
        threads: [this.note(me), ...(this.level === 'none' ? [] : [this.note(before)])],
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
          ...this.earlier(cell, before.number, then),
          ...place.parts,
        ],
      }),
    });
  }

  /** What is known of the earlier access, by history level. */
  private earlier(cell: Cell, thread: number, then: Trace): Part[] {
    const facts: [string, number][] = [['hthreadid', thread]];
    if (this.level === 'none') return [];
    if (this.level === 'approx') {
      const { after, before } = segmentOf(this.host.machine, cell.index, cell.clock);
      return [
        aux(`This conflicts with a previous access by thread #${thread}, after`, { facts }),
        this.boundary(after),
        aux('but before'),
        this.boundary(before),
      ];
    }
    const size = accessSize(cell, this.codeAt(then.pcs[0]));
    return [
      line(),
      aux(
        `This conflicts with a previous ${cell.write ? 'write' : 'read'} of size ${size} by thread #${thread}`,
        { indent: 0, facts },
      ),
      // Without a trace, because of --conflict-cache-size, the locks are not known either.
      ...(cell.trace < TRACE_FIRST ? [] : [this.locks(then.lockSet), stack(then.pcs, { most: this.frames })]),
    ];
  }

  /** Where a stretch of a thread's life began or ended. */
  private boundary(place: Place): Part {
    if (typeof place === 'number') return stack(this.pcs(place), { most: this.frames });
    const words = place === 'forgotten' ? 'a place that is not kept any more' : `the ${place} of the thread`;
    return aux(`(${words})`, { indent: 3 });
  }

  private placeOf(ts: number, host: number, pc: number): Site {
    const addr = this.host.memory.guest(host);
    return { addr, parts: this.addresses.describe(addr, ts, pc) };
  }

  /** The four bytes at a pc, null where they cannot be read. */
  private codeAt(pc: number | undefined): number | null {
    if (pc === undefined) return null;
    const at = this.host.memory.host(pc);
    const next = this.host.memory.host(pc + 2);
    if (at === 0) return null;
    const { u16 } = this.host.machine;
    return u16[at >>> 1]! | (next === 0 ? 0 : u16[next >>> 1]! << 16);
  }

  private note(t: ThreadRecord): ThreadNote {
    return { number: t.number, created: t.number === 1 ? null : this.pcs(t.created) };
  }

  /** Program counters of a trace, innermost first. */
  pcs(node: number): number[] {
    return readTrace(this.host.machine, node).pcs;
  }

  /** In the text only, before the error: where each lock was first seen. */
  private lockNotes(locks: readonly SetLock[]): Part[] {
    return [...new Map(locks.map((l) => [l.id, l])).values()].flatMap((l) => [
      aux(`Lock at ${hex(l.addr)} was first observed`, { only: 'text' }),
      stack(this.pcs(l.seen), { only: 'text' }),
      ...this.addresses.describe(l.addr).map((p) => ({ ...p, only: 'text' as const })),
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
}

function hex(v: number): string {
  return `0x${v.toString(16).toUpperCase()}`;
}
