/** All of helgrind that is about synchronisation rather than about accesses, on one worker. */
import { G_EXITING, T_TID, T_X, THREADS } from '../../../kernel/core/layout.js';
import type { Awaited, ToolHost, Wrap } from '../api.js';
import type { Part } from '../errors.js';
import { type Request, type RequestEnv, requests } from './annotations.js';
import { awaits } from './awaits.js';
import { Barriers } from './barriers.js';
import { Conditions } from './conditions.js';
import { Creations } from './creations.js';
import { Edges } from './edges.js';
import { Held } from './held.js';
import { Libc } from './libc.js';
import { LockOrder } from './lock-order.js';
import { LockSets } from './lock-sets.js';
import { type LockEnv, Locks } from './locks.js';
import { Misuse } from './misuse.js';
import { O_OWNER, O_READERS, Objects } from './objects.js';
import { RawSync, SYS_FUTEX } from './raw-sync.js';
import { Semaphores } from './semaphores.js';
import { pthreadWraps, type SyncState } from './sync.js';
import type { Tables } from './tables.js';
import { type Created, Threads } from './threads.js';
import { Undestroyed } from './undestroyed.js';

const SYS_EXIT_GROUP = 94;
/** Longest text of the guest's that is quoted. */
const TEXT_MAX = 100;

/** Kinds of errors found here, for suppressions. */
export const SYNC_KINDS = {
  FreeMemLock: 'plain',
  UnlockUnlocked: 'plain',
  UnlockForeign: 'plain',
  UnlockBogus: 'plain',
  PthAPIerror: 'plain',
  LockOrder: 'plain',
  Misc: 'plain',
  Dubious: 'plain',
  HoldtimeErr: 'plain',
  Deadlock: 'plain',
} as const;

/** What the rest of helgrind gives. */
export interface SyncHost {
  readonly host: ToolHost;
  readonly tables: Tables;
  /** Per-thread word with the number of the set of locks held. */
  readonly lockSetWord: number;
  trace(ts: number): number;
  pcs(trace: number): number[];
  numberOf(ts: number): number;
  address(addr: number): readonly Part[];
  fresh(addr: number, size: number): void;
  blockAt(addr: number): { start: number; size: number } | null;
}

export class SyncTool implements SyncState {
  readonly objects: Objects;
  readonly lockSets: LockSets;
  readonly held: Held;
  readonly locks: Locks;
  readonly conditions: Conditions;
  readonly semaphores: Semaphores;
  readonly barriers: Barriers;
  readonly threads: Threads;
  readonly misuse: Misuse;
  readonly undestroyed: Undestroyed;
  readonly wraps: readonly Wrap[];
  private readonly raw: RawSync;
  private readonly requests: ReadonlyMap<number, Request>;
  private created: Created = { tid: 0, tp: 0 };
  private readonly creations: Creations;

  constructor(private readonly h: SyncHost) {
    const { host } = h;
    const { machine, options } = host;
    this.objects = new Objects(machine);
    this.lockSets = new LockSets(machine, this.objects);
    this.held = new Held(machine, this.objects, (ts) => h.numberOf(ts));
    const edges = new Edges(host);
    const libc = new Libc(host);
    this.creations = new Creations(machine);
    this.misuse = new Misuse({
      host,
      objects: this.objects,
      trace: (ts) => h.trace(ts),
      pcs: (trace) => h.pcs(trace),
      numberOf: (ts) => h.numberOf(ts),
      note: (number) => ({ number, created: number === 1 ? null : h.pcs(this.creations.traceOf(number)) }),
      address: (addr) => h.address(addr),
    });
    this.undestroyed = new Undestroyed({
      objects: this.objects,
      option: options['track-destroy'] ?? 'no',
      user: (text) => host.log.user(text),
      traceLines: (trace) => host.symbols.traceLines(h.pcs(trace)),
    });
    const env: LockEnv = {
      objects: this.objects,
      held: this.held,
      sets: this.lockSets,
      order: options['track-lockorders'] === 'no' ? null : new LockOrder(machine, this.objects),
      edges,
      misuse: this.misuse,
      undestroyed: this.undestroyed,
      thresholds: {
        exclusive: threshold(options['exclusive-threshold']),
        shared: threshold(options['shared-threshold']),
      },
      trace: (ts) => h.trace(ts),
      pcs: (trace) => h.pcs(trace),
      numberOf: (ts) => h.numberOf(ts),
      publish: (ts, set) => {
        machine.i32[(ts + h.lockSetWord) >> 2] = set;
      },
      published: (ts) => machine.i32[(ts + h.lockSetWord) >> 2]!,
      recursive: (addr) => libc.recursive(addr),
      byProgram: (trace) => {
        // Above the function itself is who called it.
        const caller = h.pcs(trace)[1];
        return caller === undefined || host.symbols.isUserCode(caller);
      },
      now: () => Number(process.hrtime.bigint() / 1000n) / 1000,
    };
    this.locks = new Locks(env);
    this.conditions = new Conditions(env, this.locks, options['check-cond-signal-mutex'] === 'yes');
    this.semaphores = new Semaphores(env);
    this.barriers = new Barriers(machine, env);
    this.threads = new Threads(machine, env, h.tables, () => this.identity(THREADS));
    this.raw = new RawSync(host, edges);
    this.wraps = pthreadWraps(this, edges);
    this.requests = requests(this, this.requestEnv(edges));
  }

