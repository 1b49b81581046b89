/** The instruction decoder: a table look-up by opcode bits, then field extraction as the row's format says. */
import { buildIndex } from './index.js';
import { extractImm, type ImmLayout } from './pattern.js';
import { RVC_ROWS, rvcDefined } from './rvc.js';
import { type Field, FORMATS, ROWS } from './table.js';

/** A decoded instruction. Fields that the instruction does not have are 0, false or ''. */
export interface Insn {
  /** Base mnemonic, for example `addi`, `lr.w`, `csrrwi`; compressed instructions are named by their expansion. */
  op: string;
  /** Register numbers 0..31; whether x or f follows from the op. */
  rd: number;
  rs1: number;
  rs2: number;
  rs3: number;
  /**
   * Signed byte offset (loads, stores, branches, jumps), signed operand, shift amount, or the already shifted and
   * sign-extended value of lui and auipc. For csrr?i the 5-bit operand (rs1 holds it too); for fence
   * fm (bits 11:8), pred (7:4) and succ (3:0), each set being i, o, r, w from its high bit down.
   */
  imm: number;
  csr: number;
  /** The rounding mode field, 0..4 or 7 (dynamic). */
  rm: number;
  aq: boolean;
  rl: boolean;
  /** Length in bytes. */
  len: 2 | 4;
  /** The encoding, unsigned; 16 bits for a compressed instruction. */
  raw: number;
  /** Index in ROWS of the (base) instruction. */
  row: number;
  /** Name of the compressed form, for example `c.lwsp`, or ''. */
  compressed: string;
}

/** Opcode, funct3 and funct7. */
function key32(word: number): number {
  return ((word >>> 2) & 31) | ((word >>> 7) & 0xe0) | ((word >>> 17) & 0x7f00);
}

/** Quadrant, funct3 and the bits 12:10 and 6:5 that tell the arithmetic instructions of quadrant 1 apart. */
function key16(half: number): number {
  return (half & 3) | ((half >>> 3) & 0xc) | ((half >>> 6) & 0x3f0);
}

/** What decoding needs of a row, in one object: a field that the format lacks has mask 0. */
interface Extractor {
  readonly op: string;
  readonly match: number;
  readonly mask: number;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  readonly rm: number;
  readonly csr: number;
  readonly aqrl: number;
  readonly imm: ImmLayout;
}

const EXTRACTORS: readonly Extractor[] = ROWS.map((row) => {
  const format = FORMATS[row.fmt];
  const fields: readonly Field[] = format.fields;
  const mask = (field: Field, ones: number): number => (fields.includes(field) ? ones : 0);
  return {
    op: row.name,
    match: row.match | 0,
    mask: row.mask | 0,
    rd: mask('rd', 31),
    rs1: mask('rs1', 31),
    rs2: mask('rs2', 31),
    rs3: mask('rs3', 31),
    rm: mask('rm', 7),
    csr: mask('csr', 0xfff),
    aqrl: mask('aqrl', 1),
    imm: format.imm,
  };
});

const INDEX32 = buildIndex(ROWS, 15, key32);
const INDEX16 = buildIndex(RVC_ROWS, 10, key16);

function decode16(half: number): Insn | null {
  const bucket = INDEX16.buckets[INDEX16.slots[key16(half)]];
  for (let i = 0; i < bucket.length; i++) {
    const row = RVC_ROWS[bucket[i]];
    if ((half & row.mask) !== row.match) continue;
    const rd = ((half >>> row.rd.shift) & row.rd.mask) + row.rd.add;
    const rs1 = ((half >>> row.rs1.shift) & row.rs1.mask) + row.rs1.add;
    const imm = extractImm(row.imm, half);
    if (!rvcDefined(row, imm, rd, rs1)) return null;
    return {
      op: row.base,
      rd,
      rs1,
      rs2: ((half >>> row.rs2.shift) & row.rs2.mask) + row.rs2.add,
      rs3: 0,
      imm,
      csr: 0,
      rm: 0,
      aq: false,
      rl: false,
      len: 2,
      raw: half,
      row: row.baseRow,
      compressed: row.name,
    };
  }
  return null;
}

/**
 * Decodes the instruction at the low end of a word.
 * @param raw the word, signed or unsigned; of a compressed instruction the low 16 bits suffice.
 * @returns null for what a user-mode RV64GC_Zba_Zbb_Zbs program may not execute: unknown and reserved encodings,
 * privileged instructions, reserved rounding modes, and instructions of 48 bits and more.
 */
export function decode(raw: number): Insn | null {
  if ((raw & 3) !== 3) return decode16(raw & 0xffff);
  // The prefixes of 48 bits and more (bits 4:2 all ones) have no rows, so they end up in the empty bucket.
  const bucket = INDEX32.buckets[INDEX32.slots[key32(raw)]];
  for (let i = 0; i < bucket.length; i++) {
    const row = bucket[i];
    const x = EXTRACTORS[row];
    if ((raw & x.mask) !== x.match) continue;
    const rm = (raw >>> 12) & x.rm;
    if (rm === 5 || rm === 6) return null;
    return {
      op: x.op,
      rd: (raw >>> 7) & x.rd,
      rs1: (raw >>> 15) & x.rs1,
      rs2: (raw >>> 20) & x.rs2,
      rs3: (raw >>> 27) & x.rs3,
      imm: extractImm(x.imm, raw),
      csr: (raw >>> 20) & x.csr,
      rm,
      aq: ((raw >>> 26) & x.aqrl) !== 0,
      rl: ((raw >>> 25) & x.aqrl) !== 0,
      len: 4,
      raw: raw >>> 0,
      row,
      compressed: '',
    };
  }
  return null;
}
