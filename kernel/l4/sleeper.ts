/** Sleeping that ends when the thread has to: every wait of the L4 face goes through here. */
import { POLL_MS } from '../../sync/wait.js';
import { monotonicMs } from '../core/clock.js';
import { G_EXITING, STOP_EXIT, T_STOP } from '../core/layout.js';
import type { L4Env } from './env.js';

/** Loads made before a thread sleeps: some 20 us at most, where a sleep and its wake-up cost about as much. */
const SPINS_MOST = 4000;
const SPINS_LEAST = 50;
/** Every so many waits a thread that has given up spinning tries again whether it pays. */
const RETRY = 64;

export class Sleeper {
  readonly #i32: Int32Array;
  /** What the waits so far say is worth it: answers come at once or after long. */
  #spins = SPINS_MOST;
  #waits = 0;

  constructor(private readonly env: Pick<L4Env, 'machine' | 'scheduled' | 'blocked' | 'spins'>) {
    this.#i32 = env.machine.i32;
  }

  /** Monotonic time in ms that deadlines are points of. */
  now(): number {
    return this.env.scheduled ? this.env.scheduled.now() / 1e6 : monotonicMs();
  }

  /** Whether the engine thread or the run is ending. */
  stopping(ts: number): boolean {
    return (
      (Atomics.load(this.#i32, (ts + T_STOP) >>> 2) & STOP_EXIT) !== 0 ||
      Atomics.load(this.#i32, G_EXITING >>> 2) !== 0
    );
  }

  /** Looks for a while whether the word changes: a partner on another processor answers sooner than a sleeper wakes. */
  #spin(at: number, value: number): boolean {
    const i32 = this.#i32;
    const index = at >>> 2;
    const most = ++this.#waits % RETRY === 0 ? SPINS_MOST : this.#spins;
    for (let n = 0; n < most; n++) {
      if (Atomics.load(i32, index) === value) continue;
      this.#spins = Math.min(SPINS_MOST, Math.max(this.#spins, n * 4));
      return true;
    }
    this.#spins = Math.max(SPINS_LEAST, this.#spins >>> 1);
    return false;
  }

  /** Sleeps while the word at host address `at` holds `value`, until `deadline`, or until the thread has to end. */
  wait(ts: number, at: number, value: number, deadline: number): void {
    const i32 = this.#i32;
    const { scheduled } = this.env;
    if (Atomics.load(i32, at >>> 2) !== value || this.stopping(ts)) return;
    if (scheduled) {
      scheduled.wait(ts, at, value, deadline);
      return;
    }
    if (this.env.spins && this.#spin(at, value)) return;
    this.env.blocked(() => {
      while (Atomics.load(i32, at >>> 2) === value && !this.stopping(ts)) {
        const left = deadline === Infinity ? POLL_MS : deadline - monotonicMs();
        if (left <= 0) return;
        Atomics.wait(i32, at >>> 2, value, Math.min(left, POLL_MS));
      }
    });
  }
}
