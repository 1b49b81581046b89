/**
 * Futexes: 256 buckets of waiting threads in shared memory.
 *
 * A bucket is 64 bytes at G_FUTEX_BUCKETS: its lock (sync/mutex) at 0, first and last waiter (thread state
 * addresses, 0 = none) at 48 and 52. Waiters are linked through T_FUTEX_NEXT in order of arrival. A waiter's
 * T_FUTEX_* words belong to the lock of the bucket that its key hashes to; it sleeps on its own T_FUTEX_STATE, so
 * it can be moved to another bucket without waking.
 *
 * The guest's word is compared under the bucket lock. A waker first changes the word and then takes that lock: it
 * either finds the waiter queued, or the waiter sees the changed word. No wake-up is lost.
 *
 * Lock order: of two buckets the lower address first. Guest pages are touched before a bucket is locked.
 */
import type { AddressSpace } from '../core/address-space.js';
import type { GuestMem } from '../core/guest-mem.js';
import {
  G_FUTEX_BUCKETS,
  T_FUTEX_ADDR,
  T_FUTEX_BITSET,
  T_FUTEX_KEY,
  T_FUTEX_NEXT,
  T_FUTEX_STATE,
  T_TASK,
  T_TID,
} from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import { RF_SHARED } from '../core/regions.js';
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from './abi.js';
import type { ThreadServices } from './env.js';
import { EAGAIN, EDEADLK, EINVAL, ENOSYS, EPERM, ETIMEDOUT } from './errno.js';
import { SysError } from './error.js';
import { lockWord, unlockWord } from './lock.js';
import { Stuck } from './stuck.js';
import type { Sleeper } from './wait.js';

const BUCKETS = 256;
const B_HEAD = 48;
const B_TAIL = 52;

const STATE_IDLE = 0;
const STATE_WAITING = 1;
const STATE_WOKEN = 2;

/** Key classes, in the low bits of T_FUTEX_KEY; the task id lies above them. */
const KEY_PRIVATE = 1;
const KEY_ANONYMOUS = 2;
const KEY_FRAME = 3;
/** Waits for a PI lock never mix with plain waits. */
const KEY_PI = 4;

export const MATCH_ANY = -1;

/** What wait() answers besides an error number: the thread has to end, or a signal came. */
export type WaitEnd = number | 'exit' | 'signal';

interface Key {
  /** Class and task. */
  tag: number;
  /** Guest address, or host address for KEY_FRAME. */
  where: number;
}

export class FutexTable {
  readonly #machine: Machine;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #mem: GuestMem;
  readonly #space: AddressSpace;
  readonly #sleeper: Sleeper;
  readonly #stuck: Stuck;

  constructor(
    machine: Machine,
    mem: GuestMem,
    space: AddressSpace,
    sleeper: Sleeper,
    threads: ThreadServices,
  ) {
    this.#machine = machine;
    this.#i32 = machine.i32;
    this.#f64 = machine.f64;
    this.#mem = mem;
    this.#space = space;
    this.#sleeper = sleeper;
    this.#stuck = new Stuck(machine, threads, STATE_WAITING);
  }

