/** From decoded RISC-V instructions to IR: one handler per base mnemonic, grouped by what instructions share. */
import type { Insn } from '../isa/decode.js';
import type { Builder } from './builder.js';
import {
  c32,
  c64,
  EXIT_BREAK,
  EXIT_FENCEI,
  EXIT_ILLEGAL,
  EXIT_MISALIGNED,
  EXIT_SYSCALL,
  type Opnd,
  REG_F,
  REG_FCSR,
  type Term,
} from './ir.js';

/** Lifts one instruction at `pc`. Returns the terminator when the instruction ends its block. */
export type Lifter = (b: Builder, i: Insn, pc: number) => Term | undefined;

type Bin = (b: Builder, x: Opnd, y: Opnd) => Opnd;

const H = new Map<string, Lifter>();

/** The handler of a mnemonic; undefined for instructions the engine does not know. */
export function lifterOf(op: string): Lifter | undefined {
  return H.get(op);
}

/** All mnemonics that can be lifted, for tests and support pages. */
export function liftedOps(): string[] {
  return [...H.keys()];
}

const wrap = (b: Builder, x: Opnd): Opnd => b.op('i32.wrap_i64', x);
const sext = (b: Builder, x: Opnd): Opnd => b.op('i64.extend_i32_s', x);
const zext = (b: Builder, x: Opnd): Opnd => b.op('i64.extend_i32_u', x);
const not = (b: Builder, x: Opnd): Opnd => b.op('i64.xor', x, c64(-1));

const bin =
  (op: string): Bin =>
  (b, x, y) =>
    b.op(op, x, y);
const binW =
  (op: string): Bin =>
  (b, x, y) =>
    sext(b, b.op(op, wrap(b, x), wrap(b, y)));
const cmp =
  (op: string): Bin =>
  (b, x, y) =>
    zext(b, b.op(op, x, y));
const pick =
  (op: string): Bin =>
  (b, x, y) =>
    b.op('i64.select', b.op(op, x, y), x, y);
const shAdd =
  (n: number, uw: boolean): Bin =>
  (b, x, y) =>
    b.op('i64.add', b.op('i64.shl', uw ? zext(b, wrap(b, x)) : x, c64(n)), y);
const bit = (b: Builder, y: Opnd): Opnd => b.op('i64.shl', c64(1), y);

// --- register-register and register-immediate arithmetic ----------------------------------------------------

const ALU: Record<string, Bin> = {
  add: bin('i64.add'),
  sub: bin('i64.sub'),
  sll: bin('i64.shl'),
  srl: bin('i64.shr_u'),
  sra: bin('i64.shr_s'),
  and: bin('i64.and'),
  or: bin('i64.or'),
  xor: bin('i64.xor'),
  slt: cmp('i64.lt_s'),
  sltu: cmp('i64.lt_u'),
  addw: binW('i32.add'),
  subw: binW('i32.sub'),
  sllw: binW('i32.shl'),
  srlw: binW('i32.shr_u'),
  sraw: binW('i32.shr_s'),
  mul: bin('i64.mul'),
  mulw: binW('i32.mul'),
  mulh: bin('rv.mulh'),
  mulhu: bin('rv.mulhu'),
  mulhsu: bin('rv.mulhsu'),
  div: bin('rv.div'),
  divu: bin('rv.divu'),
  rem: bin('rv.rem'),
  remu: bin('rv.remu'),
  divw: binW('rv.divw'),
  divuw: binW('rv.divuw'),
  remw: binW('rv.remw'),
  remuw: binW('rv.remuw'),
  sh1add: shAdd(1, false),
  sh2add: shAdd(2, false),
  sh3add: shAdd(3, false),
  'sh1add.uw': shAdd(1, true),
  'sh2add.uw': shAdd(2, true),
  'sh3add.uw': shAdd(3, true),
  'add.uw': shAdd(0, true),
  andn: (b, x, y) => b.op('i64.and', x, not(b, y)),
  orn: (b, x, y) => b.op('i64.or', x, not(b, y)),
  xnor: (b, x, y) => not(b, b.op('i64.xor', x, y)),
  max: pick('i64.gt_s'),
  maxu: pick('i64.gt_u'),
  min: pick('i64.lt_s'),
  minu: pick('i64.lt_u'),
  rol: bin('i64.rotl'),
  ror: bin('i64.rotr'),
  rolw: binW('i32.rotl'),
  rorw: binW('i32.rotr'),
  bclr: (b, x, y) => b.op('i64.and', x, not(b, bit(b, y))),
  bset: (b, x, y) => b.op('i64.or', x, bit(b, y)),
  binv: (b, x, y) => b.op('i64.xor', x, bit(b, y)),
  bext: (b, x, y) => b.op('i64.and', b.op('i64.shr_u', x, y), c64(1)),
};

