/** All 16-bit encodings against a second decoder, written directly from the quadrant listings of the manual. */
import test from 'ava';
import { decode } from '../../src/isa/decode.js';

interface Expansion {
  name: string;
  op: string;
  rd?: number;
  rs1?: number;
  rs2?: number;
  imm?: number;
}

/** Places the word's bits (listed first to last) at the given value bits. */
function scatter(w: number, wordBits: number[], valueBits: number[]): number {
  return wordBits.reduce((v, from, i) => v + ((w >> from) & 1) * 2 ** valueBits[i], 0);
}

function sext(v: number, bits: number): number {
  return v >= 2 ** (bits - 1) ? v - 2 ** bits : v;
}

const SPLIT6 = [12, 6, 5, 4, 3, 2];

function quadrant0(w: number): Expansion | null {
  const rs1 = 8 + ((w >> 7) & 7);
  const other = 8 + ((w >> 2) & 7);
  const word = scatter(w, [12, 11, 10, 6, 5], [5, 4, 3, 2, 6]);
  const double = scatter(w, [12, 11, 10, 6, 5], [5, 4, 3, 7, 6]);
  switch (w >> 13) {
    case 0: {
      const imm = scatter(w, [12, 11, 10, 9, 8, 7, 6, 5], [5, 4, 9, 8, 7, 6, 2, 3]);
      return imm === 0 ? null : { name: 'c.addi4spn', op: 'addi', rd: other, rs1: 2, imm };
    }
    case 1:
      return { name: 'c.fld', op: 'fld', rd: other, rs1, imm: double };
    case 2:
      return { name: 'c.lw', op: 'lw', rd: other, rs1, imm: word };
    case 3:
      return { name: 'c.ld', op: 'ld', rd: other, rs1, imm: double };
    case 5:
      return { name: 'c.fsd', op: 'fsd', rs2: other, rs1, imm: double };
    case 6:
      return { name: 'c.sw', op: 'sw', rs2: other, rs1, imm: word };
    case 7:
      return { name: 'c.sd', op: 'sd', rs2: other, rs1, imm: double };
    default:
      return null;
  }
}

function arithmetic(w: number, shamt: number, imm: number): Expansion | null {
  const rd = 8 + ((w >> 7) & 7);
  const kind = (w >> 10) & 3;
  if (kind === 0) return { name: 'c.srli', op: 'srli', rd, rs1: rd, imm: shamt };
  if (kind === 1) return { name: 'c.srai', op: 'srai', rd, rs1: rd, imm: shamt };
  if (kind === 2) return { name: 'c.andi', op: 'andi', rd, rs1: rd, imm };
  const ops = (w >> 12) & 1 ? ['subw', 'addw'] : ['sub', 'xor', 'or', 'and'];
  const op = ops[(w >> 5) & 3];
  return op === undefined ? null : { name: `c.${op}`, op, rd, rs1: rd, rs2: 8 + ((w >> 2) & 7) };
}

function quadrant1(w: number): Expansion | null {
  const rd = (w >> 7) & 31;
  const shamt = scatter(w, SPLIT6, [5, 4, 3, 2, 1, 0]);
  const imm = sext(shamt, 6);
  const branch = sext(scatter(w, [12, 11, 10, 6, 5, 4, 3, 2], [8, 4, 3, 7, 6, 2, 1, 5]), 9);
  switch (w >> 13) {
    case 0:
      return { name: w === 1 ? 'c.nop' : 'c.addi', op: 'addi', rd, rs1: rd, imm };
    case 1:
      return rd === 0 ? null : { name: 'c.addiw', op: 'addiw', rd, rs1: rd, imm };
    case 2:
      return { name: 'c.li', op: 'addi', rd, imm };
    case 3: {
      if (shamt === 0) return null;
      if (rd !== 2) return { name: 'c.lui', op: 'lui', rd, imm: imm * 4096 };
      const adjust = sext(scatter(w, SPLIT6, [9, 4, 6, 8, 7, 5]), 10);
      return { name: 'c.addi16sp', op: 'addi', rd: 2, rs1: 2, imm: adjust };
    }
    case 4:
      return arithmetic(w, shamt, imm);
    case 5: {
      const bits = scatter(w, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2], [11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5]);
      return { name: 'c.j', op: 'jal', imm: sext(bits, 12) };
    }
    default: {
      const op = w >> 13 === 6 ? 'beq' : 'bne';
      return { name: `c.${op}z`, op, rs1: 8 + ((w >> 7) & 7), imm: branch };
    }
  }
}

function quadrant2(w: number): Expansion | null {
  const rd = (w >> 7) & 31;
  const rs2 = (w >> 2) & 31;
  const double = scatter(w, SPLIT6, [5, 4, 3, 8, 7, 6]);
  const storeDouble = scatter(w, [12, 11, 10, 9, 8, 7], [5, 4, 3, 8, 7, 6]);
  switch (w >> 13) {
    case 0:
      return { name: 'c.slli', op: 'slli', rd, rs1: rd, imm: scatter(w, SPLIT6, [5, 4, 3, 2, 1, 0]) };
    case 1:
      return { name: 'c.fldsp', op: 'fld', rd, rs1: 2, imm: double };
    case 2: {
      const imm = scatter(w, SPLIT6, [5, 4, 3, 2, 7, 6]);
      return rd === 0 ? null : { name: 'c.lwsp', op: 'lw', rd, rs1: 2, imm };
    }
    case 3:
      return rd === 0 ? null : { name: 'c.ldsp', op: 'ld', rd, rs1: 2, imm: double };
    case 4:
      if ((w >> 12) & 1) {
        if (rs2 !== 0) return { name: 'c.add', op: 'add', rd, rs1: rd, rs2 };
        if (rd !== 0) return { name: 'c.jalr', op: 'jalr', rd: 1, rs1: rd };
        return { name: 'c.ebreak', op: 'ebreak' };
      }
      if (rs2 !== 0) return { name: 'c.mv', op: 'add', rd, rs2 };
      return rd === 0 ? null : { name: 'c.jr', op: 'jalr', rs1: rd };
    case 5:
      return { name: 'c.fsdsp', op: 'fsd', rs1: 2, rs2, imm: storeDouble };
    case 6: {
      const imm = scatter(w, [12, 11, 10, 9, 8, 7], [5, 4, 3, 2, 7, 6]);
      return { name: 'c.swsp', op: 'sw', rs1: 2, rs2, imm };
    }
    default:
      return { name: 'c.sdsp', op: 'sd', rs1: 2, rs2, imm: storeDouble };
  }
}

const QUADRANTS = [quadrant0, quadrant1, quadrant2];

test('all 49152 compressed encodings', (t) => {
  for (let w = 0; w < 65536; w++) {
    if ((w & 3) === 3) continue;
    const expected = QUADRANTS[w & 3](w);
    const got = decode(w);
    if (expected === null || got === null) {
      if (expected !== got)
        t.fail(`${w.toString(16)}: ${got?.op ?? 'illegal'}, not ${expected?.op ?? 'illegal'}`);
      continue;
    }
    const { name, op, rd = 0, rs1 = 0, rs2 = 0, imm = 0 } = expected;
    const want = [name, op, rd, rs1, rs2, imm, 2, w].join(' ');
    const have = [got.compressed, got.op, got.rd, got.rs1, got.rs2, got.imm, got.len, got.raw].join(' ');
    if (want !== have) t.fail(`${w.toString(16)}: ${have}, not ${want}`);
  }
  t.pass();
});
