/**
 * Which guest registers and windows must be in wasm locals where, and which locals are newer than the thread
 * state. A *cell* is a guest register (0..64) or a window (CELL_WINDOW + reg * 2 + mode).
 */
import { REG_COUNT, REG_FCSR, type Stmt, type Term } from '../ir/ir.js';
import type { Region } from './region.js';

export const CELL_WINDOW = REG_COUNT;
export const CELLS = REG_COUNT + 64;

export type CellSet = Uint8Array;

export interface BlockFacts {
  dirtyIn: CellSet;
  dirtyOut: CellSet;
  liveIn: CellSet;
  /** Dirty registers at each statement that may leave, by statement index; before the statement. */
  dirtyAt: Map<number, number[]>;
  /** Cells to read back after each sync call, by statement index. */
  reloadAt: Map<number, number[]>;
  /** Dirty registers at the terminator. */
  dirtyEnd: number[];
}

export function windowCell(base: number, acc: 'r' | 'w' | 'rw'): number {
  return CELL_WINDOW + Math.max(base, 0) * 2 + (acc === 'r' ? 0 : 1);
}

/** Whether execution may leave the region at this statement with the registers as they are. */
function leaves(s: Stmt): boolean {
  return s.s === 'xlat' || s.s === 'exitif' || (s.s === 'call' && s.sync);
}

/** Whether control comes back from the terminator with all registers possibly changed. */
export function comesBack(t: Term): boolean {
  return t.t === 'call' || t.t === 'icall' || t.t === 'exit';
}

function list(set: CellSet, limit = REG_COUNT): number[] {
  const out: number[] = [];
  for (let i = 0; i < limit; i++) if (set[i]) out.push(i);
  return out;
}

export function cellsOf(set: CellSet): number[] {
  return list(set, CELLS);
}

export function analyseCells(region: Region, order: readonly number[], succ: number[][]): BlockFacts[] {
  const facts = region.blocks.map(
    (): BlockFacts => ({
      dirtyIn: new Uint8Array(CELLS),
      dirtyOut: new Uint8Array(CELLS),
      liveIn: new Uint8Array(CELLS),
      dirtyAt: new Map(),
      reloadAt: new Map(),
      dirtyEnd: [],
    }),
  );
  for (let changed = true; changed; ) {
    changed = false;
    for (const b of order) if (forward(region, b, facts, succ)) changed = true;
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = order.length - 1; i >= 0; i--) {
      if (backward(region, order[i]!, facts, succ)) changed = true;
    }
  }
  return facts;
}

function forward(region: Region, b: number, facts: BlockFacts[], succ: number[][]): boolean {
  const f = facts[b]!;
  const block = region.blocks[b]!;
  const d = f.dirtyIn.slice();
  block.stmts.forEach((s, i) => {
    if (leaves(s)) f.dirtyAt.set(i, list(d));
    if (s.s === 'put') d[s.reg] = 1;
    else if (s.s === 'fp') d[REG_FCSR] = 1;
    else if (s.s === 'call' && s.sync) d.fill(0);
  });
  f.dirtyEnd = list(d);
  if (comesBack(block.term)) d.fill(0);
  f.dirtyOut = d;
  let changed = false;
  for (const t of succ[b]!) {
    const into = facts[t]!.dirtyIn;
    for (let i = 0; i < REG_COUNT; i++) {
      if (d[i] && !into[i]) {
        into[i] = 1;
        changed = true;
      }
    }
  }
  return changed;
}

function backward(region: Region, b: number, facts: BlockFacts[], succ: number[][]): boolean {
  const f = facts[b]!;
  const block = region.blocks[b]!;
  const live = new Uint8Array(CELLS);
  if (!comesBack(block.term)) {
    for (const t of succ[b]!) {
      const from = facts[t]!.liveIn;
      for (let i = 0; i < CELLS; i++) if (from[i]) live[i] = 1;
    }
  }
  // Every terminator may write the dirty registers back (exits, calls, polls at back edges).
  for (const r of f.dirtyEnd) live[r] = 1;
  for (let i = block.stmts.length - 1; i >= 0; i--) {
    const s = block.stmts[i]!;
    switch (s.s) {
      case 'get':
        live[s.reg] = 1;
        break;
      case 'put':
        live[s.reg] = 0;
        break;
      case 'fp':
        live[REG_FCSR] = 1;
        break;
      case 'xlat':
        live[windowCell(s.base, s.acc)] = 1;
        break;
      case 'call':
        if (s.sync) {
          f.reloadAt.set(i, cellsOf(live));
          live.fill(0);
        }
        break;
      default:
    }
    const dirty = f.dirtyAt.get(i);
    if (dirty) for (const r of dirty) live[r] = 1;
  }
  let changed = false;
  for (let i = 0; i < CELLS; i++) {
    if (live[i] && !f.liveIn[i]) {
      f.liveIn[i] = 1;
      changed = true;
    }
  }
  return changed;
}
