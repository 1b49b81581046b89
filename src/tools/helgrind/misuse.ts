/** Reports about synchronisation, in Valgrind's words (valgrind-facts 9.5). */
import type { ToolHost } from '../api.js';
import { aux, type FoundError, line, type Part, stack, type ThreadNote, what } from '../errors.js';
import type { Violation } from './lock-order.js';
import type { Kind, Objects } from './objects.js';
import { O_SEEN } from './objects.js';

/** What reports need from the rest of the tool. */
export interface Reporter {
  readonly host: ToolHost;
  readonly objects: Objects;
  /** Interned trace of a thread where it is. */
  trace(ts: number): number;
  /** Program counters of an interned trace. */
  pcs(trace: number): number[];
  numberOf(ts: number): number;
  note(thread: number): ThreadNote;
  /** What lies at an address. */
  address(addr: number): readonly Part[];
}

export class Misuse {
  constructor(private readonly r: Reporter) {}

  /** One finding: kind as in suppressions, text, and what else the report shows, behind the stack of ts. */
  find(
    ts: number,
    kind: string,
    text: string,
    more: () => readonly Part[] = () => [],
    others: readonly number[] = [],
  ): void {
    const { r } = this;
    const me = r.numberOf(ts);
    const pcs = r.pcs(r.trace(ts));
    const sentences = text.split('\n');
    const found: FoundError = {
      kind,
      same: text.replace(/0x[0-9A-F]+/g, ''),
      ts,
      pcs,
      describe: () => ({
        threads: [me, ...others].map((n) => r.note(n)),
        parts: [
          ...SEPARATOR,
          what(sentences[0]!, { facts: [['hthreadid', me]] }),
          ...sentences.slice(1).map((s) => line(s)),
          stack(pcs),
          ...more(),
        ],
      }),
    };
    r.host.errors.report(found);
  }

  /** `Thread #N: text`. */
  misc(ts: number, text: string, more?: () => readonly Part[]): void {
    this.find(ts, 'Misc', `Thread #${this.r.numberOf(ts)}: ${text}`, more);
  }

  /** A thread library call came back with an error number. */
  apiError(ts: number, fn: string, code: number): void {
    this.find(
      ts,
      'PthAPIerror',
      `Thread #${this.r.numberOf(ts)}'s call to ${fn} failed\n   with error code ${code} (${errorText(code)})`,
    );
  }

  /** Memory is given back with a held lock in it. */
  freesHeld(ts: number, lock: number): void {
    const text = `Thread #${this.r.numberOf(ts)} deallocated location ${hex(this.r.objects.addr(lock))} containing a locked lock`;
    this.find(ts, 'FreeMemLock', text, () => this.lock(lock));
  }

  unlockUnlocked(ts: number, lock: number): void {
    const text = `Thread #${this.r.numberOf(ts)} unlocked a not-locked lock at ${hex(this.r.objects.addr(lock))}`;
    this.find(ts, 'UnlockUnlocked', text, () => this.lock(lock));
  }

  unlockForeign(ts: number, lock: number, owner: number): void {
    const text = `Thread #${this.r.numberOf(ts)} unlocked lock at ${hex(this.r.objects.addr(lock))} currently held by thread #${owner}`;
    this.find(ts, 'UnlockForeign', text, () => this.lock(lock), [owner]);
  }

  unlockBogus(ts: number, addr: number): void {
    const text = `Thread #${this.r.numberOf(ts)} unlocked an invalid lock at ${hex(addr)}`;
    this.find(ts, 'UnlockBogus', text, () => this.r.address(addr));
  }

  /** `wanted` is asked for while a lock is held that was taken after it before. */
  lockOrder(ts: number, wanted: number, v: Violation): void {
    const { r } = this;
    const want = hex(r.objects.addr(wanted));
    const had = hex(r.objects.addr(v.held.object));
    const text = `Thread #${r.numberOf(ts)}: lock order "${want} before ${had}" violated`;
    const now = r.pcs(r.trace(ts));
    const found: FoundError = {
      kind: 'LockOrder',
      ts,
      pcs: now,
      describe: () => ({
        threads: [r.note(r.numberOf(ts))],
        parts: [
          ...SEPARATOR,
          what(text, { facts: [['hthreadid', r.numberOf(ts)]] }),
          line(),
          aux(`Observed (incorrect) order is: acquisition of lock at ${had}`, { indent: 0 }),
          stack(r.pcs(v.held.trace)),
          line(),
          aux(`followed by a later acquisition of lock at ${want}`),
          stack(now),
          ...v.path.flatMap((step, i) => [
            line(),
            aux(
              `${i === 0 ? 'Required' : 'and this'} order was established by acquisition of lock at ${hex(r.objects.addr(step.from))}`,
              { indent: i === 0 ? 0 : 1 },
            ),
            stack(r.pcs(step.first)),
            line(),
            aux(`followed by a later acquisition of lock at ${hex(r.objects.addr(step.to))}`),
            stack(r.pcs(step.second)),
          ]),
          line(),
          ...[...new Set([wanted, ...v.path.map((s) => s.to)])].flatMap((l) => this.lock(l)),
        ],
      }),
    };
    r.host.errors.report(found);
  }

  /** Where a lock was first seen, and what lies there. */
  lock(object: number): Part[] {
    const { r } = this;
    return [
      aux(`${NOUN[r.objects.kind(object)]} at ${hex(r.objects.addr(object))} was first observed`),
      stack(r.pcs(r.objects.get(object, O_SEEN))),
      ...r.address(r.objects.addr(object)),
      line(),
    ];
  }
}

const SEPARATOR: readonly Part[] = [
  line('----------------------------------------------------------------'),
  line(),
];

const NOUN: Readonly<Record<Kind, string>> = {
  mutex: 'Lock',
  rwlock: 'Lock',
  spinlock: 'Lock',
  cond: 'Condition variable',
  semaphore: 'Semaphore',
  barrier: 'Barrier',
};

export function hex(v: number): string {
  return `0x${v.toString(16).toUpperCase()}`;
}

/** Error numbers that thread functions return (pthreads(7) and the calls' own pages), with what they mean. */
const MEANINGS: Readonly<Record<number, string>> = {
  1: 'EPERM: Operation not permitted',
  3: 'ESRCH: No such process',
  4: 'EINTR: Interrupted system call',
  11: 'EAGAIN: Try again',
  12: 'ENOMEM: Out of memory',
  14: 'EFAULT: Bad address',
  16: 'EBUSY: Device or resource busy',
  22: 'EINVAL: Invalid argument',
  35: 'EDEADLK: Resource deadlock would occur',
  38: 'ENOSYS: Function not implemented',
  75: 'EOVERFLOW: Value too large for defined data type',
  95: 'EOPNOTSUPP: Operation not supported on transport endpoint',
  110: 'ETIMEDOUT: Connection timed out',
  130: 'EOWNERDEAD: Owner died',
  131: 'ENOTRECOVERABLE: State not recoverable',
};

function errorText(code: number): string {
  return MEANINGS[code] ?? `error ${code}`;
}
