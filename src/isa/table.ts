/**
 * The 32-bit instructions of RV64IMAFD, Zicsr, Zifencei, Zba, Zbb and Zbs as data. Decoder, encoder, disassembler and
 * the support pages are all derived from these rows; compressed instructions are in rvc.ts.
 *
 * Source of the encodings: RISC-V Instruction Set Manual, Volume I (unprivileged), "RV32/64G Instruction Set Listings"
 * and the Bit-manipulation chapter.
 */
import { type ImmLayout, NO_IMM, parseImm, parsePattern } from './pattern.js';

/** A field of an instruction word besides the immediate. */
export type Field = 'rd' | 'rs1' | 'rs2' | 'rs3' | 'rm' | 'csr' | 'aqrl';

interface Format {
  readonly fields: readonly Field[];
  readonly imm: ImmLayout;
}

const IMM_I = parseImm('31:20=11:0', true);

/** The instruction formats: which fields an instruction of that format has, and where its immediate sits. */
export const FORMATS = {
  R: { fields: ['rd', 'rs1', 'rs2'], imm: NO_IMM },
  /** One source; the rs2 field is part of the opcode. */
  R1: { fields: ['rd', 'rs1'], imm: NO_IMM },
  Rrm: { fields: ['rd', 'rs1', 'rs2', 'rm'], imm: NO_IMM },
  R1rm: { fields: ['rd', 'rs1', 'rm'], imm: NO_IMM },
  R4: { fields: ['rd', 'rs1', 'rs2', 'rs3', 'rm'], imm: NO_IMM },
  AMO: { fields: ['rd', 'rs1', 'rs2', 'aqrl'], imm: NO_IMM },
  LR: { fields: ['rd', 'rs1', 'aqrl'], imm: NO_IMM },
  I: { fields: ['rd', 'rs1'], imm: IMM_I },
  /** Shift by a 6-bit amount. */
  SH6: { fields: ['rd', 'rs1'], imm: parseImm('25:20=5:0', false) },
  /** Shift by a 5-bit amount. */
  SH5: { fields: ['rd', 'rs1'], imm: parseImm('24:20=4:0', false) },
  S: { fields: ['rs1', 'rs2'], imm: parseImm('31:25=11:5 11:7=4:0', true) },
  B: { fields: ['rs1', 'rs2'], imm: parseImm('31=12 7=11 30:25=10:5 11:8=4:1', true) },
  U: { fields: ['rd'], imm: parseImm('31:12=31:12', true) },
  J: { fields: ['rd'], imm: parseImm('31=20 19:12=19:12 20=11 30:21=10:1', true) },
  CSR: { fields: ['rd', 'rs1', 'csr'], imm: NO_IMM },
  /** The rs1 field holds a 5-bit immediate. */
  CSRI: { fields: ['rd', 'rs1', 'csr'], imm: parseImm('19:15=4:0', false) },
  /** fm (11:8), pred (7:4), succ (3:0). The rd and rs1 fields are reserved: to be ignored. */
  FENCE: { fields: [], imm: parseImm('31:20=11:0', false) },
  /** No operands. */
  N: { fields: [], imm: NO_IMM },
} as const satisfies Record<string, Format>;

export type Fmt = keyof typeof FORMATS;

/** One 32-bit instruction. */
export interface Row {
  readonly name: string;
  /** 'I','M','A','F','D','Zicsr','Zifencei','Zba','Zbb','Zbs' (and 'C' for the rows of rvc.ts). */
  readonly ext: string;
  readonly fmt: Fmt;
  /**
   * How the operands are written, comma-separated as in assembly: rd rs1 rs2 (integer), fd fs1 fs2 fs3 (floating
   * point), imm (decimal), shamt (hex), uimm20 (upper 20 bits, hex), target (pc-relative), csr, pred, succ, rm
   * (shown unless dynamic), rm0 (for exact conversions: shown unless 0).
   */
  readonly operands: string;
  /** 32 characters, bit 31 first: `0`, `1`, or `.` for a free bit. */
  readonly pattern: string;
  /** The fixed bits, unsigned: an instruction matches when `(raw & mask) === match`. */
  readonly match: number;
  readonly mask: number;
}

