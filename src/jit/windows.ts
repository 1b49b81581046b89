/**
 * Which window cell an access goes through. Cells lie in the thread state (T_REGWIN) and, inside a region, in wasm
 * locals. A program works in a few windows: where the interpreter has seen which one an access uses, each window has a
 * cell of its own, the same one in all regions; anything else goes by base register.
 */
import { REG_COUNT, type Stmt } from '../ir/ir.js';
import type { Region } from './region.js';

export type Xlat = Extract<Stmt, { s: 'xlat' }>;
/** The cell whose window an access uses. */
export type CellOf = (s: Xlat) => number;
/** Slot 0..31 of the window that an instruction's access went through, -1 when that is not known. */
export type SlotAt = (pc: number) => number;

export const CELL_WINDOW = REG_COUNT;

/** The cell of the access's base register: even for reading, odd for writing. */
export const ownCell: CellOf = (s) => cell(Math.max(s.base, 0), s.acc !== 'r');

function cell(n: number, writes: boolean): number {
  return CELL_WINDOW + n * 2 + (writes ? 1 : 0);
}

/** Whether windows of the cell permit writing, so that a load through it must not put another kind there. */
export function forWriting(c: number): boolean {
  return ((c - CELL_WINDOW) & 1) !== 0;
}

/** Cells by window for the accesses of a region. Loads use a window for writing where the region stores through it. */
export function cellsByWindow(region: Region, slotAt: SlotAt): CellOf {
  const slots = new Map<Xlat, number>();
  const written = new Set<number>();
  for (const b of region.blocks) {
    let pc = b.pc;
    for (const s of b.stmts) {
      if (s.s === 'imark') pc = s.pc;
      if (s.s !== 'xlat') continue;
      const slot = slotAt(pc);
      if (slot < 0) continue;
      slots.set(s, slot);
      if (s.acc !== 'r') written.add(slot);
    }
  }
  return (s) => {
    const slot = slots.get(s);
    return slot === undefined ? ownCell(s) : cell(slot, s.acc !== 'r' || written.has(slot));
  };
}
