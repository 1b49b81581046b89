/**
 * A seeded schedule: exactly one guest thread runs, and who runs next, for how many steps, what time it is and what
 * chance brings are functions of the seed and of what the guest did. Nothing of the host's timing enters: a thread
 * without the turn does nothing at all, a new thread is there from its clone on however long its worker takes to
 * start, and waits end because a word changed or virtual time passed, both looked at when the turn is given.
 *
 * Virtual time goes on by STEP_NS a step, and jumps to the next end of a wait when nobody can run.
 */
import {
  G_EXITING,
  STOP_SIGNAL,
  T_POINTS,
  T_RES_HOST,
  T_STEP_HASH,
  T_STEPS,
  T_STOP,
  T_TURN,
} from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import type { WaitResult } from '../../../kernel/linux/wait.js';
import { POLL_MS } from '../../../sync/wait.js';
import type { Turns } from '../big-lock.js';
import type { ScheduleConfig, ScheduleEnd, ScheduleOutcome } from './config.js';
import { makePolicy, type Policy } from './policy.js';
import { SharedRandom } from './random.js';
import * as S from './state.js';

/** Virtual nanoseconds a step takes. */
const STEP_NS = 100;
/** Virtual monotonic time at the start, in ns. */
export const START_NS = 1000e9;
const SECOND_NS = 1e9;
const ENDS: readonly ScheduleEnd[] = ['exit', 'deadlock', 'livelock'];
/** What the hash starts with. */
const HASH_START = [0x243f6a88, 0x85a308d3 | 0] as const;

export class Schedule implements Turns {
  private readonly i32: Int32Array;
  private readonly f64: Float64Array;
  private readonly policy: Policy;
  private readonly guestRandom: SharedRandom;
  /** The guest's timers: sends the signals of those that have run out, and says when the next does, in virtual ms. */
  alarms: () => number = () => Infinity;

  /** @param ended hears, with the turn, that no thread can or may go on; it has to end the process */
  constructor(
    machine: Machine,
    private readonly config: ScheduleConfig,
    private readonly ended: (end: ScheduleEnd) => void,
  ) {
    this.i32 = machine.i32;
    this.f64 = machine.f64;
    this.policy = makePolicy(machine, config);
    this.guestRandom = new SharedRandom(machine.i32, S.S_GUEST_RANDOM >> 2);
  }

  /** Writes the first state of a run. To be called once, before any thread is created. */
  static prepare(machine: Machine, config: ScheduleConfig): void {
    new SharedRandom(machine.i32, S.S_RANDOM >> 2).seed(config.seed, 0);
    new SharedRandom(machine.i32, S.S_GUEST_RANDOM >> 2).seed(config.seed, 1);
    machine.f64[S.S_NOW >> 3] = START_NS;
    machine.f64[S.S_ALARM >> 3] = Infinity;
    machine.f64.fill(Infinity, S.S_CHANGES >> 3, (S.S_CHANGES >> 3) + S.MAX_CHANGES);
    machine.i32.set(HASH_START, S.S_HASH >> 2);
  }

  // --- threads -----------------------------------------------------------------------------------------------------

  /** A thread that can run from now on. With the turn, or before the start. */
  add(ts: number): void {
    const { i32 } = this;
    const ordinal = i32[S.S_ORDINALS >> 2]!++;
    if (ordinal === 1) this.begin();
    i32[(ts + S.T_ORDINAL) >> 2] = ordinal;
    i32[(S.S_THREADS >> 2) + i32[S.S_COUNT >> 2]!++] = ts;
    this.policy.created(ts);
    if (ordinal > 0) return;
    i32[S.S_CURRENT >> 2] = ts;
    this.give(ts);
    Atomics.store(i32, (ts + T_TURN) >> 2, 1);
  }