const I = `
lui       | U     | rd,uimm20    | .................... ..... 0110111
auipc     | U     | rd,uimm20    | .................... ..... 0010111
jal       | J     | rd,target    | .................... ..... 1101111
jalr      | I     | rd,imm(rs1)  | ............ ..... 000 ..... 1100111
beq       | B     | rs1,rs2,target | ....... ..... ..... 000 ..... 1100011
bne       | B     | rs1,rs2,target | ....... ..... ..... 001 ..... 1100011
blt       | B     | rs1,rs2,target | ....... ..... ..... 100 ..... 1100011
bge       | B     | rs1,rs2,target | ....... ..... ..... 101 ..... 1100011
bltu      | B     | rs1,rs2,target | ....... ..... ..... 110 ..... 1100011
bgeu      | B     | rs1,rs2,target | ....... ..... ..... 111 ..... 1100011
lb        | I     | rd,imm(rs1)  | ............ ..... 000 ..... 0000011
lh        | I     | rd,imm(rs1)  | ............ ..... 001 ..... 0000011
lw        | I     | rd,imm(rs1)  | ............ ..... 010 ..... 0000011
ld        | I     | rd,imm(rs1)  | ............ ..... 011 ..... 0000011
lbu       | I     | rd,imm(rs1)  | ............ ..... 100 ..... 0000011
lhu       | I     | rd,imm(rs1)  | ............ ..... 101 ..... 0000011
lwu       | I     | rd,imm(rs1)  | ............ ..... 110 ..... 0000011
sb        | S     | rs2,imm(rs1) | ....... ..... ..... 000 ..... 0100011
sh        | S     | rs2,imm(rs1) | ....... ..... ..... 001 ..... 0100011
sw        | S     | rs2,imm(rs1) | ....... ..... ..... 010 ..... 0100011
sd        | S     | rs2,imm(rs1) | ....... ..... ..... 011 ..... 0100011
addi      | I     | rd,rs1,imm   | ............ ..... 000 ..... 0010011
slti      | I     | rd,rs1,imm   | ............ ..... 010 ..... 0010011
sltiu     | I     | rd,rs1,imm   | ............ ..... 011 ..... 0010011
xori      | I     | rd,rs1,imm   | ............ ..... 100 ..... 0010011
ori       | I     | rd,rs1,imm   | ............ ..... 110 ..... 0010011
andi      | I     | rd,rs1,imm   | ............ ..... 111 ..... 0010011
slli      | SH6   | rd,rs1,shamt | 000000 ...... ..... 001 ..... 0010011
srli      | SH6   | rd,rs1,shamt | 000000 ...... ..... 101 ..... 0010011
srai      | SH6   | rd,rs1,shamt | 010000 ...... ..... 101 ..... 0010011
add       | R     | rd,rs1,rs2   | 0000000 ..... ..... 000 ..... 0110011
sub       | R     | rd,rs1,rs2   | 0100000 ..... ..... 000 ..... 0110011
sll       | R     | rd,rs1,rs2   | 0000000 ..... ..... 001 ..... 0110011
slt       | R     | rd,rs1,rs2   | 0000000 ..... ..... 010 ..... 0110011
sltu      | R     | rd,rs1,rs2   | 0000000 ..... ..... 011 ..... 0110011
xor       | R     | rd,rs1,rs2   | 0000000 ..... ..... 100 ..... 0110011
srl       | R     | rd,rs1,rs2   | 0000000 ..... ..... 101 ..... 0110011
sra       | R     | rd,rs1,rs2   | 0100000 ..... ..... 101 ..... 0110011
or        | R     | rd,rs1,rs2   | 0000000 ..... ..... 110 ..... 0110011
and       | R     | rd,rs1,rs2   | 0000000 ..... ..... 111 ..... 0110011
addiw     | I     | rd,rs1,imm   | ............ ..... 000 ..... 0011011
slliw     | SH5   | rd,rs1,shamt | 0000000 ..... ..... 001 ..... 0011011
srliw     | SH5   | rd,rs1,shamt | 0000000 ..... ..... 101 ..... 0011011
sraiw     | SH5   | rd,rs1,shamt | 0100000 ..... ..... 101 ..... 0011011
addw      | R     | rd,rs1,rs2   | 0000000 ..... ..... 000 ..... 0111011
subw      | R     | rd,rs1,rs2   | 0100000 ..... ..... 000 ..... 0111011
sllw      | R     | rd,rs1,rs2   | 0000000 ..... ..... 001 ..... 0111011
srlw      | R     | rd,rs1,rs2   | 0000000 ..... ..... 101 ..... 0111011
sraw      | R     | rd,rs1,rs2   | 0100000 ..... ..... 101 ..... 0111011
fence.tso | FENCE |              | 1000 0011 0011 ..... 000 ..... 0001111
fence     | FENCE | pred,succ    | ............ ..... 000 ..... 0001111
ecall     | N     |              | 000000000000 00000 000 00000 1110011
ebreak    | N     |              | 000000000001 00000 000 00000 1110011
`;

