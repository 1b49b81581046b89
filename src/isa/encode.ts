/** The encoder: builds instruction words from the same rows the decoder reads, for tests and code generators. */
import type { Insn } from './decode.js';
import { insertImm } from './pattern.js';
import { type RegField, RVC_ROWS, rvcDefined } from './rvc.js';
import { defaultRm, type Field, FORMATS, ROW_BY_NAME, ROWS } from './table.js';

const RVC_BY_NAME = new Map(RVC_ROWS.map((row) => [row.name, row]));

function checked(op: string, field: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new RangeError(`${op}: ${field} = ${value}`);
  return value;
}

function encodeImm(op: string, layout: Parameters<typeof insertImm>[0], value: number): number {
  try {
    return insertImm(layout, value);
  } catch (e) {
    throw new RangeError(`${op}: ${(e as Error).message}`);
  }
}

function fieldBits(op: string, field: Field, f: Partial<Insn>, rm: number): number {
  switch (field) {
    case 'rd':
      return checked(op, field, f.rd ?? 0, 31) << 7;
    case 'rs1':
      return checked(op, field, f.rs1 ?? 0, 31) << 15;
    case 'rs2':
      return checked(op, field, f.rs2 ?? 0, 31) << 20;
    case 'rs3':
      return checked(op, field, f.rs3 ?? 0, 31) << 27;
    case 'rm':
      return checked(op, field, f.rm ?? rm, 7) << 12;
    case 'csr':
      return checked(op, field, f.csr ?? 0, 0xfff) << 20;
    case 'aqrl':
      return (f.aq ? 1 << 26 : 0) | (f.rl ? 1 << 25 : 0);
  }
}

function encodeReg(op: string, name: string, field: RegField, value: number | undefined): number {
  // An operand the short form fixes may be left out.
  const v = (value ?? field.add) - field.add;
  if (!Number.isInteger(v) || (v & field.mask) !== v) throw new RangeError(`${op}: ${name} = ${value}`);
  return v << field.shift;
}

function encode16(op: string, f: Partial<Insn>): number {
  const row = RVC_BY_NAME.get(op);
  if (row === undefined) throw new RangeError(`no instruction ${op}`);
  // In a destructive form one field is rd and rs1: naming either is enough.
  const shared = row.pattern.includes('b');
  const rd = shared ? (f.rd ?? f.rs1) : f.rd;
  const rs1 = shared ? (f.rs1 ?? f.rd) : f.rs1;
  if (shared && rd !== rs1) throw new RangeError(`${op}: rd = ${rd}, rs1 = ${rs1}`);
  const imm = f.imm ?? 0;
  if (!rvcDefined(row, imm, rd ?? row.rd.add, rs1 ?? row.rs1.add)) throw new RangeError(`${op}: reserved`);
  return (
    row.match |
    encodeReg(op, 'rd', row.rd, rd) |
    encodeReg(op, 'rs1', row.rs1, rs1) |
    encodeReg(op, 'rs2', row.rs2, f.rs2) |
    encodeImm(op, row.imm, imm)
  );
}

/**
 * Encodes an instruction.
 * @param op base mnemonic, or the name of a compressed form (then the result has 16 bits)
 * @param f the operands as `decode` reports them; missing ones are 0 (the lowest register of a compressed form), a
 * missing rm is what an assembler would write (dynamic, or 0 for exact conversions); the reserved rm 5 and 6 may be
 * asked for. Fields the instruction does not have are ignored. For csrr?i either imm or rs1 may be given.
 * @returns the unsigned word. It decodes to what was asked for, except where another row has that encoding:
 * `fence` with the operands of fence.tso, and the likes of `c.mv` with rs2 = 0 (c.jr).
 * @throws RangeError for an unknown op, an operand that does not fit, or a reserved compressed form
 */
export function encode(op: string, f: Partial<Insn>): number {
  if (op.startsWith('c.')) return encode16(op, f);
  const number = ROW_BY_NAME.get(op);
  if (number === undefined) throw new RangeError(`no instruction ${op}`);
  const row = ROWS[number];
  const format = FORMATS[row.fmt];
  let word = row.match;
  if (row.fmt === 'CSRI') {
    const zimm = f.imm ?? f.rs1 ?? 0;
    if (f.rs1 !== undefined && f.rs1 !== zimm) throw new RangeError(`${op}: imm = ${zimm}, rs1 = ${f.rs1}`);
    return (
      (word | fieldBits(op, 'rd', f, 0) | fieldBits(op, 'csr', f, 0) | encodeImm(op, format.imm, zimm)) >>> 0
    );
  }
  for (const field of format.fields) word |= fieldBits(op, field, f, defaultRm(row));
  // The operand set of fence.tso is part of its opcode.
  const imm = row.name === 'fence.tso' || format.imm.segments.length === 0 ? 0 : (f.imm ?? 0);
  return (word | encodeImm(op, format.imm, imm)) >>> 0;
}