  /**
   * The second thread: hash, count and time begin here, at a full second, so that they do not depend on how long the
   * C library takes to read environment and arguments.
   */
  private begin(): void {
    const { i32, f64 } = this;
    const current = i32[S.S_CURRENT >> 2]!;
    this.settle(current);
    i32.set(HASH_START, S.S_HASH >> 2);
    i32.fill(0, (current + T_STEP_HASH) >> 2, (current + T_STEP_HASH + 8) >> 2);
    f64[S.S_UNHASHED >> 3] = 0;
    i32[S.S_SWITCHES >> 2] = 0;
    i32[S.S_STREAK >> 2] = 0;
    f64[S.S_BLOCKS >> 3] = 0;
    f64[S.S_POINTS >> 3] = 0;
    f64[S.S_NOW >> 3] = Math.ceil(f64[S.S_NOW >> 3]! / SECOND_NS) * SECOND_NS;
    this.policy.begin();
    this.grant(current, 0, 0);
  }

  /** The thread will make no more steps. Before its slot can be used again. */
  leave(ts: number): void {
    const { i32 } = this;
    if (i32[S.S_CURRENT >> 2] !== ts) return;
    this.settle(ts);
    this.hash(ts);
    const list = this.threads().filter((t) => t !== ts);
    i32.set(list, S.S_THREADS >> 2);
    i32[S.S_COUNT >> 2] = list.length;
  }

  private threads(): number[] {
    const first = S.S_THREADS >> 2;
    return Array.from(this.i32.subarray(first, first + this.i32[S.S_COUNT >> 2]!));
  }

  // --- the turn ------------------------------------------------------------------------------------------------------

  acquire(ts: number): void {
    const at = (ts + T_TURN) >> 2;
    while (Atomics.load(this.i32, at) === 0 && !this.exiting()) Atomics.wait(this.i32, at, 0, POLL_MS);
  }

  /** Gives the turn away for good. */
  release(ts: number): void {
    if (this.i32[S.S_CURRENT >> 2] === ts && !this.exiting()) this.pass(ts, this.decide(ts, false));
  }

  /** A call that may sleep on the host keeps the turn: how long it takes must not matter. */
  without<R>(_ts: number, fn: () => R): R {
    return fn();
  }

  /** Safepoints have their own reasons; turns end with steps. */
  offer(): void {}

  /** sched_yield. */
  yielded(ts: number): void {
    this.settle(ts);
    this.policy.yielded(ts);
    this.turn(ts, true);
  }

  /** The steps of the turn are used up. */
  step(ts: number): void {
    this.settle(ts);
    this.turn(ts, false);
  }

  /** A timer was set: the turn, granted without knowing of it, ends at the next block. */
  alarmsChanged(ts: number): void {
    this.settle(ts);
    this.grant(ts, 0, 0);
  }

  /**
   * After a system call, which may have made others ready: the turn ends at the next block if it has to. The call that
   * leaves somebody a choice is a point itself, so that the turn can end before the next one.
   */
  called(ts: number): void {
    // A thread that only leaves no longer has the turn.
    if (this.exiting()) return;
    const ready = this.ready();
    const contested = ready.length > 1 ? 1 : 0;
    const preempts = this.policy.preempts(ready, ts);
    if (!preempts && contested === this.i32[S.S_CONTESTED >> 2]) return;
    this.settle(ts);
    if (preempts) this.grant(ts, 0, 0);
    else this.give(ts, contested);
  }

  /** Kernel face: sleeps while the word at host address `at` (0: none) holds `value`, until `deadline` (virtual ms). */
  wait(ts: number, at: number, value: number, deadline: number): WaitResult {
    const { i32, f64 } = this;
    this.settle(ts);
    i32[(ts + S.T_WAIT_AT) >> 2] = at;
    i32[(ts + S.T_WAIT_VALUE) >> 2] = value;
    f64[(ts + S.T_WAIT_UNTIL) >> 3] = deadline * 1e6;
    i32[(ts + S.T_WAITING) >> 2] = 1;
    this.turn(ts, false);
    i32[(ts + S.T_WAITING) >> 2] = 0;
    if (this.exiting()) return 'exit';
    return at !== 0 && Atomics.load(i32, at >>> 2) !== value ? 'woken' : 'timeout';
  }

  private turn(ts: number, others: boolean): void {
    const next = this.decide(ts, others);
    if (next === ts) return;
    this.pass(ts, next);
    this.acquire(ts);
  }

  private pass(ts: number, next: number): void {
    const { i32 } = this;
    if (next === 0) return;
    Atomics.store(i32, (ts + T_TURN) >> 2, 0);
    i32[S.S_CURRENT >> 2] = next;
    Atomics.store(i32, (next + T_TURN) >> 2, 1);
    Atomics.notify(i32, (next + T_TURN) >> 2);
  }