/** The immediate, rd and rs1 fields of fence.i are reserved for finer-grain fences: to be ignored. */
const ZIFENCEI = `
fence.i   | N     |              | ............ ..... 001 ..... 0001111
`;

const ZICSR = `
csrrw     | CSR   | rd,csr,rs1   | ............ ..... 001 ..... 1110011
csrrs     | CSR   | rd,csr,rs1   | ............ ..... 010 ..... 1110011
csrrc     | CSR   | rd,csr,rs1   | ............ ..... 011 ..... 1110011
csrrwi    | CSRI  | rd,csr,imm   | ............ ..... 101 ..... 1110011
csrrsi    | CSRI  | rd,csr,imm   | ............ ..... 110 ..... 1110011
csrrci    | CSRI  | rd,csr,imm   | ............ ..... 111 ..... 1110011
`;

const M = `
mul       | R     | rd,rs1,rs2   | 0000001 ..... ..... 000 ..... 0110011
mulh      | R     | rd,rs1,rs2   | 0000001 ..... ..... 001 ..... 0110011
mulhsu    | R     | rd,rs1,rs2   | 0000001 ..... ..... 010 ..... 0110011
mulhu     | R     | rd,rs1,rs2   | 0000001 ..... ..... 011 ..... 0110011
div       | R     | rd,rs1,rs2   | 0000001 ..... ..... 100 ..... 0110011
divu      | R     | rd,rs1,rs2   | 0000001 ..... ..... 101 ..... 0110011
rem       | R     | rd,rs1,rs2   | 0000001 ..... ..... 110 ..... 0110011
remu      | R     | rd,rs1,rs2   | 0000001 ..... ..... 111 ..... 0110011
mulw      | R     | rd,rs1,rs2   | 0000001 ..... ..... 000 ..... 0111011
divw      | R     | rd,rs1,rs2   | 0000001 ..... ..... 100 ..... 0111011
divuw     | R     | rd,rs1,rs2   | 0000001 ..... ..... 101 ..... 0111011
remw      | R     | rd,rs1,rs2   | 0000001 ..... ..... 110 ..... 0111011
remuw     | R     | rd,rs1,rs2   | 0000001 ..... ..... 111 ..... 0111011
`;

const A = `
lr.w      | LR    | rd,(rs1)     | 00010 .. 00000 ..... 010 ..... 0101111
lr.d      | LR    | rd,(rs1)     | 00010 .. 00000 ..... 011 ..... 0101111
sc.w      | AMO   | rd,rs2,(rs1) | 00011 .. ..... ..... 010 ..... 0101111
sc.d      | AMO   | rd,rs2,(rs1) | 00011 .. ..... ..... 011 ..... 0101111
amoswap.w | AMO   | rd,rs2,(rs1) | 00001 .. ..... ..... 010 ..... 0101111
amoswap.d | AMO   | rd,rs2,(rs1) | 00001 .. ..... ..... 011 ..... 0101111
amoadd.w  | AMO   | rd,rs2,(rs1) | 00000 .. ..... ..... 010 ..... 0101111
amoadd.d  | AMO   | rd,rs2,(rs1) | 00000 .. ..... ..... 011 ..... 0101111
amoxor.w  | AMO   | rd,rs2,(rs1) | 00100 .. ..... ..... 010 ..... 0101111
amoxor.d  | AMO   | rd,rs2,(rs1) | 00100 .. ..... ..... 011 ..... 0101111
amoand.w  | AMO   | rd,rs2,(rs1) | 01100 .. ..... ..... 010 ..... 0101111
amoand.d  | AMO   | rd,rs2,(rs1) | 01100 .. ..... ..... 011 ..... 0101111
amoor.w   | AMO   | rd,rs2,(rs1) | 01000 .. ..... ..... 010 ..... 0101111
amoor.d   | AMO   | rd,rs2,(rs1) | 01000 .. ..... ..... 011 ..... 0101111
amomin.w  | AMO   | rd,rs2,(rs1) | 10000 .. ..... ..... 010 ..... 0101111
amomin.d  | AMO   | rd,rs2,(rs1) | 10000 .. ..... ..... 011 ..... 0101111
amomax.w  | AMO   | rd,rs2,(rs1) | 10100 .. ..... ..... 010 ..... 0101111
amomax.d  | AMO   | rd,rs2,(rs1) | 10100 .. ..... ..... 011 ..... 0101111
amominu.w | AMO   | rd,rs2,(rs1) | 11000 .. ..... ..... 010 ..... 0101111
amominu.d | AMO   | rd,rs2,(rs1) | 11000 .. ..... ..... 011 ..... 0101111
amomaxu.w | AMO   | rd,rs2,(rs1) | 11100 .. ..... ..... 010 ..... 0101111
amomaxu.d | AMO   | rd,rs2,(rs1) | 11100 .. ..... ..... 011 ..... 0101111
`;

