/** The KIP clock: microseconds since the machine was made, one for all workers; and IPC timeouts measured by it. */

import { G_CLOCK_BASE } from '../core/layout.js';
import * as A from './abi.js';
import type { L4State } from './state.js';

/** Deadline of a phase that does not wait. */
export const AT_ONCE = 0;
const POLL = 0x400;
const ABSOLUTE = 0x8000;

/** Microseconds on the KIP clock. */
export function kipClock(state: L4State): number {
  return Math.floor((state.now() - state.f64[G_CLOCK_BASE >>> 3]!) * 1000);
}

/**
 * Deadline, in monotonic ms, of one half of the timeouts word.
 * @param half 16 bits, fact sheet 2.3.
 */
export function deadlineOf(state: L4State, half: number, utcb: number): number {
  if (half === 0) return Infinity;
  if (half === POLL) return AT_ONCE;
  if ((half & ABSOLUTE) !== 0) {
    const index = Math.min(half & 0x3f, A.BR_WORDS - 1);
    const until = state.words.unsigned(utcb + A.UTCB_BR + index * 8);
    return state.f64[G_CLOCK_BASE >>> 3]! + until / 1000;
  }
  const micros = (half & 0x3ff) * 2 ** ((half >>> 10) & 0x1f);
  return micros === 0 ? AT_ONCE : state.now() + micros / 1000;
}