  /** Who has the next turn, with its steps granted; 0 when the run has been ended instead. */
  private decide(current: number, others: boolean): number {
    const { i32, f64 } = this;
    if (i32[S.S_ORDINALS >> 2]! > 1) this.policy.turned(current);
    if (f64[S.S_BLOCKS >> 3]! >= this.config.maxBlocks) return this.end(S.END_LIVELOCK);
    f64[S.S_ALARM >> 3] = this.alarms() * 1e6;
    let ready = this.ready();
    while (ready.length === 0) {
      if (this.exiting()) return 0;
      const until = this.threads().map((ts) => f64[(ts + S.T_WAIT_UNTIL) >> 3]!);
      const first = Math.min(f64[S.S_ALARM >> 3]!, ...until);
      if (first === Infinity) return this.end(S.END_DEADLOCK);
      f64[S.S_NOW >> 3] = Math.max(first, f64[S.S_NOW >> 3]!);
      f64[S.S_ALARM >> 3] = this.alarms() * 1e6;
      ready = this.ready();
    }
    if (others && ready.length > 1) ready = ready.filter((ts) => ts !== current);
    const next = this.policy.choose(ready, current);
    if (next !== current) {
      this.hash(current);
      i32[S.S_SWITCHES >> 2]!++;
      i32[S.S_STREAK >> 2] = 0;
      // As on a machine: a reservation does not outlive a switch, whatever other lines its hash stands for.
      i32[(current + T_RES_HOST) >> 2] = 0;
    }
    this.give(next);
    return next;
  }

  private end(end: number): 0 {
    this.hash(this.i32[S.S_CURRENT >> 2]!);
    this.i32[S.S_END >> 2] = end;
    this.ended(ENDS[end]!);
    return 0;
  }

  private ready(): number[] {
    const { i32, f64 } = this;
    const now = f64[S.S_NOW >> 3]!;
    return this.threads().filter((ts) => {
      if (i32[(ts + S.T_WAITING) >> 2] === 0) return true;
      if (Atomics.load(i32, (ts + T_STOP) >> 2) & STOP_SIGNAL) return true;
      const at = i32[(ts + S.T_WAIT_AT) >> 2]! >>> 0;
      if (at !== 0 && Atomics.load(i32, at >>> 2) !== i32[(ts + S.T_WAIT_VALUE) >> 2]) return true;
      return f64[(ts + S.T_WAIT_UNTIL) >> 3]! <= now;
    });
  }

  // --- steps -----------------------------------------------------------------------------------------------------------

  /**
   * Grants steps: what the policy says, less where a wait or the budget ends earlier.
   *
   * @param passed points that count as passed already
   */
  private give(ts: number, passed = 0): void {
    const { i32, f64 } = this;
    const granted = this.policy.grant(ts);
    let steps = Math.min(granted.steps, this.config.maxBlocks - f64[S.S_BLOCKS >> 3]!);
    for (const other of this.threads()) {
      if (i32[(other + S.T_WAITING) >> 2] === 0 || other === ts) continue;
      const left = (f64[(other + S.T_WAIT_UNTIL) >> 3]! - f64[S.S_NOW >> 3]!) / STEP_NS;
      if (left > 0) steps = Math.min(steps, Math.ceil(left));
    }
    steps = Math.min(steps, Math.ceil((f64[S.S_ALARM >> 3]! - f64[S.S_NOW >> 3]!) / STEP_NS));
    const whole = (n: number): number => Math.max(1, Math.min(n, 0x7fffffff));
    i32[S.S_CONTESTED >> 2] = this.ready().length > 1 ? 1 : 0;
    f64[S.S_POINTS >> 3]! += passed;
    if (passed > 0 && granted.points <= passed) this.grant(ts, 0, 0);
    // Where nobody else can run, points do not count.
    else {
      const points = i32[S.S_CONTESTED >> 2] ? granted.points - passed : Infinity;
      this.grant(ts, whole(steps), whole(points));
    }
  }