const F = `
flw       | I     | fd,imm(rs1)  | ............ ..... 010 ..... 0000111
fsw       | S     | fs2,imm(rs1) | ....... ..... ..... 010 ..... 0100111
fmadd.s   | R4    | fd,fs1,fs2,fs3,rm | ..... 00 ..... ..... ... ..... 1000011
fmsub.s   | R4    | fd,fs1,fs2,fs3,rm | ..... 00 ..... ..... ... ..... 1000111
fnmsub.s  | R4    | fd,fs1,fs2,fs3,rm | ..... 00 ..... ..... ... ..... 1001011
fnmadd.s  | R4    | fd,fs1,fs2,fs3,rm | ..... 00 ..... ..... ... ..... 1001111
fadd.s    | Rrm   | fd,fs1,fs2,rm | 0000000 ..... ..... ... ..... 1010011
fsub.s    | Rrm   | fd,fs1,fs2,rm | 0000100 ..... ..... ... ..... 1010011
fmul.s    | Rrm   | fd,fs1,fs2,rm | 0001000 ..... ..... ... ..... 1010011
fdiv.s    | Rrm   | fd,fs1,fs2,rm | 0001100 ..... ..... ... ..... 1010011
fsqrt.s   | R1rm  | fd,fs1,rm    | 0101100 00000 ..... ... ..... 1010011
fsgnj.s   | R     | fd,fs1,fs2   | 0010000 ..... ..... 000 ..... 1010011
fsgnjn.s  | R     | fd,fs1,fs2   | 0010000 ..... ..... 001 ..... 1010011
fsgnjx.s  | R     | fd,fs1,fs2   | 0010000 ..... ..... 010 ..... 1010011
fmin.s    | R     | fd,fs1,fs2   | 0010100 ..... ..... 000 ..... 1010011
fmax.s    | R     | fd,fs1,fs2   | 0010100 ..... ..... 001 ..... 1010011
fcvt.w.s  | R1rm  | rd,fs1,rm    | 1100000 00000 ..... ... ..... 1010011
fcvt.wu.s | R1rm  | rd,fs1,rm    | 1100000 00001 ..... ... ..... 1010011
fcvt.l.s  | R1rm  | rd,fs1,rm    | 1100000 00010 ..... ... ..... 1010011
fcvt.lu.s | R1rm  | rd,fs1,rm    | 1100000 00011 ..... ... ..... 1010011
fmv.x.w   | R1    | rd,fs1       | 1110000 00000 ..... 000 ..... 1010011
feq.s     | R     | rd,fs1,fs2   | 1010000 ..... ..... 010 ..... 1010011
flt.s     | R     | rd,fs1,fs2   | 1010000 ..... ..... 001 ..... 1010011
fle.s     | R     | rd,fs1,fs2   | 1010000 ..... ..... 000 ..... 1010011
fclass.s  | R1    | rd,fs1       | 1110000 00000 ..... 001 ..... 1010011
fcvt.s.w  | R1rm  | fd,rs1,rm    | 1101000 00000 ..... ... ..... 1010011
fcvt.s.wu | R1rm  | fd,rs1,rm    | 1101000 00001 ..... ... ..... 1010011
fcvt.s.l  | R1rm  | fd,rs1,rm    | 1101000 00010 ..... ... ..... 1010011
fcvt.s.lu | R1rm  | fd,rs1,rm    | 1101000 00011 ..... ... ..... 1010011
fmv.w.x   | R1    | fd,rs1       | 1111000 00000 ..... 000 ..... 1010011
`;

