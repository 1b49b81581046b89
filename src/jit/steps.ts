/**
 * Steps and points: the units in which schedules count, and at whose ends they may switch threads.
 *
 * A step ends behind a control transfer (branch, jump, call, return, system call), and with `accesses` also behind a
 * memory access whose address does not come from the stack pointer. Such accesses and system calls are points too:
 * only between points can a switch make a difference to other threads. All that depends on the guest's instructions
 * alone: region shapes, limits, tools and restarts of a faulting access do not change the counts, because an
 * instruction is counted when it has completed. With `accesses`, blocks end behind such accesses too (region.ts;
 * fences stay with the access before them), so whatever a tool does within a block stays whole.
 *
 * Each block begins with a look at the steps and points left in the thread state and leaves to the engine when there
 * are none; the look changes nothing, so it may be repeated. A block whose last instruction ends a step counts it
 * down and mixes the instruction's address into the thread's hash.
 */
import { T_POINTS, T_STEP_HASH, T_STEPS } from '../../kernel/core/layout.js';
import { type Block, c32, c64, EXIT_STEP, type Opnd, type Stmt, type Tmp, TS, type Ty } from '../ir/ir.js';
import type { Insn } from '../isa/decode.js';
import { ROWS } from '../isa/table.js';

export type StepKind = 'transfers' | 'accesses';

const TRANSFERS = new Set(
  ROWS.filter(
    (r) => /target/.test(r.operands) || ['jalr', 'ecall', 'ebreak', 'fence.i'].includes(r.name),
  ).map((r) => r.name),
);
const ACCESSES = new Set(
  ROWS.filter((r) => /\(rs1\)/.test(r.operands) && r.name !== 'jalr').map((r) => r.name),
);
const SP = 2;
/** What is subtracted from the word of both. Neither ever falls below 0, so nothing is borrowed. */
const STEP = 1;
const STEP_AND_POINT = 2 ** 32 + 1;
/** Odd and without pattern: 2^64 / golden ratio, as a signed number. */
const MULTIPLIER = -7046029254386353131n;

/** Whether an access is one that other threads may see: not one of the thread's own frame. */
export function isShared(i: Insn): boolean {
  return isAccess(i) && i.rs1 !== SP;
}

/** Whether an instruction reads or writes memory. */
export function isAccess(i: Insn): boolean {
  return ACCESSES.has(i.op);
}

/** Adds the look and the count to a block. `plain` is the block before any tool changed it. */
export function countSteps(block: Block, plain: Block, kind: StepKind): Block {
  let temps = block.temps;
  const tmp = (ty: Ty): Tmp => ({ k: 't', id: temps++, ty });
  const stmts: Stmt[] = [];
  const load = (op: string, ty: Ty, off: number): Tmp => {
    const d = tmp(ty);
    stmts.push({ s: 'load', d, op, h: TS, off, guest: false });
    return d;
  };
  const op = (name: string, ty: Ty, ...a: Opnd[]): Tmp => {
    const d = tmp(ty);
    stmts.push({ s: 'op', d, op: name, a });
    return d;
  };
  const store = (name: string, off: number, v: Opnd): void => {
    stmts.push({ s: 'store', op: name, h: TS, off, v, guest: false });
  };
  const none = (off: number): Tmp => op('i32.le_s', 'i32', load('i32.load', 'i32', off), c32(0));
  stmts.push({
    s: 'exitif',
    cond: op('i32.or', 'i32', none(T_STEPS), none(T_POINTS)),
    why: EXIT_STEP,
    arg: 0,
  });
  stmts.push(...block.stmts);
  const end = stepEnd(plain, kind);
  if (end !== null) {
    const both = end.point ? STEP_AND_POINT : STEP;
    store('i64.store', T_STEPS, op('i64.sub', 'i64', load('i64.load', 'i64', T_STEPS), c64(both)));
    const scaled = op('i64.mul', 'i64', load('i64.load', 'i64', T_STEP_HASH), c64(MULTIPLIER));
    store('i64.store', T_STEP_HASH, op('i64.add', 'i64', scaled, c64(end.pc)));
  }
  return { ...block, stmts, temps };
}

interface StepEnd {
  /** Address of the instruction. */
  pc: number;
  point: boolean;
}

/** The instruction that ends a step at the end of this block, if one does. */
function stepEnd(block: Block, kind: StepKind): StepEnd | null {
  const { stmts } = block;
  const marks = stmts.flatMap((s, i) => (s.s === 'imark' ? [{ ...s, i }] : []));
  const last = marks.at(-1);
  if (!last) return null;
  if (block.term.t === 'exit') return { pc: last.pc, point: true };
  if (TRANSFERS.has(last.op)) return { pc: last.pc, point: false };
  if (kind !== 'accesses') return null;
  const at = marks.findLastIndex((m) => m.op !== 'fence');
  if (at < 0) return null;
  const of = stmts.slice(marks[at]!.i, marks[at + 1]?.i);
  const shared = of.some((s) => s.s === 'xlat' && s.base !== SP);
  return shared ? { pc: marks[at]!.pc, point: true } : null;
}
