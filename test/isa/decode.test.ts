import test from 'ava';
import { decode, type Insn } from '../../src/isa/decode.js';

const NONE = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, csr: 0, rm: 0, aq: false, rl: false };

function fields(raw: number): Partial<Insn> | null {
  const insn = decode(raw);
  if (insn === null) return null;
  const { row: _, ...rest } = insn;
  return rest;
}

/** R-type word from its parts. */
function r(f7: number, rs2: number, rs1: number, f3: number, rd: number, opcode: number): number {
  return ((f7 << 25) | (rs2 << 20) | (rs1 << 15) | (f3 << 12) | (rd << 7) | opcode) >>> 0;
}

test('fields an instruction lacks are zero, the others are read', (t) => {
  const raw = r(0, 12, 11, 0, 10, 0x33);
  t.deepEqual(fields(raw), { ...NONE, op: 'add', rd: 10, rs1: 11, rs2: 12, len: 4, raw, compressed: '' });
  const load = r(0x7f, 0x1f, 2, 3, 5, 0x03);
  t.deepEqual(fields(load), { ...NONE, op: 'ld', rd: 5, rs1: 2, imm: -1, len: 4, raw: load, compressed: '' });
  const fma = r((31 << 2) | 1, 2, 3, 7, 4, 0x43);
  t.deepEqual(fields(fma), {
    ...NONE,
    op: 'fmadd.d',
    rd: 4,
    rs1: 3,
    rs2: 2,
    rs3: 31,
    rm: 7,
    len: 4,
    raw: fma,
    compressed: '',
  });
});

test('upper immediates are shifted and sign-extended', (t) => {
  t.is(decode(0x80000537)?.imm, -2147483648);
  t.is(decode(0x7ffff537)?.imm, 0x7ffff000);
  t.is(decode(0xfffff517)?.imm, -4096);
});

test('branch and jump offsets at both ends', (t) => {
  t.is(decode(0x80000063)?.imm, -4096); // only imm[12]
  t.is(decode(0x7e000fe3)?.imm, 4094); // all but imm[12]
  t.is(decode(0x8000006f)?.imm, -1048576); // only imm[20]
  t.is(decode(0x7ffff06f)?.imm, 1048574);
});

test('a signed word decodes like the unsigned one, and raw is unsigned', (t) => {
  t.deepEqual(decode(0xfff50513 | 0), decode(0xfff50513));
  t.is(decode(0xfff50513 | 0)?.raw, 0xfff50513);
});

test('the low half of a word is enough for a compressed instruction, the high half is ignored', (t) => {
  t.deepEqual(decode(0xdead0505), decode(0x0505));
  t.deepEqual(fields(0x4512), {
    ...NONE,
    op: 'lw',
    rd: 10,
    rs1: 2,
    imm: 4,
    len: 2,
    raw: 0x4512,
    compressed: 'c.lwsp',
  });
});

test('csr instructions: number, and the immediate in both places', (t) => {
  const raw = ((0x003 << 20) | (21 << 15) | (5 << 12) | (10 << 7) | 0x73) >>> 0;
  t.like(decode(raw), { op: 'csrrwi', rd: 10, rs1: 21, imm: 21, csr: 3, rs2: 0 });
  t.like(decode(0xc0102573), { op: 'csrrs', rd: 10, rs1: 0, imm: 0, csr: 0xc01 });
});

test('fences', (t) => {
  t.like(decode(0x0ff0000f), { op: 'fence', imm: 0x0ff });
  t.like(decode(0x0230000f), { op: 'fence', imm: 0x023 }); // fence r,rw
  t.like(decode(0x8330000f), { op: 'fence.tso', imm: 0x833 });
  t.like(decode(0x8320000f), { op: 'fence', imm: 0x832 }); // reserved fm: an ordinary fence
  t.like(decode(0x0100000f), { op: 'fence', imm: 0x010 }); // pause
  t.like(decode(0x0ff50f8f), { op: 'fence', imm: 0x0ff, rd: 0, rs1: 0 }); // reserved rd and rs1 are ignored
  t.like(decode(0x0000100f), { op: 'fence.i', imm: 0 });
  t.like(decode(0x7ff51f8f), { op: 'fence.i', imm: 0, rd: 0, rs1: 0 });
});

