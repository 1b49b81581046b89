/**
 * Where clocks of threads began, for --history-level=approx: rings that src/rt/hg-clocks.ts writes (HG_SEGMENTS). An
 * access was made between the beginning of its clock and that of the next one of its thread.
 */
import type { Machine } from '../../../kernel/core/machine.js';
import { ownerOf } from './cells.js';
import { HG_INDEX, HG_INDEX_ENTRY, HG_SEGMENTS, HG_SEGMENTS_KEPT, INDEX_LIVE } from './layout.js';

/** A place in the life of a thread: an interned trace, or one of its ends, or a place that is not known any more. */
export type Place = number | 'start' | 'end' | 'forgotten';

/** Between which two places the thread with this clock index was at this clock. */
export function segmentOf(machine: Machine, index: number, clock: number): { after: Place; before: Place } {
  const began = traceAt(machine, index, clock);
  const after = began === null ? 'forgotten' : began === 0 ? 'start' : began;
  const next = traceAt(machine, index, clock + 1);
  if (next === null) return { after, before: isLatest(machine, index, clock) ? 'end' : 'forgotten' };
  // The next clock may be the first one of the thread that has the index now.
  const same = ownerOf(machine, index, clock + 1).number === ownerOf(machine, index, clock).number;
  return { after, before: same ? next || 'forgotten' : 'end' };
}

/** Whether no clock of the index came after this one. */
function isLatest(machine: Machine, index: number, clock: number): boolean {
  const entry = (HG_INDEX + index * HG_INDEX_ENTRY) >> 2;
  if (Atomics.load(machine.i32, entry) !== INDEX_LIVE) return machine.u32[entry + 1]! <= clock;
  return newest(machine, index) <= clock;
}

/** The largest clock in the ring. */
function newest(machine: Machine, index: number): number {
  let most = 0;
  for (let n = 0; n < HG_SEGMENTS_KEPT; n++) {
    const at = (HG_SEGMENTS + (index * HG_SEGMENTS_KEPT + n) * 8) >> 2;
    most = Math.max(most, Atomics.load(machine.i32, at));
  }
  return most;
}

/** Trace where a clock began, null where the ring has another clock's. */
function traceAt(machine: Machine, index: number, clock: number): number | null {
  const at = (HG_SEGMENTS + (index * HG_SEGMENTS_KEPT + (clock & (HG_SEGMENTS_KEPT - 1))) * 8) >> 2;
  const { i32 } = machine;
  if (Atomics.load(i32, at) !== clock) return null;
  const trace = Atomics.load(i32, at + 1);
  return Atomics.load(i32, at) === clock ? trace : null;
}
