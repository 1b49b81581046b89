/**
 * Inner loops whose accesses need no check of their own. Addresses in loops mostly are sums of registers that the loop
 * leaves alone or moves on by a constant or by another register. For CHUNK turns ahead such addresses are bounded, so
 * one look at the windows covers all of them; the region then takes a copy of the loop without these checks
 * (codegen.ts), and looks again after CHUNK turns.
 */
import type { Block } from '../ir/ir.js';
import { ATOM_TEMP, evaluate, type Linear, termsKey } from './linear.js';
import type { Region } from './region.js';
import type { CellOf, Xlat } from './windows.js';

/** Turns that one look covers: more turns make the look cheaper, and fail more often near the end of a window. */
export const CHUNK = 64;
const MAX_BLOCKS = 16;
const MAX_STMTS = 300;
/** Addresses that move farther than this in CHUNK turns are left to the checks. */
const MAX_REACH = 2 ** 31;

/** How one turn of the loop changes a register: by something in low..high, and up to once by coef * step. */
interface Change {
  low: number;
  high: number;
  step: { reg: number; coef: number } | null;
}

/** Accesses whose addresses differ by constants and go through the same window cell. */
export interface Group {
  cell: number;
  /** Registers, at the loop's header, and their coefficients. */
  terms: ReadonlyMap<number, number>;
  /** Lowest and highest byte over CHUNK turns, without what `step` adds. */
  low: number;
  high: number;
  /** Each turn adds coef * register once. */
  step: { reg: number; coef: number } | null;
}

export interface LoopPlan {
  body: ReadonlySet<number>;
  groups: readonly Group[];
  covered: ReadonlySet<Xlat>;
  /** Cells of groups that accesses with a check use as well, and may change. */
  unsteady: ReadonlySet<number>;
}

/**
 * Plans the copy of an innermost loop, given as the set of its blocks; null when nothing is gained or something in the
 * loop may change registers or windows unseen.
 */
export function planLoop(region: Region, body: ReadonlySet<number>, cellOf: CellOf): LoopPlan | null {
  if (body.size > MAX_BLOCKS) return null;
  const blocks = [...body].map((b) => region.blocks[b]!);
  if (!blocks.every(plain) || blocks.reduce((n, b) => n + b.stmts.length, 0) > MAX_STMTS) return null;
  const seen = blocks.map(evaluate);
  const changes = turn(seen.map((s) => s.ends));
  const groups = new Map<string, Group>();
  const covered = new Set<Xlat>();
  const unsteady = new Set<number>();
  for (const { accesses } of seen) {
    for (const [s, address] of accesses) {
      const g = address && bounds(address, s, cellOf(s), changes);
      if (!address || !g) {
        unsteady.add(cellOf(s));
        continue;
      }
      covered.add(s);
      const key = `${g.cell} ${termsKey(address)}`;
      const old = groups.get(key);
      if (!old) groups.set(key, g);
      else {
        old.low = Math.min(old.low, g.low);
        old.high = Math.max(old.high, g.high);
      }
    }
  }
  if (covered.size === 0) return null;
  return { body, groups: [...groups.values()], covered, unsteady };
}

function plain(b: Block): boolean {
  return (b.term.t === 'goto' || b.term.t === 'br') && !b.stmts.some((s) => s.s === 'call' && s.sync);
}

/** What one turn changes, by register: each block is passed once at most. Null for values that do not move on evenly. */
function turn(ends: readonly Map<number, Linear | null>[]): Map<number, Change | null> {
  const changes = new Map<number, Change | null>();
  for (const end of ends) {
    for (const [reg, v] of end) changes.set(reg, advance(changes.get(reg), reg, v));
  }
  for (const [reg, c] of changes) if (c?.step && changes.has(c.step.reg)) changes.set(reg, null);
  return changes;
}

function advance(old: Change | null | undefined, reg: number, v: Linear | null): Change | null {
  if (old === null || !v || v.terms.get(reg) !== 1 || v.terms.size > 2) return null;
  const other = [...v.terms].find(([r]) => r !== reg);
  if (other && (old?.step || other[0] >= ATOM_TEMP)) return null;
  return {
    low: (old?.low ?? 0) + Math.min(v.c, 0),
    high: (old?.high ?? 0) + Math.max(v.c, 0),
    step: other ? { reg: other[0], coef: other[1] } : (old?.step ?? null),
  };
}

/** Where an access goes over CHUNK turns; null when that is not known. */
function bounds(a: Linear, s: Xlat, cell: number, changes: ReadonlyMap<number, Change | null>): Group | null {
  let low = a.c + s.off - (s.below ?? 0);
  let high = a.c + s.off + (s.above ?? s.size) - 1;
  let step: Group['step'] = null;
  for (const [reg, coef] of a.terms) {
    const change = reg < ATOM_TEMP ? changes.get(reg) : null;
    if (change === null) return null;
    if (!change) continue;
    low += CHUNK * coef * (coef > 0 ? change.low : change.high);
    high += CHUNK * coef * (coef > 0 ? change.high : change.low);
    if (!change.step) continue;
    // Of two steps, one may come before the other within a turn: their sum would not bound what lies between.
    if (step) return null;
    step = { reg: change.step.reg, coef: coef * change.step.coef };
  }
  if (Math.max(Math.abs(low), Math.abs(high)) > MAX_REACH) return null;
  return { cell, terms: a.terms, low, high, step };
}
