/**
 * The compressed (16-bit) instructions of RV64GC as data, each with the base instruction it expands to.
 *
 * Source: RISC-V Instruction Set Manual, Volume I, "C" Standard Extension, instruction listings for quadrants 0 to 2
 * (RV64 columns). What the listings call reserved has no row or fails a row's condition and is illegal; what they call
 * a HINT decodes as the instruction it is an encoding of, which then changes nothing.
 */
import { type ImmLayout, NO_IMM, parsePattern, parseScrambledImm } from './pattern.js';
import { ROW_BY_NAME } from './table.js';

/** How one register operand of the base instruction is found: `((raw >>> shift) & mask) + add`. */
export interface RegField {
  readonly shift: number;
  readonly mask: number;
  readonly add: number;
}

/** One compressed instruction. */
export interface RvcRow {
  readonly name: string;
  readonly ext: 'C';
  /** Name of the base instruction, and its index in ROWS. */
  readonly base: string;
  readonly baseRow: number;
  readonly rd: RegField;
  readonly rs1: RegField;
  readonly rs2: RegField;
  readonly imm: ImmLayout;
  /** The immediate as the manual writes it, or ''. */
  readonly immText: string;
  /** A register field (rd or rs1) that must not name x0, or ''. */
  readonly nonzeroReg: '' | 'rd' | 'rs1';
  /** Operands as in table.ts. */
  readonly operands: string;
  /** 16 characters, bit 15 first: fixed bits, or d (rd), s (rs1), b (rd and rs1), t (rs2), i (immediate). */
  readonly pattern: string;
  readonly match: number;
  readonly mask: number;
}

/**
 * name | base | fixed registers and conditions | immediate | operands | pattern. Where two rows fit, the earlier one is
 * meant, and if its conditions fail the encoding is reserved. A register field of 3 bits names x8..x15 (f8..f15).
 */
const TEXT = `
c.addi4spn | addi   | rs1=2       | nzuimm[5:4|9:6|2|3] | rd,rs1,imm   | 000 iiiiiiii ddd 00
c.fld      | fld    |             | uimm[5:3|7:6]       | fd,imm(rs1)  | 001 iii sss ii ddd 00
c.lw       | lw     |             | uimm[5:3|2|6]       | rd,imm(rs1)  | 010 iii sss ii ddd 00
c.ld       | ld     |             | uimm[5:3|7:6]       | rd,imm(rs1)  | 011 iii sss ii ddd 00
c.fsd      | fsd    |             | uimm[5:3|7:6]       | fs2,imm(rs1) | 101 iii sss ii ttt 00
c.sw       | sw     |             | uimm[5:3|2|6]       | rs2,imm(rs1) | 110 iii sss ii ttt 00
c.sd       | sd     |             | uimm[5:3|7:6]       | rs2,imm(rs1) | 111 iii sss ii ttt 00
c.nop      | addi   |             |                     |              | 000 0 00000 00000 01
c.addi     | addi   |             | imm[5|4:0]          | rd,imm       | 000 i bbbbb iiiii 01
c.addiw    | addiw  | rd!=0       | imm[5|4:0]          | rd,imm       | 001 i bbbbb iiiii 01
c.li       | addi   | rs1=0       | imm[5|4:0]          | rd,imm       | 010 i ddddd iiiii 01
c.addi16sp | addi   | rd=2 rs1=2  | nzimm[9|4|6|8:7|5]  | rd,imm       | 011 i 00010 iiiii 01
c.lui      | lui    |             | nzimm[17|16:12]     | rd,uimm20    | 011 i ddddd iiiii 01
c.srli     | srli   |             | uimm[5|4:0]         | rd,shamt     | 100 i 00 bbb iiiii 01
c.srai     | srai   |             | uimm[5|4:0]         | rd,shamt     | 100 i 01 bbb iiiii 01
c.andi     | andi   |             | imm[5|4:0]          | rd,imm       | 100 i 10 bbb iiiii 01
c.sub      | sub    |             |                     | rd,rs2       | 100 0 11 bbb 00 ttt 01
c.xor      | xor    |             |                     | rd,rs2       | 100 0 11 bbb 01 ttt 01
c.or       | or     |             |                     | rd,rs2       | 100 0 11 bbb 10 ttt 01
c.and      | and    |             |                     | rd,rs2       | 100 0 11 bbb 11 ttt 01
c.subw     | subw   |             |                     | rd,rs2       | 100 1 11 bbb 00 ttt 01
c.addw     | addw   |             |                     | rd,rs2       | 100 1 11 bbb 01 ttt 01
c.j        | jal    | rd=0        | imm[11|4|9:8|10|6|7|3:1|5] | target | 101 iiiiiiiiiii 01
c.beqz     | beq    | rs2=0       | imm[8|4:3|7:6|2:1|5] | rs1,target  | 110 iii sss iiiii 01
c.bnez     | bne    | rs2=0       | imm[8|4:3|7:6|2:1|5] | rs1,target  | 111 iii sss iiiii 01
c.slli     | slli   |             | uimm[5|4:0]         | rd,shamt     | 000 i bbbbb iiiii 10
c.fldsp    | fld    | rs1=2       | uimm[5|4:3|8:6]     | fd,imm(rs1)  | 001 i ddddd iiiii 10
c.lwsp     | lw     | rs1=2 rd!=0 | uimm[5|4:2|7:6]     | rd,imm(rs1)  | 010 i ddddd iiiii 10
c.ldsp     | ld     | rs1=2 rd!=0 | uimm[5|4:3|8:6]     | rd,imm(rs1)  | 011 i ddddd iiiii 10
c.jr       | jalr   | rd=0 rs1!=0 |                     | rs1          | 100 0 sssss 00000 10
c.mv       | add    | rs1=0       |                     | rd,rs2       | 100 0 ddddd ttttt 10
c.ebreak   | ebreak |             |                     |              | 100 1 00000 00000 10
c.jalr     | jalr   | rd=1        |                     | rs1          | 100 1 sssss 00000 10
c.add      | add    |             |                     | rd,rs2       | 100 1 bbbbb ttttt 10
c.fsdsp    | fsd    | rs1=2       | uimm[5:3|8:6]       | fs2,imm(rs1) | 101 iiiiii ttttt 10
c.swsp     | sw     | rs1=2       | uimm[5:2|7:6]       | rs2,imm(rs1) | 110 iiiiii ttttt 10
c.sdsp     | sd     | rs1=2       | uimm[5:3|8:6]       | rs2,imm(rs1) | 111 iiiiii ttttt 10
`;