const D = `
fld       | I     | fd,imm(rs1)  | ............ ..... 011 ..... 0000111
fsd       | S     | fs2,imm(rs1) | ....... ..... ..... 011 ..... 0100111
fmadd.d   | R4    | fd,fs1,fs2,fs3,rm | ..... 01 ..... ..... ... ..... 1000011
fmsub.d   | R4    | fd,fs1,fs2,fs3,rm | ..... 01 ..... ..... ... ..... 1000111
fnmsub.d  | R4    | fd,fs1,fs2,fs3,rm | ..... 01 ..... ..... ... ..... 1001011
fnmadd.d  | R4    | fd,fs1,fs2,fs3,rm | ..... 01 ..... ..... ... ..... 1001111
fadd.d    | Rrm   | fd,fs1,fs2,rm | 0000001 ..... ..... ... ..... 1010011
fsub.d    | Rrm   | fd,fs1,fs2,rm | 0000101 ..... ..... ... ..... 1010011
fmul.d    | Rrm   | fd,fs1,fs2,rm | 0001001 ..... ..... ... ..... 1010011
fdiv.d    | Rrm   | fd,fs1,fs2,rm | 0001101 ..... ..... ... ..... 1010011
fsqrt.d   | R1rm  | fd,fs1,rm    | 0101101 00000 ..... ... ..... 1010011
fsgnj.d   | R     | fd,fs1,fs2   | 0010001 ..... ..... 000 ..... 1010011
fsgnjn.d  | R     | fd,fs1,fs2   | 0010001 ..... ..... 001 ..... 1010011
fsgnjx.d  | R     | fd,fs1,fs2   | 0010001 ..... ..... 010 ..... 1010011
fmin.d    | R     | fd,fs1,fs2   | 0010101 ..... ..... 000 ..... 1010011
fmax.d    | R     | fd,fs1,fs2   | 0010101 ..... ..... 001 ..... 1010011
fcvt.s.d  | R1rm  | fd,fs1,rm    | 0100000 00001 ..... ... ..... 1010011
fcvt.d.s  | R1rm  | fd,fs1,rm0   | 0100001 00000 ..... ... ..... 1010011
feq.d     | R     | rd,fs1,fs2   | 1010001 ..... ..... 010 ..... 1010011
flt.d     | R     | rd,fs1,fs2   | 1010001 ..... ..... 001 ..... 1010011
fle.d     | R     | rd,fs1,fs2   | 1010001 ..... ..... 000 ..... 1010011
fclass.d  | R1    | rd,fs1       | 1110001 00000 ..... 001 ..... 1010011
fcvt.w.d  | R1rm  | rd,fs1,rm    | 1100001 00000 ..... ... ..... 1010011
fcvt.wu.d | R1rm  | rd,fs1,rm    | 1100001 00001 ..... ... ..... 1010011
fcvt.l.d  | R1rm  | rd,fs1,rm    | 1100001 00010 ..... ... ..... 1010011
fcvt.lu.d | R1rm  | rd,fs1,rm    | 1100001 00011 ..... ... ..... 1010011
fcvt.d.w  | R1rm  | fd,rs1,rm0   | 1101001 00000 ..... ... ..... 1010011
fcvt.d.wu | R1rm  | fd,rs1,rm0   | 1101001 00001 ..... ... ..... 1010011
fcvt.d.l  | R1rm  | fd,rs1,rm    | 1101001 00010 ..... ... ..... 1010011
fcvt.d.lu | R1rm  | fd,rs1,rm    | 1101001 00011 ..... ... ..... 1010011
fmv.x.d   | R1    | rd,fs1       | 1110001 00000 ..... 000 ..... 1010011
fmv.d.x   | R1    | fd,rs1       | 1111001 00000 ..... 000 ..... 1010011
`;

const ZBA = `
add.uw    | R     | rd,rs1,rs2   | 0000100 ..... ..... 000 ..... 0111011
sh1add    | R     | rd,rs1,rs2   | 0010000 ..... ..... 010 ..... 0110011
sh2add    | R     | rd,rs1,rs2   | 0010000 ..... ..... 100 ..... 0110011
sh3add    | R     | rd,rs1,rs2   | 0010000 ..... ..... 110 ..... 0110011
sh1add.uw | R     | rd,rs1,rs2   | 0010000 ..... ..... 010 ..... 0111011
sh2add.uw | R     | rd,rs1,rs2   | 0010000 ..... ..... 100 ..... 0111011
sh3add.uw | R     | rd,rs1,rs2   | 0010000 ..... ..... 110 ..... 0111011
slli.uw   | SH6   | rd,rs1,shamt | 000010 ...... ..... 001 ..... 0011011
`;