const IMMEDIATE: Record<string, string> = {
  addi: 'add',
  slti: 'slt',
  sltiu: 'sltu',
  andi: 'and',
  ori: 'or',
  xori: 'xor',
  slli: 'sll',
  srli: 'srl',
  srai: 'sra',
  addiw: 'addw',
  slliw: 'sllw',
  srliw: 'srlw',
  sraiw: 'sraw',
  rori: 'ror',
  roriw: 'rorw',
  bclri: 'bclr',
  bseti: 'bset',
  binvi: 'binv',
  bexti: 'bext',
};

for (const [name, f] of Object.entries(ALU)) {
  H.set(name, (b, i) => {
    b.put(i.rd, f(b, b.get(i.rs1), b.get(i.rs2)));
    return undefined;
  });
}
for (const [name, base] of Object.entries(IMMEDIATE)) {
  const f = ALU[base]!;
  H.set(name, (b, i) => {
    b.put(i.rd, f(b, b.get(i.rs1), c64(i.imm)));
    return undefined;
  });
}

const UNARY: Record<string, (b: Builder, x: Opnd) => Opnd> = {
  clz: (b, x) => b.op('i64.clz', x),
  ctz: (b, x) => b.op('i64.ctz', x),
  cpop: (b, x) => b.op('i64.popcnt', x),
  clzw: (b, x) => sext(b, b.op('i32.clz', wrap(b, x))),
  ctzw: (b, x) => sext(b, b.op('i32.ctz', wrap(b, x))),
  cpopw: (b, x) => sext(b, b.op('i32.popcnt', wrap(b, x))),
  'sext.b': (b, x) => b.op('i64.extend8_s', x),
  'sext.h': (b, x) => b.op('i64.extend16_s', x),
  'zext.h': (b, x) => b.op('i64.and', x, c64(0xffff)),
  'orc.b': (b, x) => b.op('rv.orcb', x),
  rev8: (b, x) => b.op('rv.rev8', x),
};
for (const [name, f] of Object.entries(UNARY)) {
  H.set(name, (b, i) => {
    b.put(i.rd, f(b, b.get(i.rs1)));
    return undefined;
  });
}
H.set('slli.uw', (b, i) => {
  b.put(i.rd, b.op('i64.shl', zext(b, wrap(b, b.get(i.rs1))), c64(i.imm)));
  return undefined;
});
H.set('lui', (b, i) => {
  b.put(i.rd, c64(i.imm));
  return undefined;
});
H.set('auipc', (b, i, pc) => {
  b.put(i.rd, c64(pc + i.imm));
  return undefined;
});

// --- loads and stores -----------------------------------------------------------------------------------------

