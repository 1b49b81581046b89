/**
 * Pending signals of the process and of its threads, in shared memory, and who is told of them.
 *
 * From G_SIGNALS: S_SEQ, the next sequence number, then from S_ENTRIES on SIGNALS_MAX entries of ENTRY_SIZE bytes,
 * `E_*`; an entry whose E_SIGNO is 0 is free. Everything is owned by whoever holds G_LOCK_SIGNALS, and so are
 * dispositions (P_SIGACTIONS) and changes of masks (L_SIGMASK). Ordering comes from the lock. It is innermost: no other
 * lock is taken and no guest memory touched under it.
 *
 * STOP_SIGNAL in a thread's T_STOP says that a signal may be there for it; it is set and cleared under the lock, so a
 * thread that finds it clear has nothing to deliver. A signal for the process is told to one thread that does not block
 * it, the first thread if possible (signal(7)).
 */
import {
  G_LOCK_SIGNALS,
  G_SIGNALS,
  G_SIGNALS_SIZE,
  LIFE_RUNNING,
  LIFE_STARTING,
  STOP_SIGNAL,
  T_LIFE,
  T_STOP,
  THREADS,
} from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import * as abi from './abi.js';
import { lockWord, unlockWord } from './lock.js';
import { L_SIGMASK, L_SIGWAIT, L_SLEEP, P_SIGACTIONS, SIGACTION_SIZE } from './process.js';

const S_SEQ = G_SIGNALS;
/** 1 once a timer was set; see timers.ts. */
export const S_TIMED = G_SIGNALS + 4;
const S_ENTRIES = G_SIGNALS + 64;
const ENTRY_SIZE = 32;
const SIGNALS_MAX = 512;
/** Queued real-time signals leave this many entries to the others, which must never get lost. */
const REAL_TIME_MAX = 384;
const E_SIGNO = 0;
/** Thread state address, 0 = the process. */
const E_TARGET = 4;
const E_CODE = 8;
/** The words of siginfo_t behind its head: at 16, 20 and (64 bits) 24. */
const E_WORD16 = 12;
const E_WORD20 = 16;
const E_VALUE = 20;
const E_SEQ = 28;

/** Where timers begin; see timers.ts. */
export const S_TIMERS = S_ENTRIES + SIGNALS_MAX * ENTRY_SIZE;
export const S_END = G_SIGNALS + G_SIGNALS_SIZE;

/** What a signal tells its handler: siginfo_t without padding. */
export interface SignalInfo {
  readonly signo: number;
  readonly code: number;
  /** Words at offset 16 and 20: pid and uid, timer and overrun, or the low and high half of an address. */
  readonly word16: number;
  readonly word20: number;
  /** 64 bits at offset 24 as two words: sigval, or the status of a child. */
  readonly value: readonly [number, number];
}

/** How the threads of the process are reached: the engine's thread table. */
export interface SignalTargets {
  live(): number[];
  /** Sets the bits in T_STOP and makes the thread come to its safepoint. */
  poke(ts: number, why: number): void;
}

const bit = (signo: number) => 1 << ((signo - 1) & 31);
const half = (signo: number) => (signo > 32 ? 4 : 0);

/** Whether a 64-bit set of two words holds a signal. */
export function inSet(set: readonly [number, number], signo: number): boolean {
  return (set[signo > 32 ? 1 : 0] & bit(signo)) !== 0;
}

export class SignalQueue {
  readonly #machine: Machine;
  readonly #i32: Int32Array;
  readonly #targets: SignalTargets;

  constructor(machine: Machine, targets: SignalTargets) {
    this.#machine = machine;
    this.#i32 = machine.i32;
    this.#targets = targets;
  }