test('acquire and release bits', (t) => {
  const amo = (f5: number, aqrl: number) => r((f5 << 2) | aqrl, f5 === 2 ? 0 : 11, 12, 2, 10, 0x2f);
  t.like(decode(amo(0, 0)), { op: 'amoadd.w', aq: false, rl: false, rd: 10, rs1: 12, rs2: 11 });
  t.like(decode(amo(2, 2)), { op: 'lr.w', aq: true, rl: false, rs2: 0 });
  t.like(decode(amo(3, 1)), { op: 'sc.w', aq: false, rl: true });
  t.like(decode(amo(1, 3)), { op: 'amoswap.w', aq: true, rl: true });
  t.is(decode(r(2 << 2, 1, 12, 2, 10, 0x2f)), null, 'lr with an rs2');
  t.is(decode(r(0, 1, 12, 1, 10, 0x2f)), null, 'a halfword amo (Zabha)');
});

test('rounding modes 5 and 6 are reserved, 7 is dynamic', (t) => {
  for (let rm = 0; rm < 8; rm++) {
    for (const raw of [r(0, 1, 2, rm, 3, 0x53), r(1, 1, 2, rm, 3, 0x43), r(0x69, 0, 2, rm, 3, 0x53)]) {
      t.is(decode(raw)?.rm, rm === 5 || rm === 6 ? undefined : rm, `${raw.toString(16)}`);
    }
  }
});

test('HINTs are their base instruction with rd = 0', (t) => {
  t.like(decode(0x00a00013), { op: 'addi', rd: 0, imm: 10 });
  t.like(decode(0x0005e013), { op: 'ori', rd: 0, rs1: 11 }); // prefetch.i 0(a1)
  t.like(decode(0x00200033), { op: 'add', rd: 0, rs2: 2 }); // ntl.p1
  t.like(decode(0x4005), { op: 'addi', rd: 0, imm: 1, compressed: 'c.li' });
  t.like(decode(0x6005), { op: 'lui', rd: 0, imm: 4096, compressed: 'c.lui' });
});

test('what a user program may not execute is null', (t) => {
  const cases: [string, number][] = [
    ['mret', 0x30200073],
    ['sret', 0x10200073],
    ['wfi', 0x10500073],
    ['sfence.vma', 0x12000073],
    ['ecall with rd', 0x000000f3],
    ['ebreak with rs1', 0x00108073],
    ['all zero', 0],
    ['all ones', 0xffffffff],
    ['48-bit prefix', 0x0000001f],
    ['64-bit prefix', 0x0000003f],
    ['vector add', 0x021180d7],
    ['fadd.h', r(2, 1, 2, 7, 3, 0x53)],
    ['fadd.q', r(3, 1, 2, 7, 3, 0x53)],
    ['fmadd.h', r(2, 1, 2, 7, 3, 0x43)],
    ['flq', r(0, 0, 2, 4, 3, 0x07)],
    ['slliw by 32', r(1, 0, 2, 1, 3, 0x1b)],
    ['clmul', r(5, 1, 2, 1, 3, 0x33)],
    ['pack (Zbkb)', r(4, 1, 2, 4, 3, 0x33)],
    ['packw with rs2', r(4, 1, 2, 4, 3, 0x3b)],
    ['rev8 of RV32', r(0x34, 24, 2, 5, 3, 0x13)],
    ['fmv.x.w with rs2', r(0x70, 1, 2, 0, 3, 0x53)],
    ['fsqrt with rs2', r(0x2c, 1, 2, 0, 3, 0x53)],
    ['csr funct3 4', 0x00004073],
  ];
  for (const [what, raw] of cases) t.is(decode(raw), null, what);
});