const INT_LOADS: [string, string, number][] = [
  ['lb', 'i64.load8_s', 1],
  ['lbu', 'i64.load8_u', 1],
  ['lh', 'i64.load16_s', 2],
  ['lhu', 'i64.load16_u', 2],
  ['lw', 'i64.load32_s', 4],
  ['lwu', 'i64.load32_u', 4],
  ['ld', 'i64.load', 8],
];
for (const [name, op, size] of INT_LOADS) {
  H.set(name, (b, i) => {
    const h = b.xlat(b.get(i.rs1), i.imm, size, 'r', i.rs1);
    b.put(i.rd, b.load(op, h, i.imm));
    return undefined;
  });
}
const INT_STORES: [string, string, number][] = [
  ['sb', 'i64.store8', 1],
  ['sh', 'i64.store16', 2],
  ['sw', 'i64.store32', 4],
  ['sd', 'i64.store', 8],
];
for (const [name, op, size] of INT_STORES) {
  H.set(name, (b, i) => {
    const v = b.get(i.rs2);
    const h = b.xlat(b.get(i.rs1), i.imm, size, 'w', i.rs1);
    b.store(op, h, i.imm, v);
    return undefined;
  });
}
H.set('fld', (b, i) => {
  const h = b.xlat(b.get(i.rs1), i.imm, 8, 'r', i.rs1);
  b.put(REG_F + i.rd, b.load('f64.load', h, i.imm));
  return undefined;
});
H.set('flw', (b, i) => {
  const h = b.xlat(b.get(i.rs1), i.imm, 4, 'r', i.rs1);
  b.put(REG_F + i.rd, b.op('rv.box', b.load('f32.load', h, i.imm)));
  return undefined;
});
H.set('fsd', (b, i) => {
  const v = b.get(REG_F + i.rs2);
  const h = b.xlat(b.get(i.rs1), i.imm, 8, 'w', i.rs1);
  b.store('f64.store', h, i.imm, v);
  return undefined;
});
H.set('fsw', (b, i) => {
  // The low word goes out whether or not it is a proper NaN box.
  const v = b.op('i64.reinterpret_f64', b.get(REG_F + i.rs2));
  const h = b.xlat(b.get(i.rs1), i.imm, 4, 'w', i.rs1);
  b.store('i64.store32', h, i.imm, v);
  return undefined;
});

// --- control flow ---------------------------------------------------------------------------------------------

const BRANCHES: Record<string, string> = {
  beq: 'i64.eq',
  bne: 'i64.ne',
  blt: 'i64.lt_s',
  bge: 'i64.ge_s',
  bltu: 'i64.lt_u',
  bgeu: 'i64.ge_u',
};
for (const [name, op] of Object.entries(BRANCHES)) {
  H.set(name, (b, i, pc) => {
    const cond = b.op(op, b.get(i.rs1), b.get(i.rs2));
    if (cond.k === 'c') return { t: 'goto', pc: cond.v !== 0 ? pc + i.imm : pc + i.len };
    return { t: 'br', cond, pc: pc + i.imm, fall: pc + i.len };
  });
}

/** x1 and x5 are link registers (ISA manual, "Return-address stack prediction hints"). */
const isLink = (r: number): boolean => r === 1 || r === 5;

H.set('jal', (b, i, pc) => {
  const target = pc + i.imm;
  const next = pc + i.len;
  b.put(i.rd, c64(next));
  return isLink(i.rd) ? { t: 'call', pc: target, ret: next } : { t: 'goto', pc: target };
});
H.set('jalr', (b, i, pc) => {
  const next = pc + i.len;
  const target = b.op('i64.and', b.op('i64.add', b.get(i.rs1), c64(i.imm)), c64(-2));
  b.put(i.rd, c64(next));
  if (isLink(i.rd)) {
    if (target.k === 'c') return { t: 'call', pc: Number(target.v), ret: next };
    return { t: 'icall', target, ret: next };
  }
  if (target.k === 'c' && Number(target.v) >= 0) return { t: 'goto', pc: Number(target.v) };
  return i.rd === 0 && isLink(i.rs1) ? { t: 'ret', target } : { t: 'ijump', target };
});
H.set('ecall', (_b, i, pc) => ({ t: 'exit', why: EXIT_SYSCALL, pc, next: pc + i.len }));
H.set('ebreak', (_b, i, pc) => ({ t: 'exit', why: EXIT_BREAK, pc, next: pc + i.len }));
H.set('fence.i', (_b, i, pc) => ({ t: 'exit', why: EXIT_FENCEI, pc: pc + i.len, next: pc + i.len }));

/** Ends a block at an instruction that cannot be executed. */
export function illegal(pc: number, len: number): Term {
  return { t: 'exit', why: EXIT_ILLEGAL, pc, next: pc + len };
}

