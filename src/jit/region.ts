/** Discovers a region: the basic blocks reachable from one head by branches, jumps and returns from calls. */
import { Builder } from '../ir/builder.js';
import { type Block, EXIT_CLIENT, EXIT_RETURN, type Term, TRAMPOLINE } from '../ir/ir.js';
import { illegal, lifterOf } from '../ir/lift.js';
import '../ir/lift-fp.js';
import type { Insn } from '../isa/decode.js';
import { mnemonic } from '../isa/disasm.js';
import { isShared } from './steps.js';

export { TRAMPOLINE };

/** Encodings of Valgrind's riscv64 request preamble and marker (valgrind.h: four shifts of x0, then `or a0`). */
const REQUEST = [0x00305013, 0x00d05013, 0x03305013, 0x03d05013, 0x00a56533];
export const REQUEST_LEN = 20;

function isRequest(pc: number, i: Insn, fetch: Fetch): boolean {
  if (i.raw !== REQUEST[0]) return false;
  for (let k = 1; k < REQUEST.length; k++) if (fetch(pc + 4 * k)?.raw !== REQUEST[k]) return false;
  return true;
}

/** What lies at a guest address: an instruction, null for bytes that are none, undefined for nothing executable. */
export type Fetch = (pc: number) => Insn | null | undefined;

export interface Limits {
  insns: number;
  /** Blocks that branches, jumps and returns lead to. */
  blocks: number;
  /** Blocks end behind every access that other threads may see (steps.ts). */
  atAccesses?: boolean;
  /** Blocks end behind these too. */
  ends?: (i: Insn) => boolean;
}

export interface Region {
  head: number;
  blocks: Block[];
  /** Block index by guest pc. */
  index: Map<number, number>;
  /** Successors inside the region, by block; a call's successor is its return point. */
  succ: number[][];
  /**
   * The block, if there is one, that stands for all indirect jumps: it has no code of its own and goes on at whichever
   * of its successors is at the address that the jump left in the pc.
   */
  dispatch?: number;
  /** Direct call targets seen, in order. */
  callees: number[];
}

const ENDS = new Set([
  'jal',
  'jalr',
  'beq',
  'bne',
  'blt',
  'bge',
  'bltu',
  'bgeu',
  'ecall',
  'ebreak',
  'fence.i',
]);

/** Guest addresses at which control may go on after an instruction, within the function. */
function nextPcs(i: Insn, pc: number): number[] {
  switch (i.op) {
    case 'jal':
      return i.rd === 0 ? [pc + i.imm] : i.rd === 1 || i.rd === 5 ? [pc + i.len] : [pc + i.imm];
    case 'jalr':
      return i.rd === 1 || i.rd === 5 ? [pc + i.len] : [];
    case 'ebreak':
    case 'fence.i':
      return [];
    case 'ecall':
      return [pc + i.len];
    default:
      return [pc + i.imm, pc + i.len];
  }
}

/** Where the indirect jump at an address has been seen to go. */
export type JumpsAt = (pc: number) => readonly number[];

/** Farthest that the targets of a region's indirect jumps may lie apart: the table has an entry per halfword. */
const JUMP_SPAN = 8192;

/** Finds the region headed at `head`. Its first block starts there; at least one instruction is attempted. */
export function discover(head: number, fetch: Fetch, limits: Limits, jumpsAt?: JumpsAt): Region {
  if (head === TRAMPOLINE) return trampoline();
  const seen = new Map<number, Insn>();
  const leaders = new Set<number>([head]);
  const work = [head];
  let budget = limits.insns;
  let room = limits.blocks - 1;
  while (work.length > 0 && budget > 0) {
    let pc = work.shift()!;
    // An access has been passed, and nothing but fences behind it.
    let ended = false;
    while (budget > 0 && !seen.has(pc)) {
      const i = fetch(pc);
      if (!i || !lifterOf(i.op)) break;
      seen.set(pc, i);
      budget--;
      if (isRequest(pc, i, fetch)) {
        if (room > 0 && !leaders.has(pc + REQUEST_LEN)) {
          room--;
          leaders.add(pc + REQUEST_LEN);
          work.push(pc + REQUEST_LEN);
        }
        break;
      }
      if (ENDS.has(i.op)) {
        for (const t of isJump(i) && jumpsAt ? jumpsAt(pc) : nextPcs(i, pc)) {
          if (leaders.has(t)) continue;
          if (room <= 0) continue;
          room--;
          leaders.add(t);
          work.push(t);
        }
        break;
      }
      pc += i.len;
      ended = limits.atAccesses === true && (isShared(i) || (ended && i.op === 'fence'));
      if ((ended && fetch(pc)?.op !== 'fence') || limits.ends?.(i)) leaders.add(pc);
    }
  }
  const blocks: Block[] = [];
  const index = new Map<number, number>();
  const callees: number[] = [];
  for (const pc of leaders) {
    if (pc !== head && !seen.has(pc)) continue;
    index.set(pc, blocks.length);
    const b = liftBlock(pc, fetch, leaders, seen);
    blocks.push(b);
    if (b.term.t === 'call') callees.push(b.term.pc);
  }
  const succ = blocks.map((b) => termTargets(b.term).flatMap((t) => index.get(t) ?? []));
  const region: Region = { head, blocks, index, succ, callees };
  if (jumpsAt) addDispatch(region, jumpsAt);
  return region;
}

