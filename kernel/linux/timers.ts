/**
 * Timers that send signals, in shared memory: workers set them, the main thread lets them run out.
 *
 * From S_TIMERS on TIMERS_MAX entries of TIMER_SIZE bytes, `R_*`; entry 0 is ITIMER_REAL, the others are made by
 * timer_create. All of it belongs to whoever holds the signals lock, which orders it.
 */
import type { Machine } from '../core/machine.js';
import * as abi from './abi.js';
import { S_END, S_TIMED, S_TIMERS, type SignalQueue } from './signal-queue.js';

export const TIMERS_MAX = 128;
const TIMER_SIZE = 64;
/** The number of the timer that setitimer(ITIMER_REAL) sets. */
export const REAL_TIMER = 0;
const R_USED = 0;
const R_SIGNO = 4;
/** Thread state that gets the signal, 0 = the process. */
const R_TARGET = 8;
const R_CLOCK = 12;
/** sigval: 64 bits. */
const R_VALUE = 16;
/** Expirations since the last signal that nobody was told of. */
const R_OVERRUN = 24;
/** Monotonic ms of the next expiration (f64), 0 when the timer is not set. */
const R_DEADLINE = 32;
/** Ms between expirations (f64), 0 for one only. */
const R_INTERVAL = 40;

if (S_TIMERS + TIMERS_MAX * TIMER_SIZE > S_END) throw new Error('kernel/linux/timers.ts: no room');

export interface TimerKind {
  /** 0 = no signal (SIGEV_NONE). */
  readonly signo: number;
  readonly target: number;
  readonly clock: number;
  readonly value: readonly [number, number];
}

export interface TimerSetting {
  /** Monotonic ms, 0 = not set. */
  readonly deadline: number;
  /** Ms. */
  readonly interval: number;
}

export class Timers {
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #queue: SignalQueue;

  readonly #now: () => number;

  /** @param now the clock of deadlines: monotonic time in ms */
  constructor(machine: Machine, queue: SignalQueue, now: () => number) {
    this.#i32 = machine.i32;
    this.#f64 = machine.f64;
    this.#queue = queue;
    this.#now = now;
  }

  /** A new timer's number, -1 when there are too many. A value of undefined stands for the number itself. */
  create(kind: Omit<TimerKind, 'value'>, value: readonly [number, number] | undefined): number {
    return this.#queue.locked(() => {
      for (let id = REAL_TIMER + 1; id < TIMERS_MAX; id++) {
        if (this.#word(id, R_USED) !== 0) continue;
        this.#fill(id, { ...kind, value: value ?? [id, 0] });
        return id;
      }
      return -1;
    });
  }

  exists(id: number): boolean {
    return id > REAL_TIMER && id < TIMERS_MAX && this.#word(id, R_USED) !== 0;
  }

  clock(id: number): number {
    return this.#word(id, R_CLOCK);
  }

  delete(id: number): void {
    this.#queue.locked(() => this.#put(id, R_USED, 0));
  }

  setting(id: number): TimerSetting {
    return this.#queue.locked(() => this.#setting(id));
  }

  /** Sets a timer; returns what it was set to. */
  set(id: number, setting: TimerSetting): TimerSetting {
    return this.#queue.locked(() => {
      if (id === REAL_TIMER && this.#word(id, R_USED) === 0)
        this.#fill(id, { signo: abi.SIGALRM, target: 0, clock: abi.CLOCK_MONOTONIC, value: [0, 0] });
      const before = this.#setting(id);
      this.#f64[at(id, R_DEADLINE) >> 3] = setting.deadline;
      this.#f64[at(id, R_INTERVAL) >> 3] = setting.interval;
      this.#put(id, R_OVERRUN, 0);
      Atomics.store(this.#i32, S_TIMED >> 2, 1);
      return before;
    });
  }

  /** Expirations that the last signal of the timer stood for, besides the one. */
  overrun(id: number): number {
    return this.#word(id, R_OVERRUN);
  }

  /** Sends the signals of all timers that have run out; monotonic ms of the next to do so, Infinity for none. */
  expire(): number {
    if (Atomics.load(this.#i32, S_TIMED >> 2) === 0) return Infinity;
    let next = Infinity;
    for (let id = REAL_TIMER; id < TIMERS_MAX; id++) {
      const due = this.#queue.locked(() => this.#advance(id));
      if (due !== undefined) this.#send(id, due);
      const { deadline } = this.#setting(id);
      if (this.#word(id, R_USED) !== 0 && deadline > 0) next = Math.min(next, deadline);
    }
    return next;
  }

  /** Signals lock. Moves a timer that has run out on; undefined when it has not, else the expirations missed. */
  #advance(id: number): number | undefined {
    const { deadline, interval } = this.#setting(id);
    const now = this.#now();
    if (this.#word(id, R_USED) === 0 || deadline === 0 || deadline > now) return undefined;
    const missed = interval > 0 ? Math.floor((now - deadline) / interval) : 0;
    this.#f64[at(id, R_DEADLINE) >> 3] = interval > 0 ? deadline + (missed + 1) * interval : 0;
    this.#put(id, R_OVERRUN, missed);
    return missed;
  }

  #send(id: number, overrun: number): void {
    const signo = this.#word(id, R_SIGNO);
    if (signo === 0) return;
    const real = id === REAL_TIMER;
    this.#queue.send(this.#word(id, R_TARGET), {
      signo,
      code: real ? abi.SI_KERNEL : abi.SI_TIMER,
      word16: real ? 0 : id,
      word20: real ? 0 : overrun,
      value: [this.#word(id, R_VALUE), this.#word(id, R_VALUE + 4)],
    });
  }

  #setting(id: number): TimerSetting {
    return {
      deadline: this.#f64[at(id, R_DEADLINE) >> 3],
      interval: this.#f64[at(id, R_INTERVAL) >> 3],
    };
  }

  #fill(id: number, kind: TimerKind): void {
    this.#i32.fill(0, at(id, 0) >> 2, at(id + 1, 0) >> 2);
    this.#put(id, R_USED, 1);
    this.#put(id, R_SIGNO, kind.signo);
    this.#put(id, R_TARGET, kind.target);
    this.#put(id, R_CLOCK, kind.clock);
    this.#put(id, R_VALUE, kind.value[0]);
    this.#put(id, R_VALUE + 4, kind.value[1]);
  }

  #word(id: number, field: number): number {
    return Atomics.load(this.#i32, at(id, field) >> 2);
  }

  #put(id: number, field: number, value: number): void {
    Atomics.store(this.#i32, at(id, field) >> 2, value);
  }
}

function at(id: number, field: number): number {
  return S_TIMERS + id * TIMER_SIZE + field;
}
