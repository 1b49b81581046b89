import test from 'ava';
import { RVC_ROWS } from '../../src/isa/rvc.js';
import { defaultRm, FORMATS, ROW_BY_NAME, ROWS } from '../../src/isa/table.js';

test('every extension has the number of instructions its chapter lists for RV64', (t) => {
  const count = new Map<string, number>();
  for (const row of ROWS) count.set(row.ext, (count.get(row.ext) ?? 0) + 1);
  t.deepEqual(Object.fromEntries(count), {
    I: 40 + 12 + 1, // RV32I, what RV64I adds, and fence.tso as a row of its own
    Zifencei: 1,
    Zicsr: 6,
    M: 8 + 5,
    A: 2 * 11,
    F: 26 + 4,
    D: 26 + 6,
    Zba: 8,
    Zbb: 24,
    Zbs: 8,
  });
  t.is(RVC_ROWS.length, 37);
});

test('names are unique and point back at their rows', (t) => {
  t.is(ROW_BY_NAME.size, ROWS.length);
  ROWS.forEach((row, i) => {
    t.is(ROW_BY_NAME.get(row.name), i);
  });
  t.is(new Set(RVC_ROWS.map((row) => row.name)).size, RVC_ROWS.length);
});

test('no word fits two rows, except fence.tso which is a fence', (t) => {
  const overlaps: string[] = [];
  ROWS.forEach((a, i) => {
    for (const b of ROWS.slice(i + 1)) {
      if (((a.match ^ b.match) & a.mask & b.mask) === 0) overlaps.push(`${a.name} ${b.name}`);
    }
  });
  t.deepEqual(overlaps, ['fence.tso fence']);
});

test('the free bits of a row are exactly the fields of its format', (t) => {
  const width: Record<string, number> = { rd: 5, rs1: 5, rs2: 5, rs3: 5, rm: 3, csr: 12, aqrl: 2 };
  // Reserved fields that must be ignored are free as well; the operand set of fence.tso is fixed.
  const extra: Record<string, number> = { fence: 10, 'fence.tso': 10 - 12, 'fence.i': 22 };
  for (const row of ROWS) {
    const { fields, imm } = FORMATS[row.fmt];
    let bits = extra[row.name] ?? 0;
    for (const f of fields) bits += width[f];
    // In csrr?i the immediate is the rs1 field.
    if (row.fmt !== 'CSRI') for (const s of imm.segments) bits += 32 - Math.clz32(s.mask);
    t.is(row.pattern.replaceAll(/[01]/g, '').length, bits, row.name);
  }
});

test('immediates have the ranges of the manual', (t) => {
  const range = (fmt: keyof typeof FORMATS) => {
    const { width, step, signed } = FORMATS[fmt].imm;
    return { width, step, signed };
  };
  t.deepEqual(range('I'), { width: 12, step: 1, signed: true });
  t.deepEqual(range('S'), { width: 12, step: 1, signed: true });
  t.deepEqual(range('B'), { width: 13, step: 2, signed: true });
  t.deepEqual(range('J'), { width: 21, step: 2, signed: true });
  t.deepEqual(range('U'), { width: 32, step: 4096, signed: true });
  t.deepEqual(range('SH6'), { width: 6, step: 1, signed: false });
  t.deepEqual(range('SH5'), { width: 5, step: 1, signed: false });
});

test('only the exact conversions default to rounding mode 0', (t) => {
  t.deepEqual(
    ROWS.filter((row) => defaultRm(row) === 0).map((row) => row.name),
    ['fcvt.d.s', 'fcvt.d.w', 'fcvt.d.wu'],
  );
});