  /** With none granted the turn ends at the next block. What was made so far must have been settled. */
  private grant(ts: number, steps: number, points: number): void {
    const { i32 } = this;
    i32[(ts + T_STEPS) >> 2] = i32[(ts + S.T_GRANTED) >> 2] = steps;
    i32[(ts + T_POINTS) >> 2] = i32[(ts + S.T_GRANTED_POINTS) >> 2] = points;
  }

  private made(ts: number): number {
    return this.i32[(ts + S.T_GRANTED) >> 2]! - this.i32[(ts + T_STEPS) >> 2]!;
  }

  /** Takes the steps made so far into the account: time, count, hash. */
  private settle(ts: number): void {
    const { i32, f64 } = this;
    const steps = this.made(ts);
    if (steps === 0) return;
    const points = i32[(ts + S.T_GRANTED_POINTS) >> 2]! - i32[(ts + T_POINTS) >> 2]!;
    i32[(ts + S.T_GRANTED) >> 2] = i32[(ts + T_STEPS) >> 2]!;
    i32[(ts + S.T_GRANTED_POINTS) >> 2] = i32[(ts + T_POINTS) >> 2]!;
    if (i32[S.S_CONTESTED >> 2]) f64[S.S_POINTS >> 3]! += points;
    f64[S.S_BLOCKS >> 3]! += steps;
    f64[S.S_NOW >> 3]! += steps * STEP_NS;
    f64[(ts + S.T_STEPS_MADE) >> 3]! += steps;
    i32[S.S_STREAK >> 2]! += steps;
    f64[S.S_UNHASHED >> 3]! += steps;
  }

  /**
   * Adds what the thread ran since it got the turn to the hash, which so depends on the order of all steps and on
   * nothing else.
   */
  private hash(ts: number): void {
    const { i32, f64 } = this;
    const steps = f64[S.S_UNHASHED >> 3]!;
    if (steps === 0) return;
    f64[S.S_UNHASHED >> 3] = 0;
    this.mix(i32[(ts + S.T_ORDINAL) >> 2]!);
    this.mix(steps);
    this.mix(i32[(ts + T_STEP_HASH) >> 2]!);
    this.mix(i32[(ts + T_STEP_HASH + 4) >> 2]!);
  }

  /** Two 32-bit multiplicative hashes side by side, each fed the other's high bits. */
  private mix(word: number): void {
    const { i32 } = this;
    const at = S.S_HASH >> 2;
    const a = Math.imul(i32[at]! ^ word, 0x85ebca6b) ^ (i32[at + 1]! >>> 15);
    i32[at] = a;
    i32[at + 1] = Math.imul(i32[at + 1]! + (word ^ (a >>> 13)), 0xc2b2ae35) | 0;
  }

  private exiting(): boolean {
    return Atomics.load(this.i32, G_EXITING >> 2) !== 0;
  }

  // --- what the guest sees ---------------------------------------------------------------------------------------------

  /** Virtual monotonic time in ns. */
  now(): number {
    const current = this.i32[S.S_CURRENT >> 2]!;
    return this.f64[S.S_NOW >> 3]! + this.made(current) * STEP_NS;
  }

  /** Virtual CPU time of a thread, in ns. */
  cpu(ts: number): number {
    return (this.f64[(ts + S.T_STEPS_MADE) >> 3]! + this.made(ts)) * STEP_NS;
  }

  /** Random bytes for the guest. */
  random(into: Uint8Array): void {
    this.guestRandom.fill(into);
  }

  /** Threads that wait, in order of creation: what a report of a deadlock lists. */
  waiting(): { ts: number; at: number }[] {
    return this.threads().map((ts) => ({ ts, at: this.i32[(ts + S.T_WAIT_AT) >> 2]! >>> 0 }));
  }

  /** After the end of the run. */
  outcome(): ScheduleOutcome {
    const { i32, f64 } = this;
    const hex = (v: number): string => (v >>> 0).toString(16).padStart(8, '0');
    return {
      kind: this.config.kind,
      seed: this.config.seed,
      hash: `0x${hex(i32[(S.S_HASH >> 2) + 1]!)}${hex(i32[S.S_HASH >> 2]!)}`,
      switches: i32[S.S_SWITCHES >> 2]!,
      blocks: f64[S.S_BLOCKS >> 3]!,
      end: ENDS[i32[S.S_END >> 2]!]!,
    };
  }
}
