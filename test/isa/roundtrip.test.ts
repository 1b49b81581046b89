import test from 'ava';
import fc from 'fast-check';
import { decode, type Insn } from '../../src/isa/decode.js';
import { disasm } from '../../src/isa/disasm.js';
import { encode } from '../../src/isa/encode.js';
import { RVC_ROWS } from '../../src/isa/rvc.js';
import { type Fmt, ROWS } from '../../src/isa/table.js';

type Operands = Partial<Insn>;

const reg = fc.integer({ min: 0, max: 31 });
const rm = fc.constantFrom(0, 1, 2, 3, 4, 7);
const order = { aq: fc.boolean(), rl: fc.boolean() };
const scaled = (min: number, max: number, step: number) =>
  fc.integer({ min: min / step, max: max / step }).map((v) => v * step);
const imm12 = fc.integer({ min: -2048, max: 2047 });

/** What the operands of each format may be, said again from the manual and not from FORMATS. */
const OPERANDS: Record<Fmt, fc.Arbitrary<Operands>> = {
  R: fc.record({ rd: reg, rs1: reg, rs2: reg }),
  R1: fc.record({ rd: reg, rs1: reg }),
  Rrm: fc.record({ rd: reg, rs1: reg, rs2: reg, rm }),
  R1rm: fc.record({ rd: reg, rs1: reg, rm }),
  R4: fc.record({ rd: reg, rs1: reg, rs2: reg, rs3: reg, rm }),
  AMO: fc.record({ rd: reg, rs1: reg, rs2: reg, ...order }),
  LR: fc.record({ rd: reg, rs1: reg, ...order }),
  I: fc.record({ rd: reg, rs1: reg, imm: imm12 }),
  SH6: fc.record({ rd: reg, rs1: reg, imm: fc.integer({ min: 0, max: 63 }) }),
  SH5: fc.record({ rd: reg, rs1: reg, imm: fc.integer({ min: 0, max: 31 }) }),
  S: fc.record({ rs1: reg, rs2: reg, imm: imm12 }),
  B: fc.record({ rs1: reg, rs2: reg, imm: scaled(-4096, 4094, 2) }),
  U: fc.record({ rd: reg, imm: scaled(-(2 ** 31), 2 ** 31 - 4096, 4096) }),
  J: fc.record({ rd: reg, imm: scaled(-(2 ** 20), 2 ** 20 - 2, 2) }),
  CSR: fc.record({ rd: reg, rs1: reg, csr: fc.integer({ min: 0, max: 0xfff }) }),
  CSRI: fc
    .record({ rd: reg, imm: reg, csr: fc.integer({ min: 0, max: 0xfff }) })
    .map((f) => ({ ...f, rs1: f.imm })),
  FENCE: fc.record({ imm: fc.integer({ min: 0, max: 0xfff }).filter((v) => v !== 0x833) }),
  N: fc.constant({}),
};

test('every row: decode(encode(op, operands)) gives the operands back', (t) => {
  ROWS.forEach((row, index) => {
    const operands = row.name === 'fence.tso' ? fc.constant({ imm: 0x833 }) : OPERANDS[row.fmt];
    fc.assert(
      fc.property(operands, (f) => {
        const raw = encode(row.name, f);
        const none = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, csr: 0, rm: 0, aq: false, rl: false };
        const expected = { ...none, ...f, op: row.name, len: 4, raw, row: index, compressed: '' };
        const got = decode(raw);
        for (const k of Object.keys(expected) as (keyof Insn)[]) {
          if (got?.[k] !== expected[k])
            throw new Error(`${row.name}: ${k} is ${got?.[k]}, not ${expected[k]}`);
        }
      }),
      { numRuns: 60 },
    );
  });
  t.pass();
});

test('every row: any word that fits decodes, and encodes back to itself apart from reserved fields', (t) => {
  const reserved = /^fence/;
  for (const [index, row] of ROWS.entries()) {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (noise) => {
        const raw = ((noise & ~row.mask) | row.match) >>> 0;
        const insn = decode(raw);
        if (insn === null) {
          const mode = (raw >>> 12) & 7;
          return row.operands.includes('rm') && (mode === 5 || mode === 6);
        }
        const tso = row.name === 'fence' && insn.op === 'fence.tso';
        return (insn.row === index || tso) && (reserved.test(insn.op) || encode(insn.op, insn) === raw);
      }),
      { numRuns: 60 },
    );
  }
  t.pass();
});

test('every compressed encoding: encode(compressed, insn) gives it back', (t) => {
  let defined = 0;
  const seen = new Set<string>();
  for (let half = 0; half < 65536; half++) {
    const insn = (half & 3) === 3 ? null : decode(half);
    if (insn === null) continue;
    defined++;
    seen.add(insn.compressed);
    if (encode(insn.compressed, insn) !== half)
      t.fail(`${disasm(insn, 0, half)} is not ${half.toString(16)}`);
  }
  t.is(seen.size, RVC_ROWS.length);
  t.true(defined > 40000);
});

test('a compressed instruction means what its expansion means', (t) => {
  for (let half = 0; half < 65536; half++) {
    const insn = (half & 3) === 3 ? null : decode(half);
    if (insn === null) continue;
    const long = decode(encode(insn.op, insn));
    const expected = { ...insn, len: 4, raw: long?.raw, compressed: '' };
    for (const k of Object.keys(expected) as (keyof Insn)[]) {
      if (long?.[k] !== expected[k]) t.fail(`${disasm(insn, 0, half)}: ${k} is ${long?.[k]}`);
    }
  }
  t.pass();
});

test('the encoder writes the rounding mode an assembler would', (t) => {
  t.is(encode('fadd.s', { rd: 10, rs1: 11, rs2: 11 }), 0x00b5f553);
  t.is(encode('fcvt.d.w', { rd: 10, rs1: 10 }), 0xd2050553);
});

test('the encoder refuses what does not fit', (t) => {
  const refused: [string, Operands][] = [
    ['addi', { imm: 2048 }],
    ['addi', { imm: -2049 }],
    ['addi', { imm: 0.5 }],
    ['addi', { rd: 32 }],
    ['add', { rs2: -1 }],
    ['beq', { imm: 3 }],
    ['beq', { imm: 4096 }],
    ['jal', { imm: 2 ** 20 }],
    ['lui', { imm: 1 }],
    ['lui', { imm: 2 ** 31 }],
    ['slli', { imm: 64 }],
    ['slliw', { imm: 32 }],
    ['csrrw', { csr: 4096 }],
    ['csrrwi', { imm: 32 }],
    ['csrrwi', { imm: 1, rs1: 2 }],
    ['nosuch', {}],
    ['c.nosuch', {}],
    ['c.addi4spn', { rd: 8, imm: 0 }],
    ['c.addi4spn', { rd: 7, imm: 4 }],
    ['c.lwsp', { rd: 0, imm: 4 }],
    ['c.lwsp', { rd: 1, imm: 2 }],
    ['c.lwsp', { rd: 1, rs1: 3, imm: 4 }],
    ['c.lui', { rd: 1, imm: 0 }],
    ['c.sub', { rd: 8, rs1: 9, rs2: 10 }],
    ['c.jr', {}],
  ];
  for (const [op, f] of refused) t.throws(() => encode(op, f), { instanceOf: RangeError }, op);
});
