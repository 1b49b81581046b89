/**
 * --atomicity=restart: makes blocks atomic by line ownership (kernel/core/ownership.ts). Before each access the thread
 * needs the right to its line; rights are kept to the block's end at least. Where a right cannot be had, or a page is
 * not there, the block *gives up*: what it stored is undone, registers are as they were at its start, and it starts over.
 *
 * Stores that something behind them may undo are logged first, the tool's too. What cannot be undone (atomics, calls of
 * a tool's functions) must have nothing behind it that gives up: blocks end behind atomics for that (`endsBlock`), and a
 * block in which it happens nevertheless runs alone from its start, the other threads being between blocks.
 */
import { UNDO_MAX } from '../../kernel/core/ownership.js';
import { type Block, type Opnd, REG_COUNT, REG_FCSR, type Stmt } from '../ir/ir.js';
import { STORES } from '../ir/ops.js';
import type { Insn } from '../isa/decode.js';

/** Calls without an effect that matters when they are made twice. */
const REPEATABLE = new Set([
  'csr_cycle',
  'csr_time',
  'csr_instret',
  'class_d',
  'class_s',
  'audit_begin',
  'audit_access',
  'audit_end',
]);

/** Whether blocks end behind the instruction, so that nothing behind it can give up. */
export function endsBlock(i: Insn): boolean {
  return /^(amo|lr\.|sc\.)/.test(i.op);
}

function hasEffect(s: Stmt): boolean {
  return s.s === 'call' && !REPEATABLE.has(s.fn);
}

/** Whether the block may give up at the statement, in a block that owns lines. */
export function givesUp(s: Stmt): boolean {
  return s.s === 'own' || s.s === 'xlat' || s.s === 'pin';
}

/** Adds what makes the block atomic. To be done after a tool has added what it has to. */
export function ownLines(block: Block): Block {
  const { stmts } = block;
  const last = stmts.findLastIndex((s) => s.s === 'xlat');
  if (last < 0) return block;
  const logged = stmts.slice(0, last).filter((s) => s.s === 'store').length;
  const effect = stmts.findIndex(hasEffect);
  if (logged > UNDO_MAX || (effect >= 0 && effect < last))
    return { ...block, stmts: [{ s: 'pin' }, ...stmts] };
  const out: Stmt[] = [];
  /** Accesses that have the right already, by address and size. */
  const owned = new Map<string, Extract<Stmt, { s: 'own' }>>();
  let n = 0;
  stmts.forEach((s, i) => {
    if (s.s === 'store' && i < last) {
      out.push({ s: 'undo', n: n++, h: s.h, off: s.off, size: STORES.get(s.op)!.size });
    }
    out.push(s);
    if (s.s !== 'xlat') return;
    const acc = s.acc === 'r' ? 'r' : 'w';
    const key = `${keyOf(s.addr)}+${s.off} ${s.size}`;
    const before = owned.get(key);
    if (before) {
      // The first access takes the right that the later one needs.
      if (acc === 'w') before.acc = 'w';
      return;
    }
    const own: Extract<Stmt, { s: 'own' }> = { s: 'own', h: s.d, off: s.off, size: s.size, acc };
    owned.set(key, own);
    out.push(own);
  });
  return { ...block, stmts: out };
}

function keyOf(o: Opnd): string {
  return o.k === 't' ? `t${o.id}` : o.k === 'c' ? String(o.v) : 'ts';
}

/** What a block needs in order to give up. */
export interface GiveUp {
  /** Registers that are newer in their locals than in the thread state when the block starts. */
  dirty: number[];
  /** Registers that the block changes before it may still give up: copies of them are made at its start. */
  saved: number[];
  logs: boolean;
  /** Only at its start: later on it runs alone. */
  pinned: boolean;
}

/** null for a block that owns no lines. `dirtyIn`: registers newer than the thread state at its start. */
export function giveUpOf(block: Block, dirtyIn: Uint8Array): GiveUp | null {
  if (!block.stmts.some((s) => s.s === 'own' || s.s === 'pin')) return null;
  const pinned = block.stmts[0]!.s === 'pin';
  const last = pinned ? 0 : block.stmts.findLastIndex(givesUp);
  const dirty = dirtyIn.slice();
  const changed = new Set<number>();
  for (const s of block.stmts.slice(0, last)) {
    if (s.s === 'put') changed.add(s.reg);
    // Its run-time functions write the flags to the thread state, so the old ones have to be put back in any case.
    if (s.s === 'fp') {
      changed.add(REG_FCSR);
      dirty[REG_FCSR] = 1;
    }
  }
  return {
    dirty: members(dirty),
    saved: members(dirty).filter((r) => changed.has(r)),
    pinned,
    logs: block.stmts.some((s) => s.s === 'undo'),
  };
}

function members(set: Uint8Array): number[] {
  return [...set.keys()].filter((reg) => reg < REG_COUNT && set[reg] !== 0);
}
