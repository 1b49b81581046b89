/**
 * Who runs next, and for how long: the three seeded schedules. Their state lies in shared memory (state.ts), so
 * any worker goes on where another one stopped.
 */
import type { Machine } from '../../../kernel/core/machine.js';
import type { ScheduleConfig } from './config.js';
import { SharedRandom } from './random.js';
import {
  MAX_CHANGES,
  S_CHANGES,
  S_LOWEST,
  S_POINTS,
  S_RANDOM,
  S_STREAK,
  T_ORDINAL,
  T_PRIORITY,
} from './state.js';

export interface Grant {
  steps: number;
  points: number;
}

/** Steps after which even a thread that meets no point ends its turn. */
const STEPS_PER_POINT = 256;

export interface Policy {
  /** Once, when the second thread is created: from there on there is something to decide. */
  begin(): void;
  created(ts: number): void;
  /** The turn of `current` is over: what its steps changed. */
  turned(current: number): void;
  /** The next of `ready`, which is not empty, in order of creation. */
  choose(ready: readonly number[], current: number): number;
  /** What the thread may pass before it is somebody's turn again, each at least 1. */
  grant(ts: number): Grant;
  /** The thread asks to let others run. */
  yielded(ts: number): void;
  /** Whether one of `ready` must run before `current`, which could go on. */
  preempts(ready: readonly number[], current: number): boolean;
}

export function makePolicy(machine: Machine, config: ScheduleConfig): Policy {
  const random = new SharedRandom(machine.i32, S_RANDOM >> 2);
  if (config.kind === 'fair') return new Fair(machine, config);
  return config.kind === 'random' ? new RandomTurns(config, random) : new Pct(machine, config, random);
}

/** Round robin in order of creation, `quantum` steps each. */
class Fair implements Policy {
  constructor(
    private readonly machine: Machine,
    private readonly config: ScheduleConfig,
  ) {}

  begin(): void {}
  created(): void {}
  turned(): void {}
  yielded(): void {}

  choose(ready: readonly number[], current: number): number {
    const { i32 } = this.machine;
    const ordinal = (ts: number): number => i32[(ts + T_ORDINAL) >> 2]!;
    return ready.find((ts) => ordinal(ts) > ordinal(current)) ?? ready[0]!;
  }

  grant(): Grant {
    return { steps: this.config.quantum, points: Infinity };
  }

  preempts(): boolean {
    return false;
  }
}

/** The random choices from the second thread on are a sequence of their own: those before depend on the start-up. */
const STREAM = 2;

/**
 * Every thread is as likely as any other; turns from 1 to `quantum` points, every power of two as likely. Integers only:
 * the last bit of a power may differ from one host to another.
 */
class RandomTurns implements Policy {
  constructor(
    private readonly config: ScheduleConfig,
    private readonly random: SharedRandom,
  ) {}

  begin(): void {
    this.random.seed(this.config.seed, STREAM);
  }
  created(): void {}
  turned(): void {}
  yielded(): void {}

  choose(ready: readonly number[]): number {
    return ready[this.random.below(ready.length)]!;
  }

  grant(): Grant {
    const least = 2 ** this.random.below(32 - Math.clz32(this.config.quantum));
    const points = least + this.random.below(Math.min(least, this.config.quantum + 1 - least));
    return { steps: points * STEPS_PER_POINT, points };
  }

  preempts(): boolean {
    return false;
  }
}

/**
 * PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of Finding
 * Bugs, ASPLOS 2010). Threads get random priorities d, d+1, ..; the ready thread of the highest priority runs; at
 * d-1 random ones of an estimated k points the running thread's priority falls to 1 .. d-1. A bug of depth d in a program
 * of n threads is found with probability at least 1/(n k^(d-1)).
 *
 * Two additions, since guests spin and k is not known: a thread that yields, or that ran for `quantum` steps on end,
 * falls behind all others; and without --pct-points the seed draws k among the powers of two from 2^4 to 2^13. Points count only while
 * another thread could run as well: elsewhere a change would change nothing.
 */
class Pct implements Policy {
  private readonly f64: Float64Array;
  private readonly i32: Int32Array;

  constructor(
    machine: Machine,
    private readonly config: ScheduleConfig,
    private readonly random: SharedRandom,
  ) {
    this.f64 = machine.f64;
    this.i32 = machine.i32;
  }

  private priority(ts: number): number {
    return this.f64[(ts + T_PRIORITY) >> 3]!;
  }

  begin(): void {
    const k = this.config.pctPoints || 2 ** (4 + this.random.below(10));
    for (let i = 0; i < MAX_CHANGES; i++) {
      const used = i < this.config.pctDepth - 1;
      this.f64[(S_CHANGES >> 3) + i] = used ? 1 + this.random.below(k) : Infinity;
    }
  }

  created(ts: number): void {
    this.f64[(ts + T_PRIORITY) >> 3] = this.config.pctDepth + this.random.unit();
  }

  turned(current: number): void {
    const { f64 } = this;
    for (let i = 0; i < MAX_CHANGES; i++) {
      if (f64[(S_CHANGES >> 3) + i]! > f64[S_POINTS >> 3]!) continue;
      f64[(S_CHANGES >> 3) + i] = Infinity;
      f64[(current + T_PRIORITY) >> 3] = i + 1;
    }
    if (this.i32[S_STREAK >> 2]! >= this.config.quantum) this.yielded(current);
  }

  choose(ready: readonly number[]): number {
    return ready.reduce((best, ts) => (this.priority(ts) > this.priority(best) ? ts : best));
  }

  grant(): Grant {
    const { f64 } = this;
    let points = Infinity;
    for (let i = 0; i < this.config.pctDepth - 1; i++) {
      points = Math.min(points, f64[(S_CHANGES >> 3) + i]! - f64[S_POINTS >> 3]!);
    }
    return { steps: Math.max(1, this.config.quantum - this.i32[S_STREAK >> 2]!), points };
  }

  yielded(ts: number): void {
    this.f64[(ts + T_PRIORITY) >> 3] = this.f64[S_LOWEST >> 3]! -= 1;
    this.i32[S_STREAK >> 2] = 0;
  }

  preempts(ready: readonly number[], current: number): boolean {
    return ready.some((ts) => this.priority(ts) > this.priority(current));
  }
}
