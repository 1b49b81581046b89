/** Client requests of helgrind (valgrind-facts 6.2): what a program says of its own synchronisation and memory. */
import type { Edges } from './edges.js';
import { userKey } from './edges.js';
import type { SyncState } from './sync.js';

const HG = 0x48470000;

/** What requests need besides the state of objects. */
export interface RequestEnv {
  readonly edges: Edges;
  /** Guest memory starts a new life. */
  fresh(addr: number, size: number): void;
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
  const { locks, conditions, semaphores, barriers, threads, misuse } = s;
  const { edges } = env;
  const table: Record<number, (ts: number, a: readonly number[]) => number | undefined | void> = {
    0x000: (_, a) => env.fresh(a[0]!, a[1]!),
    // Kept for the wrappers of Valgrind's own preloaded library: here functions are wrapped without it.
    0x101: (ts, a) => misuse.apiError(ts, 'a thread function', a[1]!),
    0x103: (ts, a) => locks.init(ts, a[0]!, 'mutex', a[1] !== 0),
    0x104: (ts, a) => locks.destroy(ts, a[0]!, 'mutex', a[1] !== 0),
    0x105: (ts, a) => locks.gives(ts, a[0]!, 'mutex'),
    0x106: () => undefined,
    0x107: (ts, a) => locks.wants(ts, a[0]!, 'mutex', a[1] !== 0),
    0x108: (ts, a) => locked(ts, a[0]!, 'mutex', true),
    0x109: (ts, a) => conditions.signals(ts, a[0]!),
    0x10a: (ts, a) => conditions.signals(ts, a[0]!),
    0x10d: (ts, a) => conditions.destroy(ts, a[0]!, a[1] !== 0),
    0x10e: (ts, a) => locks.init(ts, a[0]!, 'rwlock', false),
    0x10f: (ts, a) => locks.destroy(ts, a[0]!, 'rwlock', false),
    0x110: (ts, a) => locks.wants(ts, a[0]!, 'rwlock', a[2] !== 0),
    0x111: (ts, a) => locked(ts, a[0]!, 'rwlock', a[1] !== 0),
    0x112: (ts, a) => locks.gives(ts, a[0]!, 'rwlock'),
    0x113: () => undefined,
    0x114: (ts, a) => semaphores.init(ts, a[0]!, a[1]!),
    0x115: (ts, a) => semaphores.destroy(ts, a[0]!),
    0x116: (ts, a) => semaphores.posts(ts, a[0]!),
    0x117: (ts, a) => semaphores.took(ts, a[0]!),
    0x118: (ts, a) => barriers.init(ts, a[0]!, a[1]!, a[2]),
    0x119: (ts, a) => barriers.arrivesByRequest(ts, a[0]!),
    0x11a: (ts, a) => barriers.destroy(ts, a[0]!),
    0x11b: (ts, a) => locks.init(ts, a[0]!, 'spinlock', false),
    0x11c: () => undefined,
    0x11d: (ts, a) => locks.wants(ts, a[0]!, 'spinlock', a[1] !== 0),
    0x11e: (ts, a) => locked(ts, a[0]!, 'spinlock', true),
    0x11f: (ts, a) => locks.destroy(ts, a[0]!, 'spinlock', false),
    0x120: (ts, a) => unimplemented(ts, a[0]!),
    0x121: (ts, a) => edges.join(ts, userKey(a[0]!)),
    0x122: (ts, a) => edges.acquire(ts, userKey(a[0]!)),
    0x123: (ts, a) => edges.forget(ts, userKey(a[0]!)),
    0x127: (_, a) => env.checking(a[0]!, a[1]!, false),
    0x128: (_, a) => env.checking(a[0]!, a[1]!, true),
    0x129: (ts, a) => barriers.resize(ts, a[0]!, a[1]!),
    0x12a: (_, a) => cleanBlock(a[0]!),
    0x12b: (ts, a) => conditions.init(ts, a[0]!),
    0x12e: (_, a) => env.accessible(a[0]!, a[1]!, a[2]!),
  };
  void threads;

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
    misuse.misc(ts, `Warning: an annotation that is not implemented was used: ${text(s, name)}`);
  }

  return new Map(Object.entries(table).map(([n, fn]) => [HG + Number(n), (ts: number, a: readonly number[]) => fn(ts, a) ?? undefined]));
}

/** A string of the guest's, at most 100 bytes of it. */
function text(s: SyncState, addr: number): string {
  let out = '';
  for (let i = 0; i < 100; i++) {
    const word = s.word(addr + i - ((addr + i) % 8));
    if (word === null) break;
    const byte = Math.floor((word < 0 ? word + 2 ** 64 : word) / 2 ** (8 * ((addr + i) % 8))) % 256;
    if (byte === 0) break;
    out += String.fromCharCode(byte);
  }
  return out;
}
