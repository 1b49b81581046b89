/**
 * Addresses as sums: what a block computes, in terms of the registers at its start and of values that are no such sum,
 * so that accesses which differ by constants, or move on evenly, are seen to do so.
 */
import type { Block, Opnd } from '../ir/ir.js';
import type { Xlat } from './windows.js';

/** Offsets and coefficients beyond these are not followed. */
const MAX_OFFSET = 2 ** 31;
const MAX_COEF = 256;

/**
 * Sum of `coef * atom` over the entries of `terms`, plus `c`. Atoms below ATOM_TEMP are guest registers at the block's
 * start, the others temporaries.
 */
export interface Linear {
  terms: ReadonlyMap<number, number>;
  c: number;
}

export const ATOM_TEMP = 1000;

export interface Evaluated {
  /** Registers that the block writes, by value at its end; null for constants and sums too large to follow. */
  ends: Map<number, Linear | null>;
  /** Addresses without the accesses' own offsets. */
  accesses: Map<Xlat, Linear | null>;
}

export function evaluate(block: Block): Evaluated {
  const temps: (Linear | undefined)[] = new Array(block.temps);
  const ends = new Map<number, Linear | null>();
  const accesses = new Map<Xlat, Linear | null>();
  const linearOf = (o: Opnd): Linear | null => {
    if (o.k === 't') return temps[o.id] ?? { terms: new Map([[ATOM_TEMP + o.id, 1]]), c: 0 };
    return o.k === 'c' && typeof o.v === 'number' && Math.abs(o.v) <= MAX_OFFSET
      ? { terms: new Map(), c: o.v }
      : null;
  };
  for (const s of block.stmts) {
    if (s.s === 'get') {
      const now = ends.get(s.reg);
      if (now === undefined) temps[s.d.id] = { terms: new Map([[s.reg, 1]]), c: 0 };
      else if (now) temps[s.d.id] = now;
    } else if (s.s === 'put') ends.set(s.reg, linearOf(s.v));
    else if (s.s === 'call' && s.sync) ends.clear();
    else if (s.s === 'xlat') accesses.set(s, linearOf(s.addr));
    else if (s.s === 'op') {
      const v = apply(s.op, s.a.map(linearOf));
      if (v) temps[s.d.id] = v;
    }
  }
  return { ends, accesses };
}

function apply(op: string, [x, y]: (Linear | null | undefined)[]): Linear | null {
  if (!x || !y) return null;
  if (op === 'i64.add') return sum(x, y, 1);
  if (op === 'i64.sub') return sum(x, y, -1);
  if (y.terms.size > 0) return null;
  if (op === 'i64.shl') return y.c >= 0 && y.c < 16 ? sum({ terms: new Map(), c: 0 }, x, 2 ** y.c) : null;
  if (op === 'i64.mul') return sum({ terms: new Map(), c: 0 }, x, y.c);
  return null;
}

/** x + k * y, or null when numbers become large. */
function sum(x: Linear, y: Linear, k: number): Linear | null {
  const terms = new Map(x.terms);
  for (const [reg, coef] of y.terms) {
    const n = (terms.get(reg) ?? 0) + k * coef;
    if (Math.abs(n) > MAX_COEF) return null;
    if (n === 0) terms.delete(reg);
    else terms.set(reg, n);
  }
  const c = x.c + k * y.c;
  return Math.abs(c) > MAX_OFFSET ? null : { terms, c };
}

/** The terms as a string: equal for sums that differ by a constant. */
export function termsKey(v: Linear): string {
  return [...v.terms].sort((a, b) => a[0] - b[0]).join(' ');
}
