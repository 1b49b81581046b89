/** Reads cells and traces, as src/rt/helgrind.ts and src/rt/callstack.ts write them. */
import { TOOL_AREA } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { decode } from '../../isa/decode.js';
import {
  CELL_BYTES_BIT,
  CELL_READ_BIT,
  HG_INDEX,
  HG_INDEX_ENTRY,
  HG_OWNER_ENTRY,
  HG_OWNERS,
  HG_OWNERS_KEPT,
  TRACE_FIRST,
} from './layout.js';

/** Nodes of calling contexts: pc << 22 | parent << 1 | 1. */
const NODES = TOOL_AREA;
/** A pc below is the number of the set of locks that the access was made under. */
const FIRST_PC = 65536;

export interface Cell {
  clock: number;
  index: number;
  /** Node of its stack trace; 0 where history is not kept. */
  trace: number;
  write: boolean;
  /** Bytes of the aligned 8 touched. */
  bytes: number;
}

export interface Trace {
  /** Program counters, innermost first; each lies in its call. */
  pcs: number[];
  lockSet: number;
}

/** A thread as reports name it. */
export interface ThreadRecord {
  /** The first thread is 1. */
  number: number;
  /** Trace of its creation, 0 for the first thread. */
  created: number;
}

/** A cell of two 32-bit halves. */
export function readCell(lo: number, hi: number): Cell {
  return {
    clock: lo & 0xffffff,
    index: lo >>> 24,
    trace: hi & 0x1fffff,
    write: ((hi >>> (CELL_READ_BIT - 32)) & 1) === 0,
    bytes: ~(hi >>> (CELL_BYTES_BIT - 32)) & 0xff,
  };
}

export function readTrace(machine: Machine, node: number): Trace {
  const pcs: number[] = [];
  let lockSet = 0;
  for (let n = node; n >= TRACE_FIRST && pcs.length < 500; ) {
    const key = BigInt.asUintN(64, machine.i64[(NODES >> 3) + n]!);
    const pc = Number(key >> 22n);
    if (pc < FIRST_PC) lockSet = pc;
    else pcs.push(pc);
    n = Number((key >> 1n) & 0x1fffffn);
  }
  return { pcs, lockSet };
}

/** The thread that had a clock index at this clock; of those long gone, the earliest still known. */
export function ownerOf(machine: Machine, index: number, clock: number): ThreadRecord {
  const { u32 } = machine;
  const owners = u32[(HG_INDEX + index * HG_INDEX_ENTRY + 8) >> 2]!;
  let found: ThreadRecord = { number: 1, created: 0 };
  for (let n = owners - 1; n >= Math.max(0, owners - HG_OWNERS_KEPT); n--) {
    const at = (HG_OWNERS + (index * HG_OWNERS_KEPT + (n % HG_OWNERS_KEPT)) * HG_OWNER_ENTRY) >> 2;
    found = { number: u32[at + 1]!, created: u32[at + 2]! };
    if (u32[at]! <= clock) break;
  }
  return found;
}

/**
 * Bytes that the access of a cell touched: what its instruction says, where that can be read, since neighbouring
 * accesses may share a cell; else as many as the cell has.
 * @param code the instruction's bytes, null where they cannot be read
 */
export function accessSize(cell: Cell, code: number | null): number {
  const insn = code === null ? null : decode((code & 3) === 3 ? code >>> 0 : code & 0xffff);
  const named = insn ? sizeOf(insn.op) : 0;
  const marked = popcount(cell.bytes);
  return named > 0 && named <= marked ? named : marked;
}

const WIDTHS: Record<string, number> = { b: 1, h: 2, w: 4, d: 8 };

/** Bytes that a load, store or atomic instruction accesses; 0 for any other. */
function sizeOf(op: string): number {
  const width = /^f?[ls]([bhwd])u?$/.exec(op)?.[1] ?? /^(?:amo\w+|lr|sc)\.([wd])$/.exec(op)?.[1];
  return width ? WIDTHS[width]! : 0;
}

function popcount(v: number): number {
  let n = 0;
  for (let m = v; m !== 0; m >>= 1) n += m & 1;
  return n;
}
