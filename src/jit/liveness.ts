/**
 * Which guest registers and windows must be in wasm locals where, and which locals are newer than the thread
 * state. A *cell* is a guest register (0..64) or a window (windows.ts).
 */
import { type Block, REG_COUNT, REG_FCSR, type Stmt, type Term } from '../ir/ir.js';
import { type GiveUp, giveUpOf } from './own.js';
import type { Region } from './region.js';
import type { CellOf } from './windows.js';

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
  /** What it takes to start the block over; null where it never does. */
  giveUp: GiveUp | null;
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

export function analyseCells(
  region: Region,
  order: readonly number[],
  succ: number[][],
  cellOf: CellOf,
): BlockFacts[] {
  const facts = region.blocks.map(
    (): BlockFacts => ({
      dirtyIn: new Uint8Array(CELLS),
      dirtyOut: new Uint8Array(CELLS),
      liveIn: new Uint8Array(CELLS),
      dirtyAt: new Map(),
      reloadAt: new Map(),
      dirtyEnd: [],
      giveUp: null,
    }),
  );
  spreadDirty(region, order, succ, facts);
  for (const b of order) {
    recordDirty(region.blocks[b]!, facts[b]!);
    facts[b]!.giveUp = giveUpOf(region.blocks[b]!, facts[b]!.dirtyIn);
  }
  spreadLive(region, order, succ, facts, cellOf);
  for (const b of order) {
    if (facts[b]!.reloadAt.size > 0)
      scanBack(region.blocks[b]!, facts[b]!, liveOut(region, b, succ, facts), null, cellOf);
  }
  return facts;
}

/** Fixed point of dirtyIn and dirtyOut, from what each block makes dirty and whether it writes back. */
function spreadDirty(region: Region, order: readonly number[], succ: number[][], facts: BlockFacts[]): void {
  const clears = region.blocks.map((block, b) => {
    const out = facts[b]!.dirtyOut;
    let cleared = false;
    for (const s of block.stmts) {
      if (s.s === 'put') out[s.reg] = 1;
      else if (s.s === 'fp') out[REG_FCSR] = 1;
      else if (s.s === 'call' && s.sync) {
        out.fill(0);
        cleared = true;
      }
    }
    if (comesBack(block.term)) out.fill(0);
    return cleared || comesBack(block.term);
  });
  for (let changed = true; changed; ) {
    changed = false;
    for (const b of order) {
      const { dirtyIn, dirtyOut } = facts[b]!;
      if (!clears[b]) unite(dirtyOut, dirtyIn);
      for (const t of succ[b]!) if (unite(facts[t]!.dirtyIn, dirtyOut)) changed = true;
    }
  }
}

/** Adds `from` to `into`; true when that changed it. */
function unite(into: CellSet, from: CellSet): boolean {
  let changed = false;
  for (let i = 0; i < CELLS; i++) {
    if (from[i] && !into[i]) {
      into[i] = 1;
      changed = true;
    }
  }
  return changed;
}

/** With dirtyIn final: the dirty registers wherever the block may be left. */
function recordDirty(block: Block, f: BlockFacts): void {
  const d = f.dirtyIn.slice();
  let now: number[] | null = null;
  block.stmts.forEach((s, i) => {
    if (leaves(s)) {
      now ??= list(d);
      f.dirtyAt.set(i, now);
    }
    const reg = s.s === 'put' ? s.reg : s.s === 'fp' ? REG_FCSR : -1;
    if (reg >= 0 && !d[reg]) {
      d[reg] = 1;
      now = null;
    } else if (s.s === 'call' && s.sync) {
      d.fill(0);
      now = null;
      f.reloadAt.set(i, []);
    }
  });
  f.dirtyEnd = now ?? list(d);
}

/** Fixed point of liveIn: what a block reads first, and what it lets through of what its successors read. */
function spreadLive(
  region: Region,
  order: readonly number[],
  succ: number[][],
  facts: BlockFacts[],
  cellOf: CellOf,
): void {
  const kills = region.blocks.map(() => new Uint8Array(CELLS));
  for (const b of order) {
    facts[b]!.liveIn = scanBack(region.blocks[b]!, facts[b]!, new Uint8Array(CELLS), kills[b]!, cellOf);
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = order.length - 1; i >= 0; i--) {
      const b = order[i]!;
      const out = liveOut(region, b, succ, facts);
      const kill = kills[b]!;
      for (let c = 0; c < CELLS; c++) if (kill[c]) out[c] = 0;
      if (unite(facts[b]!.liveIn, out)) changed = true;
    }
  }
}

function liveOut(region: Region, b: number, succ: number[][], facts: BlockFacts[]): CellSet {
  const live = new Uint8Array(CELLS);
  // After a call everything is read back anew.
  if (!comesBack(region.blocks[b]!.term)) for (const t of succ[b]!) unite(live, facts[t]!.liveIn);
  return live;
}

/**
 * Runs a block backwards from what is live behind it (`live` is changed and returned). Fills `kill` with the cells
 * that the block sets, and the reload lists of sync calls.
 */
function scanBack(block: Block, f: BlockFacts, live: CellSet, kill: CellSet | null, cellOf: CellOf): CellSet {
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
        if (kill) kill[s.reg] = 1;
        break;
      case 'fp':
        live[REG_FCSR] = 1;
        break;
      case 'xlat':
        live[cellOf(s)] = 1;
        break;
      case 'call':
        if (s.sync) {
          f.reloadAt.set(i, cellsOf(live));
          live.fill(0);
          kill?.fill(1);
        }
        break;
      default:
    }
    const dirty = f.dirtyAt.get(i);
    if (dirty) for (const r of dirty) live[r] = 1;
  }
  if (f.giveUp) for (const r of f.giveUp.dirty) live[r] = 1;
  return live;
}
