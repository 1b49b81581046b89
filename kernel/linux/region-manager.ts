/**
 * Region managers of the guest's own (--region-manager=guest): a thread that has registered for a range of addresses is
 * told of every fault of the other threads there, resolves it with whatever code it likes, and answers.
 *
 * A fault is a few words of the thread that has it (L_FAULT*), under the region lock. That thread sleeps on its
 * T_FUTEX_STATE as if for a futex, so that a program in which nothing can happen any more is found out; a manager
 * without work does likewise. A fault has a number that is never used again: a thread that was called away (signal, end)
 * asks anew later, and an answer to what it asked before counts for nothing.
 */
import { type FaultManager, GuestFault } from '../core/guest-mem.js';
import { T_FUTEX_STATE, T_TID } from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import { type Managed, NOBODY, UNASKED } from '../core/managed.js';
import { type BadFault, SEGV_ACCERR, SEGV_MAPERR, SIGSEGV } from '../core/pager.js';
import type { LinuxKernel } from './kernel.js';
import { L_FAULT, L_FAULT_ACCESS, L_FAULT_ADDR, L_FAULT_NUMBER, P_FAULTS } from './process.js';
import { Stuck } from './stuck.js';
import type { WaitResult } from './wait.js';

/** Values of L_FAULT. */
const NONE = 0;
/** A manager that waits for faults. */
const LISTENS = 1;
const ASKED = 2;
/** The manager knows of it. */
const TAKEN = 3;
const RESOLVED = 4;
const REFUSED = 5;

/** Values of T_FUTEX_STATE, as a futex waiter has them. */
const IDLE = 0;
const WAITING = 1;
const WOKEN = 2;

/** A fault as its manager is told of it. */
export interface FaultMessage {
  readonly number: number;
  readonly addr: number;
  /** ACCESS_* */
  readonly access: number;
  readonly tid: number;
}

export class RegionManagers implements FaultManager {
  readonly #stuck: Stuck;
  #complained = false;

  constructor(private readonly k: LinuxKernel) {
    this.#stuck = new Stuck(k.machine, k.env.threads, WAITING);
  }

  /** What `Face.peek` does: nothing that would have to be asked. */
  peek(ts: number, addr: number, access: number): 0 | BadFault {
    return this.#locked(() => this.#regular(ts, addr, access) ?? unresolved(addr, SEGV_MAPERR));
  }