  /**
   * FUTEX_WAIT and FUTEX_WAIT_BITSET.
   *
   * @param deadline monotonic ms, Infinity for none.
   * @returns 0 or -errno (EAGAIN, ETIMEDOUT, EINVAL), or why the wait was left.
   * @throws GuestFault when the word cannot be read.
   */
  wait(ts: number, addr: number, shared: boolean, value: number, bitset: number, deadline: number): WaitEnd {
    if (bitset === 0) return -EINVAL;
    const key = this.#key(ts, addr, shared, 0);
    const host = this.#word(addr, false);
    const bucket = bucketOf(key.tag, key.where);
    lockWord(this.#machine, bucket);
    if (Atomics.load(this.#i32, host >>> 2) !== value) {
      unlockWord(this.#machine, bucket);
      return -EAGAIN;
    }
    this.#enqueue(bucket, ts, key, bitset);
    unlockWord(this.#machine, bucket);
    return this.#sleep(ts, deadline);
  }

  /** FUTEX_WAKE and FUTEX_WAKE_BITSET: how many were woken; as on Linux a count below 1 still wakes one. @throws GuestFault for a bad shared address. */
  wake(ts: number, addr: number, shared: boolean, count: number, bitset: number): number {
    if (bitset === 0) return -EINVAL;
    if (addr % 4 !== 0) return -EINVAL;
    const key = this.#key(ts, addr, shared, 0);
    const bucket = bucketOf(key.tag, key.where);
    lockWord(this.#machine, bucket);
    const woken = this.#wakeLocked(bucket, key, Math.max(count, 1), bitset);
    unlockWord(this.#machine, bucket);
    return woken;
  }

  /** FUTEX_REQUEUE, and FUTEX_CMP_REQUEUE when `expected` is given: woken plus moved threads, or -EAGAIN. */
  requeue(
    ts: number,
    from: number,
    to: number,
    shared: boolean,
    wakeCount: number,
    moveCount: number,
    expected: number | null,
  ): number {
    if (wakeCount < 0 || moveCount < 0) return -EINVAL;
    const source = this.#key(ts, from, shared, 0);
    const target = this.#key(ts, to, shared, 0);
    const host = this.#word(from, false);
    this.#word(to, false);
    const a = bucketOf(source.tag, source.where);
    const b = bucketOf(target.tag, target.where);
    this.#lockTwo(a, b);
    let done = 0;
    if (expected !== null && Atomics.load(this.#i32, host >>> 2) !== expected) done = -EAGAIN;
    else {
      done = this.#wakeLocked(a, source, wakeCount, MATCH_ANY);
      if (source.tag !== target.tag || source.where !== target.where) {
        for (let moved = 0; moved < moveCount; moved++) {
          const waiter = this.#take(a, source, MATCH_ANY);
          if (waiter === 0) break;
          this.#enqueue(b, waiter, target, this.#i32[(waiter + T_FUTEX_BITSET) >> 2]);
          done++;
        }
      } else done += Math.min(moveCount, this.#count(a, source));
    }
    this.#unlockTwo(a, b);
    return done;
  }

  /** FUTEX_WAKE_OP: changes the second word, wakes on the first, and on the second if its old value compares. */
  wakeOp(
    ts: number,
    one: number,
    two: number,
    shared: boolean,
    count: number,
    count2: number,
    op: number,
  ): number {
    const first = this.#key(ts, one, shared, 0);
    const second = this.#key(ts, two, shared, 0);
    const host = this.#word(two, true);
    const code = (op >> 28) & 7;
    const compare = (op >> 24) & 15;
    let operand = (op << 8) >> 20;
    const reference = (op << 20) >> 20;
    if (op < 0) operand = 1 << (operand & 31);
    if (code > 4 || compare > 5) return -ENOSYS;
    const a = bucketOf(first.tag, first.where);
    const b = bucketOf(second.tag, second.where);
    this.#lockTwo(a, b);
    const old = this.#modify(host, code, operand);
    let woken = this.#wakeLocked(a, first, Math.max(count, 1), MATCH_ANY);
    if (holds(compare, old, reference)) woken += this.#wakeLocked(b, second, Math.max(count2, 1), MATCH_ANY);
    this.#unlockTwo(a, b);
    return woken;
  }

  /**
   * FUTEX_LOCK_PI and FUTEX_TRYLOCK_PI: ownership is handed over in order of arrival; nobody lends priority.
   *
   * @returns 0 (the caller owns the lock), -EDEADLK, -EAGAIN (try), -ETIMEDOUT, or why the wait was left.
   */
  lockPi(ts: number, addr: number, shared: boolean, deadline: number, tryOnly: boolean): WaitEnd {
    const key = this.#key(ts, addr, shared, KEY_PI);
    const word = this.#word(addr, true) >>> 2;
    const tid = this.#i32[(ts + T_TID) >> 2];
    const bucket = bucketOf(key.tag, key.where);
    lockWord(this.#machine, bucket);
    for (;;) {
      const now = Atomics.load(this.#i32, word);
      if ((now & FUTEX_TID_MASK) === 0) {
        const waiters = this.#count(bucket, key) > 0 ? FUTEX_WAITERS : 0;
        const next = tid | (now & FUTEX_OWNER_DIED) | waiters;
        if (Atomics.compareExchange(this.#i32, word, now, next) !== now) continue;
        unlockWord(this.#machine, bucket);
        return 0;
      }
      const own = (now & FUTEX_TID_MASK) === tid;
      if (own || tryOnly) {
        unlockWord(this.#machine, bucket);
        return own ? -EDEADLK : -EAGAIN;
      }
      if (Atomics.compareExchange(this.#i32, word, now, now | FUTEX_WAITERS) !== now) continue;
      this.#enqueue(bucket, ts, key, MATCH_ANY);
      unlockWord(this.#machine, bucket);
      return this.#sleep(ts, deadline);
    }
  }

  /** FUTEX_UNLOCK_PI: 0, or -EPERM for a lock that another thread owns. */
  unlockPi(ts: number, addr: number, shared: boolean): number {
    const key = this.#key(ts, addr, shared, KEY_PI);
    const word = this.#word(addr, true) >>> 2;
    const tid = this.#i32[(ts + T_TID) >> 2];
    const bucket = bucketOf(key.tag, key.where);
    lockWord(this.#machine, bucket);
    const own = (Atomics.load(this.#i32, word) & FUTEX_TID_MASK) === tid;
    if (own) this.#handOver(bucket, key, word, 0);
    unlockWord(this.#machine, bucket);
    return own ? 0 : -EPERM;
  }

  /**
   * What the end of a thread does to one lock word of its robust list.
   *
   * @param pending the word of an operation that the thread had begun, not of a lock it surely held.
   */
  ownerDied(ts: number, addr: number, pi: boolean, pending: boolean): void {
    if (addr % 4 !== 0) return;
    const word = this.#word(addr, true) >>> 2;
    const tid = this.#i32[(ts + T_TID) >> 2];
    for (;;) {
      const now = Atomics.load(this.#i32, word);
      // Unlocked in user space, but the wake-up behind it never happened.
      if (pending && !pi && now === 0) {
        this.wake(ts, addr, true, 1, MATCH_ANY);
        this.wake(ts, addr, false, 1, MATCH_ANY);
        return;
      }
      if ((now & FUTEX_TID_MASK) !== tid) return;
      if (pi && now & FUTEX_WAITERS) {
        for (const shared of [false, true]) {
          const key = this.#key(ts, addr, shared, KEY_PI);
          const bucket = bucketOf(key.tag, key.where);
          lockWord(this.#machine, bucket);
          const any = this.#count(bucket, key) > 0;
          if (any) this.#handOver(bucket, key, word, FUTEX_OWNER_DIED);
          unlockWord(this.#machine, bucket);
          if (any) return;
        }
      }
      if (Atomics.compareExchange(this.#i32, word, now, (now & FUTEX_WAITERS) | FUTEX_OWNER_DIED) !== now)
        continue;
      if (!pi && now & FUTEX_WAITERS) {
        this.wake(ts, addr, true, 1, MATCH_ANY);
        this.wake(ts, addr, false, 1, MATCH_ANY);
      }
      return;
    }
  }

  #handOver(bucket: number, key: Key, word: number, extra: number): void {
    const heir = this.#take(bucket, key, MATCH_ANY);
    if (heir === 0) {
      Atomics.store(this.#i32, word, extra);
      return;
    }
    const more = this.#count(bucket, key) > 0 ? FUTEX_WAITERS : 0;
    Atomics.store(this.#i32, word, this.#i32[(heir + T_TID) >> 2] | more | extra);
    this.#release(heir);
  }

  #modify(host: number, code: number, operand: number): number {
    const i32 = this.#i32;
    const at = host >>> 2;
    if (code === 0) return Atomics.exchange(i32, at, operand);
    if (code === 1) return Atomics.add(i32, at, operand);
    if (code === 2) return Atomics.or(i32, at, operand);
    if (code === 3) return Atomics.and(i32, at, ~operand);
    return Atomics.xor(i32, at, operand);
  }

  /** Host address of the futex word. @throws GuestFault; SysError EINVAL when it is misaligned. */
  #word(addr: number, write: boolean): number {
    if (addr % 4 !== 0) throw new SysError(EINVAL);
    return this.#mem.hostWord(addr, write);
  }

  #key(ts: number, addr: number, shared: boolean, extra: number): Key {
    const task = this.#i32[(ts + T_TASK) >> 2] << 4;
    if (!shared) return { tag: task | KEY_PRIVATE | extra, where: addr };
    const region = this.#space.regionAt(addr);
    if (region === undefined || (region.flags & RF_SHARED) === 0)
      return { tag: task | KEY_ANONYMOUS | extra, where: addr };
    return { tag: KEY_FRAME | extra, where: this.#word(addr, false) };
  }

  #enqueue(bucket: number, ts: number, key: Key, bitset: number): void {
    const i32 = this.#i32;
    i32[(ts + T_FUTEX_KEY) >> 2] = key.tag;
    this.#f64[(ts + T_FUTEX_ADDR) >> 3] = key.where;
    i32[(ts + T_FUTEX_BITSET) >> 2] = bitset;
    i32[(ts + T_FUTEX_NEXT) >> 2] = 0;
    this.#stuck.event();
    Atomics.store(i32, (ts + T_FUTEX_STATE) >> 2, STATE_WAITING);
    const tail = i32[(bucket + B_TAIL) >> 2];
    if (tail === 0) Atomics.store(i32, (bucket + B_HEAD) >> 2, ts);
    else i32[(tail + T_FUTEX_NEXT) >> 2] = ts;
    i32[(bucket + B_TAIL) >> 2] = ts;
  }

  #matches(ts: number, key: Key, bitset: number): boolean {
    return (
      this.#i32[(ts + T_FUTEX_KEY) >> 2] === key.tag &&
      this.#f64[(ts + T_FUTEX_ADDR) >> 3] === key.where &&
      (this.#i32[(ts + T_FUTEX_BITSET) >> 2] & bitset) !== 0
    );
  }

  #count(bucket: number, key: Key): number {
    let n = 0;
    for (let at = this.#i32[(bucket + B_HEAD) >> 2]; at !== 0; at = this.#i32[(at + T_FUTEX_NEXT) >> 2]) {
      if (this.#matches(at, key, MATCH_ANY)) n++;
    }
    return n;
  }

  /** Unlinks and returns the first matching waiter, 0 if there is none. */
  #take(bucket: number, key: Key, bitset: number): number {
    let before = 0;
    for (let at = this.#i32[(bucket + B_HEAD) >> 2]; at !== 0; at = this.#i32[(at + T_FUTEX_NEXT) >> 2]) {
      if (this.#matches(at, key, bitset)) {
        this.#unlink(bucket, before, at);
        return at;
      }
      before = at;
    }
    return 0;
  }

  #unlink(bucket: number, before: number, ts: number): void {
    const i32 = this.#i32;
    const next = i32[(ts + T_FUTEX_NEXT) >> 2];
    if (before === 0) Atomics.store(i32, (bucket + B_HEAD) >> 2, next);
    else i32[(before + T_FUTEX_NEXT) >> 2] = next;
    if (i32[(bucket + B_TAIL) >> 2] === ts) i32[(bucket + B_TAIL) >> 2] = before;
  }

  #release(ts: number): void {
    this.#stuck.event();
    Atomics.store(this.#i32, (ts + T_FUTEX_STATE) >> 2, STATE_WOKEN);
    Atomics.notify(this.#i32, (ts + T_FUTEX_STATE) >> 2);
  }

  #wakeLocked(bucket: number, key: Key, count: number, bitset: number): number {
    let woken = 0;
    while (woken < count) {
      const waiter = this.#take(bucket, key, bitset);
      if (waiter === 0) break;
      this.#release(waiter);
      woken++;
    }
    return woken;
  }

  #sleep(ts: number, deadline: number): WaitEnd {
    const state = (ts + T_FUTEX_STATE) >> 2;
    const forever = deadline === Infinity;
    if (forever) this.#stuck.begin(ts);
    const idle = forever ? () => this.#stuck.check() : undefined;
    const outcome = this.#sleeper.wait(ts, ts + T_FUTEX_STATE, STATE_WAITING, deadline, idle);
    if (forever) this.#stuck.end(ts);
    const woken = this.#leave(ts);
    Atomics.store(this.#i32, state, STATE_IDLE);
    if (woken) return 0;
    return outcome === 'timeout' ? -ETIMEDOUT : outcome === 'woken' ? 0 : outcome;
  }

  /** Takes the thread off whatever queue it is on now; true when a waker was faster. */
  #leave(ts: number): boolean {
    const i32 = this.#i32;
    for (;;) {
      if (Atomics.load(i32, (ts + T_FUTEX_STATE) >> 2) === STATE_WOKEN) return true;
      const bucket = bucketOf(i32[(ts + T_FUTEX_KEY) >> 2], this.#f64[(ts + T_FUTEX_ADDR) >> 3]);
      lockWord(this.#machine, bucket);
      if (Atomics.load(i32, (ts + T_FUTEX_STATE) >> 2) === STATE_WOKEN) {
        unlockWord(this.#machine, bucket);
        return true;
      }
      // A requeue may have moved the thread between the look at its key and the lock.
      const mine = bucketOf(i32[(ts + T_FUTEX_KEY) >> 2], this.#f64[(ts + T_FUTEX_ADDR) >> 3]) === bucket;
      if (mine) {
        let before = 0;
        for (let at = i32[(bucket + B_HEAD) >> 2]; at !== 0; at = i32[(at + T_FUTEX_NEXT) >> 2]) {
          if (at === ts) {
            this.#unlink(bucket, before, ts);
            break;
          }
          before = at;
        }
      }
      unlockWord(this.#machine, bucket);
      if (mine) return false;
    }
  }

  #lockTwo(a: number, b: number): void {
    lockWord(this.#machine, Math.min(a, b));
    if (a !== b) lockWord(this.#machine, Math.max(a, b));
  }

  #unlockTwo(a: number, b: number): void {
    if (a !== b) unlockWord(this.#machine, Math.max(a, b));
    unlockWord(this.#machine, Math.min(a, b));
  }
}

/** Address of the bucket for a key. Words are 4-aligned and neighbours are common: spread the low bits. */
function bucketOf(tag: number, where: number): number {
  const low = Math.imul((where / 4) | 0, 0x9e3779b1) ^ Math.imul(tag, 0x85ebca6b);
  return G_FUTEX_BUCKETS + ((low >>> 24) % BUCKETS) * 64;
}

function holds(compare: number, old: number, reference: number): boolean {
  if (compare === 0) return old === reference;
  if (compare === 1) return old !== reference;
  if (compare === 2) return old < reference;
  if (compare === 3) return old <= reference;
  if (compare === 4) return old > reference;
  return old >= reference;
}
