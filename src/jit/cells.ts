/**
 * Which guest registers and windows are in wasm locals where, and which locals are newer than the thread state. A *cell*
 * is a guest register (0..64) or a window (windows.ts).
 *
 * Cells are loaded where they are first used, not all at a region's entry and behind each call, for a call leaves nothing
 * in locals. Before a loop without calls, what it uses is loaded. A register that is newer in its local on one way to a
 * block than in the thread state must be in its local on all ways; so that this costs nothing in loops with calls, such
 * registers are written back on the way into the loop.
 */
import { type Block, REG_COUNT, REG_FCSR, type Stmt, type Term } from '../ir/ir.js';
import { type Flow, loopOf } from './flow.js';
import { type GiveUp, giveUpOf } from './own.js';
import type { Region } from './region.js';
import type { CellOf } from './windows.js';

export const CELLS = REG_COUNT + 64;

export type CellSet = Uint8Array;

export interface BlockFacts {
  dirtyIn: CellSet;
  dirtyOut: CellSet;
  /** Cells that every way into the block has to leave in locals. */
  need: CellSet;
  /** Cells that are in locals at its start, and at its end. */
  there: CellSet;
  left: CellSet;
  /** Blocks from whose ends the way here goes into a loop with calls: dirty registers are written back on it. */
  clean: Set<number>;
  /** Dirty registers at each statement that may leave, by statement index; before the statement. */
  dirtyAt: Map<number, number[]>;
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

export function analyseCells(region: Region, flow: Flow, succ: number[][], cellOf: CellOf): BlockFacts[] {
  const facts = region.blocks.map(
    (): BlockFacts => ({
      dirtyIn: new Uint8Array(CELLS),
      dirtyOut: new Uint8Array(CELLS),
      need: new Uint8Array(CELLS),
      there: new Uint8Array(CELLS),
      left: new Uint8Array(CELLS),
      clean: new Set(),
      dirtyAt: new Map(),
      dirtyEnd: [],
      giveUp: null,
    }),
  );
  const { order } = flow;
  const uses = region.blocks.map((b) => usesOf(b, cellOf));
  for (const h of order) if (flow.loopHeader[h]) enterLoop(region, flow, succ, h, facts, uses);
  spreadDirty(region, order, succ, facts);
  for (const b of order) {
    const f = facts[b]!;
    recordDirty(region.blocks[b]!, f);
    f.giveUp = giveUpOf(region.blocks[b]!, f.dirtyIn);
    unite(f.need, f.dirtyIn);
    for (const r of f.giveUp?.dirty ?? []) f.need[r] = 1;
  }
  // No code can stand on the ways out of the dispatching block.
  const { dispatch } = region;
  if (dispatch !== undefined) for (const t of succ[dispatch]!) unite(facts[dispatch]!.need, facts[t]!.need);
  spreadThere(flow, succ, facts, uses);
  return facts;
}

/** Cells to load on the way from one block to another. */
export function missing(from: BlockFacts, to: BlockFacts): number[] {
  return list(to.need, CELLS).filter((c) => !from.left[c]);
}

interface Uses {
  /** Read before the block sets them. */
  first: CellSet;
  /** In locals at the end, whatever was there at the start. */
  gains: CellSet;
  /** A call within the block leaves nothing of what was there before. */
  calls: boolean;
}

/** The cell that a statement reads, or -1. */
export function cellRead(s: Stmt, cellOf: CellOf): number {
  return s.s === 'get' ? s.reg : s.s === 'fp' ? REG_FCSR : s.s === 'xlat' ? cellOf(s) : -1;
}

function usesOf(block: Block, cellOf: CellOf): Uses {
  const first = new Uint8Array(CELLS);
  const gains = new Uint8Array(CELLS);
  let calls = false;
  for (const s of block.stmts) {
    const read = cellRead(s, cellOf);
    if (read >= 0) {
      if (!gains[read] && !calls) first[read] = 1;
      gains[read] = 1;
    } else if (s.s === 'put') gains[s.reg] = 1;
    else if (s.s === 'call' && s.sync) {
      gains.fill(0);
      calls = true;
    }
  }
  if (comesBack(block.term)) gains.fill(0);
  return { first, gains, calls: calls || comesBack(block.term) };
}

/** What the ways into a loop have to do: load what the loop uses, or with calls in it write back what is dirty. */
function enterLoop(
  region: Region,
  flow: Flow,
  succ: number[][],
  h: number,
  facts: BlockFacts[],
  uses: readonly Uses[],
): void {
  const { all, inner } = loopOf(flow, succ, h);
  const body = [...(inner ?? all)];
  if (!body.some((b) => uses[b]!.calls)) {
    for (const b of body) unite(facts[h]!.need, uses[b]!.first);
    return;
  }
  for (const b of flow.order) {
    const inside = b === region.dispatch || all.has(b) || comesBack(region.blocks[b]!.term);
    if (!inside && succ[b]!.includes(h)) facts[h]!.clean.add(b);
  }
}

/** Fixed point of what is in locals. */
function spreadThere(flow: Flow, succ: number[][], facts: BlockFacts[], uses: readonly Uses[]): void {
  for (const b of flow.order) {
    if (b !== 0) facts[b]!.there.fill(1);
    leave(facts[b]!, uses[b]!);
  }
  const first = facts[0]!;
  first.there.set(first.need);
  leave(first, uses[0]!);
  for (let changed = true; changed; ) {
    changed = false;
    for (const b of flow.order) {
      for (const t of succ[b]!) {
        const { there, need } = facts[t]!;
        const { left } = facts[b]!;
        for (let c = 0; c < CELLS; c++) {
          if (!there[c] || left[c] || need[c]) continue;
          there[c] = 0;
          changed = true;
        }
      }
    }
    for (const b of flow.order) leave(facts[b]!, uses[b]!);
  }
}

function leave(f: BlockFacts, u: Uses): void {
  f.left.set(u.gains);
  if (!u.calls) unite(f.left, f.there);
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
      for (const t of succ[b]!) {
        if (!facts[t]!.clean.has(b) && unite(facts[t]!.dirtyIn, dirtyOut)) changed = true;
      }
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
    }
  });
  f.dirtyEnd = now ?? list(d);
}