const ZBB = `
andn      | R     | rd,rs1,rs2   | 0100000 ..... ..... 111 ..... 0110011
orn       | R     | rd,rs1,rs2   | 0100000 ..... ..... 110 ..... 0110011
xnor      | R     | rd,rs1,rs2   | 0100000 ..... ..... 100 ..... 0110011
clz       | R1    | rd,rs1       | 0110000 00000 ..... 001 ..... 0010011
clzw      | R1    | rd,rs1       | 0110000 00000 ..... 001 ..... 0011011
ctz       | R1    | rd,rs1       | 0110000 00001 ..... 001 ..... 0010011
ctzw      | R1    | rd,rs1       | 0110000 00001 ..... 001 ..... 0011011
cpop      | R1    | rd,rs1       | 0110000 00010 ..... 001 ..... 0010011
cpopw     | R1    | rd,rs1       | 0110000 00010 ..... 001 ..... 0011011
max       | R     | rd,rs1,rs2   | 0000101 ..... ..... 110 ..... 0110011
maxu      | R     | rd,rs1,rs2   | 0000101 ..... ..... 111 ..... 0110011
min       | R     | rd,rs1,rs2   | 0000101 ..... ..... 100 ..... 0110011
minu      | R     | rd,rs1,rs2   | 0000101 ..... ..... 101 ..... 0110011
sext.b    | R1    | rd,rs1       | 0110000 00100 ..... 001 ..... 0010011
sext.h    | R1    | rd,rs1       | 0110000 00101 ..... 001 ..... 0010011
zext.h    | R1    | rd,rs1       | 0000100 00000 ..... 100 ..... 0111011
rol       | R     | rd,rs1,rs2   | 0110000 ..... ..... 001 ..... 0110011
rolw      | R     | rd,rs1,rs2   | 0110000 ..... ..... 001 ..... 0111011
ror       | R     | rd,rs1,rs2   | 0110000 ..... ..... 101 ..... 0110011
rori      | SH6   | rd,rs1,shamt | 011000 ...... ..... 101 ..... 0010011
roriw     | SH5   | rd,rs1,shamt | 0110000 ..... ..... 101 ..... 0011011
rorw      | R     | rd,rs1,rs2   | 0110000 ..... ..... 101 ..... 0111011
orc.b     | R1    | rd,rs1       | 0010100 00111 ..... 101 ..... 0010011
rev8      | R1    | rd,rs1       | 0110101 11000 ..... 101 ..... 0010011
`;

const ZBS = `
bclr      | R     | rd,rs1,rs2   | 0100100 ..... ..... 001 ..... 0110011
bclri     | SH6   | rd,rs1,shamt | 010010 ...... ..... 001 ..... 0010011
bext      | R     | rd,rs1,rs2   | 0100100 ..... ..... 101 ..... 0110011
bexti     | SH6   | rd,rs1,shamt | 010010 ...... ..... 101 ..... 0010011
binv      | R     | rd,rs1,rs2   | 0110100 ..... ..... 001 ..... 0110011
binvi     | SH6   | rd,rs1,shamt | 011010 ...... ..... 001 ..... 0010011
bset      | R     | rd,rs1,rs2   | 0010100 ..... ..... 001 ..... 0110011
bseti     | SH6   | rd,rs1,shamt | 001010 ...... ..... 001 ..... 0010011
`;

function parseRows(ext: string, text: string): Row[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name, fmt, operands, pattern] = line.split('|').map((s) => s.trim());
      if (!(fmt in FORMATS)) throw new Error(`${name}: no format ${fmt}`);
      const { match, mask, bits } = parsePattern(pattern, 32);
      return { name, ext, fmt: fmt as Fmt, operands, pattern: bits, match, mask };
    });
}

/** Every 32-bit instruction. Where two rows fit a word (fence.tso and fence), the earlier one is meant. */
export const ROWS: readonly Row[] = [
  ...parseRows('I', I),
  ...parseRows('Zifencei', ZIFENCEI),
  ...parseRows('Zicsr', ZICSR),
  ...parseRows('M', M),
  ...parseRows('A', A),
  ...parseRows('F', F),
  ...parseRows('D', D),
  ...parseRows('Zba', ZBA),
  ...parseRows('Zbb', ZBB),
  ...parseRows('Zbs', ZBS),
];

/** Index into ROWS by name. */
export const ROW_BY_NAME: ReadonlyMap<string, number> = new Map(ROWS.map((row, i) => [row.name, i]));

/** The rounding mode an assembler writes when none is given: dynamic, or 0 for conversions that are always exact. */
export function defaultRm(row: Row): number {
  return row.operands.endsWith('rm0') ? 0 : 7;
}
