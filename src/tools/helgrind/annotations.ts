/** Client requests of helgrind (valgrind-facts 6.2): what a program says of its own synchronisation and memory. */
import type { Edges } from './edges.js';
import { userKey } from './edges.js';
import type { SyncState } from './sync.js';

const HG = 0x48470000;
/** Requests of DRD that its header has for annotations which Helgrind's leaves out. */
const DR_RECORD_LOADS = 0x44520006;
const DR_RECORD_STORES = 0x44520007;

/** What requests need besides the state of objects. */
export interface RequestEnv {
  readonly edges: Edges;
  /** Guest memory starts a new life. */
  fresh(addr: number, size: number): void;
  /** A string of the guest's, at most 100 bytes of it. */
  text(addr: number): string;
  /** The thread's reads or writes are recorded, or not for now; pairs nest. */
  recording(ts: number, what: 'reads' | 'writes', on: boolean): void;
  /** Accesses to guest memory are checked, or not any more. */
  checking(addr: number, size: number, on: boolean): void;
  /** Size of the heap block that begins at, or holds, an address; 0 for none. */
  blockAt(addr: number): { start: number; size: number } | null;
  /** How many bytes of [addr, addr + size) are accessible; writes one byte for each to `bits` unless it is 0. */
  accessible(addr: number, bits: number, size: number): number;
  numberOf(ts: number): number;
}

export type Request = (ts: number, a: readonly number[]) => number | undefined;

/** The requests, by number. A result of undefined leaves the program's default answer. */
export function requests(s: SyncState, env: RequestEnv): ReadonlyMap<number, Request> {
  const { locks, conditions, semaphores, barriers, misuse } = s;
  const { edges } = env;
  const table: Record<number, (ts: number, a: readonly number[]) => unknown> = {
    0: (_, a) => env.fresh(a[0]!, a[1]!),
    // Kept for the wrappers of Valgrind's own preloaded library: here functions are wrapped without it.
    257: (ts, a) => misuse.apiError(ts, 'a thread function', a[1]!),
    259: (ts, a) => locks.init(ts, a[0]!, 'mutex', a[1] !== 0),
    260: (ts, a) => locks.destroy(ts, a[0]!, 'mutex', a[1] !== 0),
    261: (ts, a) => locks.gives(ts, a[0]!, 'mutex'),
    262: () => undefined,
    263: (ts, a) => locks.wants(ts, a[0]!, 'mutex', a[1] !== 0),
    264: (ts, a) => locked(ts, a[0]!, 'mutex', true),
    265: (ts, a) => conditions.signals(ts, a[0]!),
    266: (ts, a) => conditions.signals(ts, a[0]!),
    269: (ts, a) => conditions.destroy(ts, a[0]!, a[1] !== 0),
    270: (ts, a) => locks.init(ts, a[0]!, 'rwlock', false),
    271: (ts, a) => locks.destroy(ts, a[0]!, 'rwlock', false),
    272: (ts, a) => locks.wants(ts, a[0]!, 'rwlock', a[2] !== 0),
    273: (ts, a) => locked(ts, a[0]!, 'rwlock', a[1] !== 0),
    274: (ts, a) => locks.gives(ts, a[0]!, 'rwlock'),
    275: () => undefined,
    276: (ts, a) => semaphores.init(ts, a[0]!, a[1]!),
    277: (ts, a) => semaphores.destroy(ts, a[0]!),
    278: (ts, a) => semaphores.posts(ts, a[0]!),
    279: (ts, a) => semaphores.took(ts, a[0]!),
    280: (ts, a) => barriers.init(ts, a[0]!, a[1]!, a[2]),
    281: (ts, a) => barriers.arrivesByRequest(ts, a[0]!),
    282: (ts, a) => barriers.destroy(ts, a[0]!),
    283: (ts, a) => locks.init(ts, a[0]!, 'spinlock', false),
    284: () => undefined,
    285: (ts, a) => locks.wants(ts, a[0]!, 'spinlock', a[1] !== 0),
    286: (ts, a) => locked(ts, a[0]!, 'spinlock', true),
    287: (ts, a) => locks.destroy(ts, a[0]!, 'spinlock', false),
    288: (ts, a) => unimplemented(ts, a[0]!),
    289: (ts, a) => edges.join(ts, userKey(a[0]!)),
    290: (ts, a) => edges.acquire(ts, userKey(a[0]!)),
    291: (ts, a) => edges.forget(ts, userKey(a[0]!)),
    295: (_, a) => env.checking(a[0]!, a[1]!, false),
    296: (_, a) => env.checking(a[0]!, a[1]!, true),
    297: (ts, a) => barriers.resize(ts, a[0]!, a[1]!),
    298: (_, a) => cleanBlock(a[0]!),
    299: (ts, a) => conditions.init(ts, a[0]!),
    302: (_, a) => env.accessible(a[0]!, a[1]!, a[2]!),
  };
  function locked(ts: number, addr: number, kind: 'mutex' | 'rwlock' | 'spinlock', writes: boolean): void {
    locks.waited(ts);
    locks.took(ts, addr, kind, writes);
  }

  /** Size of the block cleaned; -1 when there is none. */
  function cleanBlock(addr: number): number {
    const block = env.blockAt(addr);
    if (block === null) return -1;
    env.fresh(block.start, block.size);
    return block.size;
  }

  function unimplemented(ts: number, name: number): void {
    misuse.misc(ts, `Unimplemented client request macro "${env.text(name)}"`);
  }

  table[DR_RECORD_LOADS - HG] = (ts, a) => env.recording(ts, 'reads', a[0] !== 0);
  table[DR_RECORD_STORES - HG] = (ts, a) => env.recording(ts, 'writes', a[0] !== 0);

  return new Map(
    Object.entries(table).map(([n, fn]): [number, Request] => [
      HG + Number(n),
      (ts, a) => {
        const answer = fn(ts, a);
        return typeof answer === 'number' ? answer : undefined;
      },
    ]),
  );
}