  private requestEnv(edges: Edges): RequestEnv {
    const { h } = this;
    const { host } = h;
    return {
      edges,
      fresh: (addr, size) => h.fresh(addr, size),
      text: (addr) => this.text(addr),
      recording: (ts, what, on) => {
        const n = on ? -1 : 1;
        host.rt['hg_ignore']?.(ts, what === 'reads' ? n : 0, what === 'writes' ? n : 0);
      },
      checking: (addr, size, on) =>
        this.pieces(addr, size, (at, n) => host.rt['hg_checking']?.(at, n, on ? 1 : 0)),
      blockAt: (addr) => h.blockAt(addr),
      accessible: (addr, bits, size) => this.accessible(addr, bits, size),
      numberOf: (ts) => h.numberOf(ts),
    };
  }

  /** The parts of guest memory that are present, as host ranges. */
  private pieces(addr: number, size: number, fn: (host: number, size: number) => void): void {
    const { memory } = this.h.host;
    for (let p = addr; p < addr + size; ) {
      const end = Math.min(addr + size, p - (p % 4096) + 4096);
      // A page that nobody has touched yet has to be there before it can be marked.
      memory.word(p - (p % 8));
      const at = memory.host(p);
      if (at !== 0) fn(at, end - p);
      p = end;
    }
  }

  private text(addr: number): string {
    let out = '';
    this.pieces(addr, TEXT_MAX, (at, n) => {
      for (let i = 0; i < n && !out.endsWith('\0'); i++)
        out += String.fromCharCode(this.h.host.machine.u8[at + i]!);
    });
    return out.replace(/\0.*/s, '');
  }

  private accessible(addr: number, bits: number, size: number): number {
    const { memory, machine } = this.h.host;
    let n = 0;
    for (let i = 0; i < size; i++) {
      const there = memory.word(addr + i - ((addr + i) % 8)) !== null;
      if (there) n++;
      if (bits === 0) continue;
      memory.word(bits + i - ((bits + i) % 8));
      const to = memory.host(bits + i);
      if (to !== 0) machine.u8[to] = there ? 0xff : 0;
    }
    return n;
  }

  word(addr: number): number | null {
    return this.h.host.memory.word(addr);
  }

  wrapAt(addr: number, wrap: Wrap): void {
    this.h.host.wrapAt(addr, wrap);
  }

  lastCreated(): Created {
    return this.created;
  }

  creates(ts: number, begins: boolean): void {
    const { host } = this.h;
    if (host.options['ignore-thread-creation'] !== 'yes') return;
    const n = begins ? 1 : -1;
    host.rt['hg_ignore']!(ts, n, n);
  }

  private identity(ts: number): Created {
    const { i32, u32 } = this.h.host.machine;
    const at = (ts + T_X + 4 * 8) >> 2;
    return { tid: i32[(ts + T_TID) >> 2]!, tp: i32[at + 1]! * 4294967296 + u32[at]! };
  }

  /** The thread on this worker made another one. */
  threadCreated(child: number, number: number, trace: number): void {
    this.created = this.identity(child);
    this.creations.add(number, trace);
  }

  threadEnds(ts: number): void {
    // A thread that ends because the process does was not asked to give anything back.
    if (Atomics.load(this.h.host.machine.i32, G_EXITING >> 2) === 0) this.locks.threadEnds(ts);
    this.raw.threadEnds(ts);
    this.threads.ends(ts, this.h.host.machine.i32[(ts + T_TID) >> 2]!);
  }

  awaits(ts: number): Awaited | null {
    return awaits(this.h, this.objects, this.held, ts);
  }

  request(ts: number, request: number, args: readonly number[]): number | undefined {
    return this.requests.get(request)?.(ts, args);
  }

  beforeSyscall(ts: number, nr: number): void {
    if (nr === SYS_FUTEX) this.raw.before(ts);
    else if (nr === SYS_EXIT_GROUP) this.locks.threadEnds(ts);
  }

  afterSyscall(ts: number, nr: number): void {
    if (nr === SYS_FUTEX) this.raw.after(ts);
  }

  /** Guest memory [lo, hi) is given back: what lies there is gone. */
  forget(ts: number, lo: number, hi: number): void {
    for (const o of this.objects.within(lo, hi)) {
      const owned = this.objects.get(o, O_OWNER) !== 0 || this.objects.get(o, O_READERS) > 0;
      if (owned) this.misuse.freesHeld(ts, o);
      this.objects.drop(o);
    }
  }
}

/** A time limit option in ms; none when it is not given. */
function threshold(value: string | undefined): number {
  return value === undefined || value === '' || value === 'no' ? Infinity : Number(value);
}