  /** Resolves a fault of the thread at `ts`; waits for its manager if there is one. See `Face.fault`. */
  fault(ts: number, addr: number, access: number): 0 | BadFault {
    const regular = this.#locked(() => {
      const r = this.#regular(ts, addr, access);
      return r === undefined ? this.#ask(ts, addr, access) : r;
    });
    if (typeof regular === 'object' && 'owner' in regular) return this.#orphan(ts, addr, regular);
    if (regular !== 'asked') return regular;
    this.#sleep(ts);
    return this.#locked(() => {
      const verdict = this.#word(ts, L_FAULT);
      this.#set(ts, L_FAULT, NONE);
      // What the manager has mapped but not touched is filled as for itself; where nothing is, the thread asks again.
      if (verdict === RESOLVED) this.k.space.pager.faultLocked(addr, access);
      if (verdict !== REFUSED) return 0;
      const mapped = this.#covered(addr);
      return unresolved(addr, mapped ? SEGV_ACCERR : SEGV_MAPERR);
    });
  }

  /** Of a system call: whether the running thread has to ask. Region lock. */
  asks(addr: number): boolean {
    return this.#askedOf(this.k.ts, addr) !== undefined;
  }

  resolve(addr: number, access: number): void {
    const { k } = this;
    const bad = k.stopping ? unresolved(addr, SEGV_MAPERR) : this.fault(k.ts, addr, access);
    if (bad !== 0) throw new GuestFault(bad);
  }

  /** The next fault for the thread at `ts` as a manager; undefined when it was called away. */
  listen(ts: number): FaultMessage | undefined {
    for (;;) {
      const next = this.#locked(() => {
        const message = this.#take(ts);
        if (message === undefined) this.#begin(ts, LISTENS);
        return message;
      });
      if (next !== undefined) return next;
      const outcome = this.#sleep(ts);
      this.#locked(() => this.#set(ts, L_FAULT, NONE));
      if (outcome !== 'woken') return undefined;
    }
  }

  /** Answers a fault. False when nobody waits for it any more. */
  answer(ts: number, number: number, resolved: boolean): boolean {
    return this.#locked(() => {
      const asker = this.k.env.threads.live().find((other) => {
        return this.#word(other, L_FAULT) === TAKEN && this.#word(other, L_FAULT_NUMBER) === number;
      });
      if (asker === undefined || this.#askedOf(asker, this.#addr(asker))?.owner !== ts) return false;
      this.#end(asker, resolved ? RESOLVED : REFUSED);
      return true;
    });
  }

  /** The thread at `ts` has ended: whoever waits for it asks again, and finds nobody. */
  ended(ts: number): void {
    if (!this.k.space.space.managed.any) return;
    this.#locked(() => {
      if (this.k.space.space.managed.hand((r) => r.owner === ts, NOBODY)) this.again();
    });
  }

  /** Every thread that waits for a manager looks again who that is. Region lock. */
  again(): void {
    for (const ts of this.k.env.threads.live()) {
      const state = this.#word(ts, L_FAULT);
      if (state === ASKED || state === TAKEN) this.#end(ts, NONE);
    }
  }

  /** What the core's pager says where no manager is to be asked; undefined where one is. Region lock. */
  #regular(ts: number, addr: number, access: number): 0 | BadFault | undefined {
    const { space } = this.k;
    const { map } = space.space;
    const entry = map.lookup(addr);
    const asked = this.#askedOf(ts, addr) !== undefined;
    if (asked && entry === 0) return undefined;
    const r = (entry & access) !== 0 ? 0 : space.pager.faultLocked(addr, access);
    return asked && r !== 0 ? undefined : r;
  }

  /** The range that holds `addr`, if the thread has to ask somebody about it. Region lock. */
  #askedOf(ts: number, addr: number): Managed | undefined {
    const { managed } = this.k.space.space;
    const range = managed.any ? managed.at(addr) : undefined;
    return range === undefined || range.owner === ts || range.owner === UNASKED ? undefined : range;
  }

  /** Puts the question; the range when nobody is there to ask. Region lock. */
  #ask(ts: number, addr: number, access: number): 'asked' | Managed {
    const { machine } = this.k;
    const range = this.#askedOf(ts, addr)!;
    if (range.owner === NOBODY) return range;
    machine.f64[(ts + L_FAULT_ADDR) >> 3] = addr;
    this.#set(ts, L_FAULT_ACCESS, access);
    this.#set(ts, L_FAULT_NUMBER, ++machine.i32[P_FAULTS >> 2]!);
    this.#begin(ts, ASKED);
    if (this.#word(range.owner, L_FAULT) === LISTENS) this.#end(range.owner, NONE);
    return 'asked';
  }

  /** The oldest fault that waits for this manager. Region lock. */
  #take(ts: number): FaultMessage | undefined {
    const mine = this.k.env.threads
      .live()
      .filter((t) => this.#word(t, L_FAULT) === ASKED && this.#askedOf(t, this.#addr(t))?.owner === ts);
    const number = (t: number): number => this.#word(t, L_FAULT_NUMBER);
    const [first] = mine.sort((a, b) => (number(a) - number(b)) | 0);
    if (first === undefined) return undefined;
    this.#set(first, L_FAULT, TAKEN);
    return {
      number: number(first),
      addr: this.#addr(first),
      access: this.#word(first, L_FAULT_ACCESS),
      tid: this.#word(first, T_TID),
    };
  }

  #orphan(ts: number, addr: number, range: Managed): BadFault {
    if (!this.#complained) {
      const tid = this.#word(ts, T_TID);
      this.k.env.complain(
        `the region manager of 0x${range.start.toString(16)}-0x${range.end.toString(16)} (thread ${range.tid}) has ended: nobody resolves the fault of thread ${tid} at 0x${addr.toString(16)}`,
      );
    }
    this.#complained = true;
    return unresolved(addr, SEGV_MAPERR);
  }

  #covered(addr: number): boolean {
    const { table } = this.k.space.space;
    const index = table.find(addr);
    return index < table.count && table.startOf(index) <= addr;
  }

  /** The thread is about to sleep. Region lock. */
  #begin(ts: number, state: number): void {
    this.#stuck.event();
    this.#set(ts, L_FAULT, state);
    Atomics.store(this.k.machine.i32, (ts + T_FUTEX_STATE) >> 2, WAITING);
  }

  /** Lets a sleeping thread go. Region lock. */
  #end(ts: number, state: number): void {
    const { i32 } = this.k.machine;
    this.#stuck.event();
    this.#set(ts, L_FAULT, state);
    Atomics.store(i32, (ts + T_FUTEX_STATE) >> 2, WOKEN);
    Atomics.notify(i32, (ts + T_FUTEX_STATE) >> 2);
  }

  #sleep(ts: number): WaitResult {
    this.#stuck.begin(ts);
    const outcome = this.k.sleeper.wait(ts, ts + T_FUTEX_STATE, WAITING, Infinity, () => this.#stuck.check());
    this.#stuck.end(ts);
    Atomics.store(this.k.machine.i32, (ts + T_FUTEX_STATE) >> 2, IDLE);
    return outcome;
  }

  #addr(ts: number): number {
    return this.k.machine.f64[(ts + L_FAULT_ADDR) >> 3]!;
  }

  #word(ts: number, at: number): number {
    return Atomics.load(this.k.machine.i32, (ts + at) >> 2);
  }

  #set(ts: number, at: number, value: number): void {
    Atomics.store(this.k.machine.i32, (ts + at) >> 2, value);
  }

  #locked<R>(fn: () => R): R {
    const { space } = this.k.space;
    space.lock();
    try {
      return fn();
    } finally {
      space.unlock();
    }
  }
}

/** What a thread that sleeps here waits for, as a report says it; null when it does not sleep here. */
export function waitsForManager(machine: Machine, ts: number): string | null {
  const state = Atomics.load(machine.i32, (ts + L_FAULT) >> 2);
  if (state === LISTENS) return 'faults that it manages';
  if (state === NONE) return null;
  const addr = machine.f64[(ts + L_FAULT_ADDR) >> 3]!;
  return `the region manager of address 0x${addr.toString(16).toUpperCase()}`;
}

function unresolved(addr: number, code: number): BadFault {
  return { signo: SIGSEGV, code, addr };
}
