/**
 * Where threads were created, by their number: a table of CREATIONS words at the end of SYNC_AREA, entry
 * number % CREATIONS, {number, trace}. Written by the creator before the thread runs; reports read it.
 */
import { SYNC_AREA_END } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { SETS_END } from './sync-area.js';

const CREATIONS = (SYNC_AREA_END - SETS_END) / 8;

export class Creations {
  constructor(private readonly machine: Machine) {}

  add(number: number, trace: number): void {
    const at = (SETS_END >> 2) + (number % CREATIONS) * 2;
    this.machine.i32[at + 1] = trace;
    Atomics.store(this.machine.i32, at, number);
  }

  /** Trace of the creation of a thread, 0 for the first one and for those of long ago. */
  traceOf(number: number): number {
    const at = (SETS_END >> 2) + (number % CREATIONS) * 2;
    return Atomics.load(this.machine.i32, at) === number ? this.machine.i32[at + 1]! : 0;
  }
}
