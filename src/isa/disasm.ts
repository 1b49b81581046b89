/** The disassembler: writes instructions as `objdump -d -M no-aliases` does. */
import type { Insn } from './decode.js';
import { csrName, F_NAMES, RM_NAMES, X_NAMES } from './regs.js';
import { RVC_ROWS } from './rvc.js';
import { ROWS } from './table.js';

const RVC_OPERANDS = new Map(RVC_ROWS.map((row) => [row.name, row.operands]));

/** One set of fence operands: a subset of i, o, r, w. The empty set has no assembler notation. */
function fenceSet(bits: number): string {
  const text = [...'iorw'].filter((_, i) => (bits >> (3 - i)) & 1).join('');
  return text === '' ? 'unknown' : text;
}

/** `pc + offset` modulo 2^64, in hex. */
function address(pc: number, offset: number): string {
  const target = pc + offset;
  return `0x${(target >= 0 ? target : BigInt.asUintN(64, BigInt(target))).toString(16)}`;
}

function operand(token: string, insn: Insn, pc: number): string {
  switch (token) {
    case 'rd':
      return X_NAMES[insn.rd];
    case 'rs1':
      return X_NAMES[insn.rs1];
    case 'rs2':
      return X_NAMES[insn.rs2];
    case 'fd':
      return F_NAMES[insn.rd];
    case 'fs1':
      return F_NAMES[insn.rs1];
    case 'fs2':
      return F_NAMES[insn.rs2];
    case 'fs3':
      return F_NAMES[insn.rs3];
    case 'imm':
      return String(insn.imm);
    case 'shamt':
      return `0x${insn.imm.toString(16)}`;
    case 'uimm20':
      return `0x${(insn.imm >>> 12).toString(16)}`;
    case 'target':
      return address(pc, insn.imm);
    case 'csr':
      return csrName(insn.csr);
    case 'pred':
      return fenceSet(insn.imm >> 4);
    case 'succ':
      return fenceSet(insn.imm);
    case 'rm':
      return insn.rm === 7 ? '' : RM_NAMES[insn.rm];
    case 'rm0':
      return insn.rm === 0 ? '' : RM_NAMES[insn.rm];
    default:
      throw new Error(`operand ${token}`);
  }
}

function writeOperands(spec: string, insn: Insn, pc: number): string {
  return spec.replace(/\w+/g, (token) => operand(token, insn, pc)).replace(/,$/, '');
}

/** Base mnemonic with the ordering bits of atomic instructions, for example `lr.w.aq`. */
export function mnemonic(insn: Insn): string {
  return insn.op + (insn.aq ? (insn.rl ? '.aqrl' : '.aq') : insn.rl ? '.rl' : '');
}

/**
 * Writes one instruction, for example `addi a0,a1,-4`, `amoadd.w.aqrl a0,a1,(a2)`, `c.lwsp a0,8(sp)`.
 * @param insn what `decode(raw)` returned; null is written as data
 * @param pc address of the instruction, from which branch targets are computed (exact up to 2^53)
 * @param raw the encoding, of which the low two bits tell the length of undecodable data
 */
export function disasm(insn: Insn | null, pc: number, raw: number): string {
  if (insn === null) {
    if ((raw & 3) === 3) return `.4byte 0x${(raw >>> 0).toString(16)}`;
    const half = raw & 0xffff;
    return half === 0 ? 'c.unimp' : `.2byte 0x${half.toString(16)}`;
  }
  const spec = insn.compressed === '' ? ROWS[insn.row].operands : (RVC_OPERANDS.get(insn.compressed) ?? '');
  const name = insn.compressed === '' ? mnemonic(insn) : insn.compressed;
  return spec === '' ? name : `${name} ${writeOperands(spec, insn, pc)}`;
}
