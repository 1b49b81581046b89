/**
 * Accesses of a block at constant distances from each other, as to the fields of a structure or a stack frame, share one
 * check: the first one looks whether all of their bytes lie in its window, the others take its host address.
 */
import { GROUP_SPAN } from '../../kernel/core/layout.js';
import { type Block, c32, type Stmt, type Tmp } from '../ir/ir.js';
import { evaluate, termsKey } from './linear.js';
import type { CellOf, Xlat } from './windows.js';

interface Group {
  leader: Xlat;
  /** Constant part of the leader's address, and the group's bytes relative to the same origin. */
  at: number;
  low: number;
  high: number;
}

/** Joins the block's checks. The first access of each group is marked in place; the block's statements are replaced. */
export function joinChecks(block: Block, cellOf: CellOf): Block {
  const { accesses } = evaluate(block);
  if (accesses.size < 2) return block;
  const groups = new Map<string, Group>();
  const moved = new Map<number, Moved>();
  const stmts: Stmt[] = [];
  for (const s of block.stmts) {
    // A call may change mappings, or restart the instruction.
    if (s.s === 'call') groups.clear();
    const address = s.s === 'xlat' ? accesses.get(s) : null;
    if (s.s !== 'xlat' || !address) {
      stmts.push(rebase(s, moved));
      continue;
    }
    const low = address.c + s.off;
    const high = low + s.size;
    const key = `${cellOf(s)} ${s.acc} ${termsKey(address)}`;
    const g = groups.get(key);
    if (!g || Math.max(g.high, high) - Math.min(g.low, low) > GROUP_SPAN) {
      groups.set(key, { leader: s, at: address.c, low, high });
      stmts.push(s);
      continue;
    }
    g.low = Math.min(g.low, low);
    g.high = Math.max(g.high, high);
    g.leader.below = g.at + g.leader.off - g.low;
    g.leader.above = g.high - g.at - g.leader.off;
    const by = address.c - g.at;
    moved.set(s.d.id, { h: g.leader.d, by });
    stmts.push({ s: 'op', d: s.d, op: 'i32.add', a: [g.leader.d, c32(by)] });
  }
  return { ...block, stmts };
}

/** A host address that is another one plus a constant. */
interface Moved {
  h: Tmp;
  by: number;
}

/** A load or store at a moved address goes by the other one directly, where its offset stays positive. */
function rebase(s: Stmt, moved: ReadonlyMap<number, Moved>): Stmt {
  if ((s.s !== 'load' && s.s !== 'store') || s.h.k !== 't') return s;
  const m = moved.get(s.h.id);
  return m && s.off + m.by >= 0 ? { ...s, h: m.h, off: s.off + m.by } : s;
}