function regField(bits: string, letter: string, fixed: number): RegField {
  const first = bits.indexOf(letter);
  if (first < 0) return { shift: 0, mask: 0, add: fixed };
  const last = bits.lastIndexOf(letter);
  const short = last - first === 2;
  return { shift: 15 - last, mask: short ? 7 : 31, add: short ? 8 : 0 };
}

function parseRow(line: string): RvcRow {
  // The immediate column contains `|` itself, always inside brackets.
  const [name, base, conditions, immText, operands, pattern] = line
    .split(/\|(?![^[]*\])/)
    .map((s) => s.trim());
  const baseRow = ROW_BY_NAME.get(base);
  if (baseRow === undefined) throw new Error(`${name}: no base instruction ${base}`);
  const { match, mask, bits } = parsePattern(pattern, 16);
  const fixed = { rd: 0, rs1: 0, rs2: 0 };
  let nonzeroReg: RvcRow['nonzeroReg'] = '';
  for (const c of conditions === '' ? [] : conditions.split(' ')) {
    const [reg, value] = c.split(/!?=/) as ['rd' | 'rs1', string];
    if (c.includes('!=')) nonzeroReg = reg;
    else fixed[reg] = Number(value);
  }
  const both = bits.includes('b');
  return {
    name,
    ext: 'C',
    base,
    baseRow,
    rd: regField(bits, both ? 'b' : 'd', fixed.rd),
    rs1: regField(bits, both ? 'b' : 's', fixed.rs1),
    rs2: regField(bits, 't', fixed.rs2),
    imm: immText === '' ? NO_IMM : parseScrambledImm(immText, bits),
    immText,
    nonzeroReg,
    operands,
    pattern: bits,
    match,
    mask,
  };
}

/** Every compressed instruction; where two rows fit a halfword, the earlier one is meant. */
export const RVC_ROWS: readonly RvcRow[] = TEXT.trim().split('\n').map(parseRow);

/** Whether a halfword that fits the pattern of `row` is a defined instruction (or HINT) and not a reserved one. */
export function rvcDefined(row: RvcRow, imm: number, rd: number, rs1: number): boolean {
  if (row.imm.nonzero && imm === 0) return false;
  return row.nonzeroReg === '' || (row.nonzeroReg === 'rd' ? rd : rs1) !== 0;
}