H.set('fence', (b, i) => {
  const pred = (i.imm >> 4) & 15;
  const succ = i.imm & 15;
  // Bits: 8 device input, 4 device output, 2 read, 1 write. Only write before read needs more than TSO gives.
  b.fence((pred & 5) !== 0 && (succ & 10) !== 0 && i.imm >> 8 !== 8, pred, succ);
  return undefined;
});
H.set('fence.tso', (b) => {
  b.fence(false, 3, 3);
  return undefined;
});

// --- atomics: run-time functions that take the line's stripe where reservations exist ------------------------

const AMO_KINDS = ['swap', 'add', 'xor', 'and', 'or', 'min', 'max', 'minu', 'maxu'];
for (const [k, kind] of AMO_KINDS.entries()) {
  for (const [suffix, size] of [
    ['w', 4],
    ['d', 8],
  ] as const) {
    H.set(`amo${kind}.${suffix}`, (b, i) => {
      const v = b.get(i.rs2);
      const addr = b.get(i.rs1);
      alignment(b, addr, size);
      const h = b.xlat(addr, 0, size, 'rw', i.rs1);
      b.put(i.rd, b.call(`amo_${suffix}`, 'i64', false, c32(k), h, v)!);
      return undefined;
    });
  }
}
for (const [suffix, size] of [
  ['w', 4],
  ['d', 8],
] as const) {
  H.set(`lr.${suffix}`, (b, i) => {
    const addr = b.get(i.rs1);
    alignment(b, addr, size);
    const h = b.xlat(addr, 0, size, 'r', i.rs1);
    b.put(i.rd, b.call(`lr_${suffix}`, 'i64', false, h)!);
    return undefined;
  });
  H.set(`sc.${suffix}`, (b, i) => {
    const v = b.get(i.rs2);
    const addr = b.get(i.rs1);
    alignment(b, addr, size);
    const h = b.xlat(addr, 0, size, 'w', i.rs1);
    b.put(i.rd, b.call(`sc_${suffix}`, 'i64', false, h, v)!);
    return undefined;
  });
}

function alignment(b: Builder, addr: Opnd, size: number): void {
  b.exitif(b.op('i32.and', wrap(b, addr), c32(size - 1)), EXIT_MISALIGNED, size);
}

// --- CSRs -----------------------------------------------------------------------------------------------------

const CSR_FFLAGS = 1;
const CSR_FRM = 2;
const CSR_FCSR = 3;
const CSR_COUNTERS = new Map([
  [0xc00, 'csr_cycle'],
  [0xc01, 'csr_time'],
  [0xc02, 'csr_instret'],
]);

for (const name of ['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci']) {
  H.set(name, (b, i, pc) => {
    const imm = name.endsWith('i');
    const kind = name[4]!;
    const writes = kind === 'w' || i.rs1 !== 0;
    const counter = CSR_COUNTERS.get(i.csr);
    if (counter) {
      if (writes) return illegal(pc, i.len);
      b.put(i.rd, b.call(counter, 'i64', false)!);
      return undefined;
    }
    if (i.csr < CSR_FFLAGS || i.csr > CSR_FCSR) return illegal(pc, i.len);
    const shift = i.csr === CSR_FRM ? 5 : 0;
    const mask = i.csr === CSR_FFLAGS ? 31 : i.csr === CSR_FRM ? 7 : 255;
    const fcsr = b.get(REG_FCSR);
    const old = b.op('i32.and', b.op('i32.shr_u', fcsr, c32(shift)), c32(mask));
    const src = imm ? c32(i.rs1) : wrap(b, b.get(i.rs1));
    b.put(i.rd, zext(b, old));
    if (writes) {
      const set = b.op('i32.and', src, c32(mask));
      const now =
        kind === 'w'
          ? set
          : kind === 's'
            ? b.op('i32.or', old, set)
            : b.op('i32.and', old, b.op('i32.xor', set, c32(mask)));
      const keep = b.op('i32.and', fcsr, c32(~(mask << shift) & 255));
      b.put(REG_FCSR, b.op('i32.or', keep, b.op('i32.shl', now, c32(shift))));
    }
    return undefined;
  });
}

/** Handlers of other files (floating point) register here. */
export function addLifter(op: string, f: Lifter): void {
  H.set(op, f);
}