/** An indirect jump that is neither a call nor a return. */
function isJump(i: Insn): boolean {
  return i.op === 'jalr' && i.rd === 0 && i.rs1 !== 1 && i.rs1 !== 5;
}

/** Joins the region's indirect jumps in one dispatching block, as far as their targets lie in it and close together. */
function addDispatch(r: Region, jumpsAt: JumpsAt): void {
  const jumps: number[] = [];
  const targets = new Set<number>();
  for (const [b, block] of r.blocks.entries()) {
    if (block.term.t !== 'ijump') continue;
    jumps.push(b);
    for (const t of jumpsAt(lastInsn(block))) if (r.index.has(t)) targets.add(t);
  }
  const sorted = [...targets].sort((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) return;
  const near = sorted.filter((t) => Math.abs(t - middle) < JUMP_SPAN / 2);
  r.dispatch = r.blocks.length;
  r.blocks.push({ pc: r.head, len: 0, insns: 0, temps: 0, stmts: [], term: { t: 'goto', pc: r.head } });
  r.succ.push(near.map((t) => r.index.get(t)!));
  for (const b of jumps) r.succ[b] = [r.dispatch];
}

function lastInsn(block: Block): number {
  let pc = block.pc;
  for (const s of block.stmts) if (s.s === 'imark') pc = s.pc;
  return pc;
}

/** Where a block may go on inside its region. */
export function termTargets(t: Term): number[] {
  switch (t.t) {
    case 'goto':
      return [t.pc];
    case 'br':
      return t.pc === t.fall ? [t.pc] : [t.pc, t.fall];
    case 'call':
    case 'icall':
      return [t.ret];
    case 'exit':
      return [t.next];
    default:
      return [];
  }
}

function liftBlock(start: number, fetch: Fetch, leaders: Set<number>, seen: Map<number, Insn>): Block {
  const b = new Builder(start);
  let pc = start;
  for (;;) {
    const i = seen.get(pc) ?? (pc === start ? fetch(pc) : undefined);
    const lift = i ? lifterOf(i.op) : undefined;
    if (!i || !lift) {
      // Past the budget the next region goes on; an unknown instruction at the head is illegal.
      if (pc !== start) return b.finish({ t: 'goto', pc }, pc);
      const len = i?.len ?? 2;
      b.imark(pc, len, 'illegal');
      return b.finish(illegal(pc, len), pc + len);
    }
    b.imark(pc, i.len, mnemonic(i));
    if (isRequest(pc, i, fetch)) {
      const next = pc + REQUEST_LEN;
      return b.finish({ t: 'exit', why: EXIT_CLIENT, pc, next }, next);
    }
    const term = lift(b, i, pc);
    pc += i.len;
    if (term) return b.finish(term, pc);
    if (leaders.has(pc)) return b.finish({ t: 'goto', pc }, pc);
  }
}

function trampoline(): Region {
  const b = new Builder(TRAMPOLINE);
  const block = b.finish({ t: 'exit', why: EXIT_RETURN, pc: TRAMPOLINE, next: TRAMPOLINE }, TRAMPOLINE);
  return { head: TRAMPOLINE, blocks: [block], index: new Map([[TRAMPOLINE, 0]]), succ: [[]], callees: [] };
}

/** A region of exactly the one instruction at `pc`, for accesses that need the slow path. */
export function single(pc: number, fetch: Fetch): Region {
  const b = new Builder(pc);
  const i = fetch(pc);
  const lift = i ? lifterOf(i.op) : undefined;
  const len = i?.len ?? 2;
  b.imark(pc, len, i ? mnemonic(i) : 'illegal');
  const term = lift ? lift(b, i!, pc) : illegal(pc, len);
  const block = b.finish(term ?? { t: 'goto', pc: pc + len }, pc + len);
  return { head: pc, blocks: [block], index: new Map([[pc, 0]]), succ: [[]], callees: [] };
}