  locked<R>(fn: () => R): R {
    lockWord(this.#machine, G_LOCK_SIGNALS);
    try {
      return fn();
    } finally {
      unlockWord(this.#machine, G_LOCK_SIGNALS);
    }
  }

  /** SIG_DFL, SIG_IGN or the address of a handler. */
  disposition(signo: number): number {
    const at = (P_SIGACTIONS + (signo - 1) * SIGACTION_SIZE) >> 2;
    const { u32 } = this.#machine;
    return u32[at + 1] * 4294967296 + u32[at];
  }

  blocked(ts: number, signo: number): boolean {
    return (Atomics.load(this.#i32, (ts + L_SIGMASK + half(signo)) >> 2) & bit(signo)) !== 0;
  }

  mask(ts: number): [number, number] {
    return [this.#i32[(ts + L_SIGMASK) >> 2], this.#i32[(ts + L_SIGMASK + 4) >> 2]];
  }

  /** A thread's new mask, without SIGKILL and SIGSTOP; signals that it unblocks are delivered on its way out. */
  setMask(ts: number, mask: readonly [number, number]): void {
    this.locked(() => {
      const fixed = bit(abi.SIGKILL) | bit(abi.SIGSTOP);
      Atomics.store(this.#i32, (ts + L_SIGMASK) >> 2, mask[0] & ~fixed);
      Atomics.store(this.#i32, (ts + L_SIGMASK + 4) >> 2, mask[1]);
      this.#recheck(ts);
      this.#retarget();
    });
  }

  /** The set that a thread waits for although it is blocked; [0, 0] ends that. */
  setAwaited(ts: number, set: readonly [number, number]): void {
    this.locked(() => {
      Atomics.store(this.#i32, (ts + L_SIGWAIT) >> 2, set[0]);
      Atomics.store(this.#i32, (ts + L_SIGWAIT + 4) >> 2, set[1]);
      this.#recheck(ts);
    });
  }

  /** Whether a signal of this disposition is lost when it is sent: ignored, by choice or by default. */
  ignores(signo: number): boolean {
    const action = this.disposition(signo);
    return action === abi.SIG_IGN || (action === abi.SIG_DFL && !endsByDefault(signo));
  }

  /**
   * Sends a signal to a thread, or to the process with target 0. False when the queue has no room (EAGAIN).
   * A standard signal that is pending already is not queued again.
   */
  send(target: number, info: SignalInfo): boolean {
    const { signo } = info;
    return this.locked(() => {
      const holder = target === 0 ? this.#eligible(signo) : target;
      const held = holder === 0 || (target !== 0 && this.blocked(target, signo));
      if (this.ignores(signo) && !held && !this.#awaited(holder, signo)) return true;
      if (signo < abi.SIGRTMIN && this.#find(signo, target) >= 0) return true;
      if (!this.#add(target, info)) return false;
      if (holder !== 0 && this.#wants(holder, signo)) this.#tell(holder);
      return true;
    });
  }

  /**
   * Takes the next signal that the thread may get: its own and the process's, lowest number first. `only` picks from a
   * set, blocked or not. Undefined when there is none; STOP_SIGNAL is right again afterwards.
   */
  take(ts: number, only?: readonly [number, number]): SignalInfo | undefined {
    return this.locked(() => {
      const best = this.#next(ts, (signo) => (only ? inSet(only, signo) : !this.blocked(ts, signo)));
      const info = best < 0 ? undefined : this.#read(best);
      if (best >= 0) this.#i32[(best + E_SIGNO) >> 2] = 0;
      this.#recheck(ts);
      return info;
    });
  }

  /** Whether something is pending for the thread, its own or the process's, that `fits`. */
  any(ts: number, fits: (signo: number) => boolean): boolean {
    return this.locked(() => this.#next(ts, fits) >= 0);
  }

  /** Set of signals that are pending for the thread and blocked, as sigpending(2) tells it. */
  pending(ts: number): [number, number] {
    const set: [number, number] = [0, 0];
    this.locked(() => {
      this.#each((_, signo, target) => {
        if ((target === ts || target === 0) && this.blocked(ts, signo)) set[signo > 32 ? 1 : 0] |= bit(signo);
        return false;
      });
    });
    return set;
  }

  /** The disposition becomes SIG_DFL: SA_RESETHAND. */
  reset(signo: number): void {
    const at = (P_SIGACTIONS + (signo - 1) * SIGACTION_SIZE) >> 2;
    this.locked(() => this.#i32.fill(0, at, at + 2));
  }

  /** Forgets pending signals of a kind: what setting a disposition that ignores them does. */
  drop(signo: number): void {
    this.locked(() => {
      this.#each((at, found) => {
        if (found === signo) this.#i32[(at + E_SIGNO) >> 2] = 0;
        return false;
      });
    });
  }

  /** The thread ends, or its slot is about to be used anew: its own signals go, the process's find somebody else. */
  forget(ts: number): void {
    this.locked(() => {
      this.#each((at, _, target) => {
        if (target === ts) this.#i32[(at + E_SIGNO) >> 2] = 0;
        return false;
      });
      Atomics.and(this.#i32, (ts + T_STOP) >> 2, ~STOP_SIGNAL);
      this.#retarget(ts);
    });
  }

  /** Signals lock from here on. */
  #add(target: number, info: SignalInfo): boolean {
    const i32 = this.#i32;
    const most = info.signo < abi.SIGRTMIN ? SIGNALS_MAX : REAL_TIME_MAX;
    for (let n = 0; n < most; n++) {
      const at = (S_ENTRIES + n * ENTRY_SIZE) >> 2;
      if (i32[at] !== 0) continue;
      i32[at + (E_SIGNO >> 2)] = info.signo;
      i32[at + (E_TARGET >> 2)] = target;
      i32[at + (E_CODE >> 2)] = info.code;
      i32[at + (E_WORD16 >> 2)] = info.word16;
      i32[at + (E_WORD20 >> 2)] = info.word20;
      i32[at + (E_VALUE >> 2)] = info.value[0];
      i32[at + (E_VALUE >> 2) + 1] = info.value[1];
      i32[at + (E_SEQ >> 2)] = i32[S_SEQ >> 2]++;
      return true;
    }
    return false;
  }

  #read(at: number): SignalInfo {
    const word = (field: number) => this.#i32[(at + field) >> 2];
    return {
      signo: word(E_SIGNO),
      code: word(E_CODE),
      word16: word(E_WORD16),
      word20: word(E_WORD20),
      value: [word(E_VALUE), word(E_VALUE + 4)],
    };
  }

  /** Visits the entries in use until `visit` answers true. */
  #each(visit: (at: number, signo: number, target: number) => boolean): void {
    for (let n = 0; n < SIGNALS_MAX; n++) {
      const at = S_ENTRIES + n * ENTRY_SIZE;
      const signo = this.#i32[(at + E_SIGNO) >> 2];
      if (signo !== 0 && visit(at, signo, this.#i32[(at + E_TARGET) >> 2])) return;
    }
  }

  #find(signo: number, target: number): number {
    let found = -1;
    this.#each((at, other, to) => {
      if (other === signo && to === target) found = at;
      return found >= 0;
    });
    return found;
  }

  /** The entry that comes first for a thread: lowest number, then longest pending. */
  #next(ts: number, fits: (signo: number) => boolean): number {
    let best = -1;
    let bestSigno = 0;
    this.#each((at, signo, target) => {
      if ((target !== ts && target !== 0) || !fits(signo)) return false;
      const earlier = signo === bestSigno && this.#seq(at) - this.#seq(best) < 0;
      if (best < 0 || signo < bestSigno || earlier) [best, bestSigno] = [at, signo];
      return false;
    });
    return best;
  }

  #seq(at: number): number {
    return this.#i32[(at + E_SEQ) >> 2];
  }

  #awaited(ts: number, signo: number): boolean {
    return ts !== 0 && (Atomics.load(this.#i32, (ts + L_SIGWAIT + half(signo)) >> 2) & bit(signo)) !== 0;
  }

  #wants(ts: number, signo: number): boolean {
    return !this.blocked(ts, signo) || this.#awaited(ts, signo);
  }

  /** The thread that a signal for the process is told to, 0 when all block it. */
  #eligible(signo: number, except = 0): number {
    const life = Atomics.load(this.#i32, (THREADS + T_LIFE) >> 2);
    const first = (life === LIFE_STARTING || life === LIFE_RUNNING) && except !== THREADS;
    if (first && this.#wants(THREADS, signo)) return THREADS;
    return this.#targets.live().find((ts) => ts !== except && this.#wants(ts, signo)) ?? 0;
  }

  #tell(ts: number): void {
    this.#targets.poke(ts, STOP_SIGNAL);
    const sleeping = Atomics.load(this.#i32, (ts + L_SLEEP) >> 2);
    if (sleeping !== 0) Atomics.notify(this.#i32, sleeping >>> 2);
  }

  /** Makes STOP_SIGNAL of a thread say what is true. */
  #recheck(ts: number): void {
    if (this.#next(ts, (signo) => this.#wants(ts, signo)) >= 0) this.#tell(ts);
    else Atomics.and(this.#i32, (ts + T_STOP) >> 2, ~STOP_SIGNAL);
  }

  /** Signals of the process that the thread they were told to blocks by now, or will not see, go to another one. */
  #retarget(except = 0): void {
    this.#each((_, signo, target) => {
      const ts = target === 0 ? this.#eligible(signo, except) : 0;
      if (ts !== 0) this.#tell(ts);
      return false;
    });
  }
}

/** Signals whose default action is nothing (signal(7)). */
const IGNORED: readonly number[] = [abi.SIGCHLD, abi.SIGURG, abi.SIGWINCH, abi.SIGCONT];
/** Signals that stop a process; here nothing could continue it, so they are left out. */
const STOPS: readonly number[] = [abi.SIGSTOP, abi.SIGTSTP, abi.SIGTTIN, abi.SIGTTOU];

/** Whether the signal's default action ends the process. */
export function endsByDefault(signo: number): boolean {
  return !IGNORED.includes(signo) && !STOPS.includes(signo);
}

/** Name of a signal: SIGABRT, SIGRT3, ... */
export function signalName(signo: number): string {
  return abi.SIGNAL_NAMES[signo] ?? `SIGRT${signo - 32}`;
}
