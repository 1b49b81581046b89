/**
 * Random programs for the differential tests: straight code, forward branches and jumps, counted loops, memory
 * accesses around a few base registers, atomics, and floating point with every rounding mode. A program touches only
 * registers and the scratch area, ends at its last instruction, and never runs for long.
 */
import { decode } from '../../src/isa/decode.js';
import { encode } from '../../src/isa/encode.js';
import { RVC_ROWS } from '../../src/isa/rvc.js';
import { ROWS, type Row } from '../../src/isa/table.js';
import { Random } from '../support/random.js';

/** Guest addresses, the same under every executor, so that pc-relative results agree. */
export const CODE = 0x1000_0000;
/** Bytes of code per program, the end marker included. */
export const STRIDE = 512;
export const SCRATCH = 0x2000_0000;
export const SCRATCH_SIZE = 3 * 4096;
/** Where program i's record lies (see qemu.ts); its gp. */
export const RECORDS = 0x3000_0000;

/** Base registers, never written: sp, s0 and s1 point into the scratch area, gp at the record. */
const BASES = [2, 8, 9] as const;
const GP = 3;
/** Loop counter: written by loops only. */
const COUNTER = 31;
const FIXED = new Set<number>([2, GP, 8, 9, COUNTER]);

export interface Program {
  seed: number;
  pc: number;
  /** Machine code without the end marker. */
  code: Uint8Array;
  x: BigUint64Array;
  f: BigUint64Array;
  fcsr: number;
  /**
   * False when qemu may be wrong: 7.2 (and older) give 63 for ctzw of a value whose low word is 0; the manual says 32.
   */
  qemuKnows: boolean;
}

/** Instructions that stay together: nothing jumps between them. */
interface Item {
  /** Encodings; a hole is filled once addresses are known. */
  parts: (number | Hole)[];
}
interface Hole {
  size: 2 | 4;
  /** Item jumped to. */
  to: number;
  make(offset: number): number;
  /** Item-relative index of the part that the offset counts from; the hole itself when missing. */
  from?: number;
}

// biome-ignore format: a table
const X64 = [
  0n, 1n, 2n, 0xffn, 0x7fffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, 0x7fffffffffffffffn,
  0x8000000000000000n, 0x8000000000000001n, 0xffffffffffffffffn, 0xfffffffffffffffen, 0xffffffff80000000n,
  0xffffffff7fffffffn, 0x0102030405060708n, 0x00ff00ff00ff00ffn, 63n, 64n,
];
// biome-ignore format: a table
const F64 = [
  0n, 0x8000000000000000n, 0x3ff0000000000000n, 0xbff0000000000000n, 0x7ff0000000000000n, 0xfff0000000000000n,
  0x7ff8000000000000n, 0x7ff0000000000001n, 0xfff8000000001234n, 1n, 0x000fffffffffffffn, 0x0010000000000000n,
  0x7fefffffffffffffn, 0x43e0000000000000n, 0xc3e0000000000000n, 0x43f0000000000000n, 0x41dfffffffc00000n,
  0x41e0000000000000n, 0xc1e0000000200000n, 0x41efffffffe00000n, 0x3fe0000000000000n, 0x4330000000000001n,
  0x36a0000000000000n, 0x380fffffffffffffn, 0x47efffffe0000000n, 0x400921fb54442d18n, 0xc00921fb54442d18n,
];
// biome-ignore format: a table
const F32 = [
  0n, 0x80000000n, 0x3f800000n, 0xbf800000n, 0x7f800000n, 0xff800000n, 0x7fc00000n, 0x7f800001n, 0xffc12345n, 1n,
  0x007fffffn, 0x00800000n, 0x7f7fffffn, 0x4f000000n, 0xcf000000n, 0x5f000000n, 0x4effffffn, 0x3f000000n, 0x40490fdbn,
];

const FLOAT = new Set(['F', 'D']);
const SPECIAL = new Set(['ecall', 'ebreak', 'fence.i', 'jal', 'jalr']);
const PLAIN = ROWS.filter(
  (r) => !SPECIAL.has(r.name) && r.ext !== 'Zicsr' && r.ext !== 'A' && r.fmt !== 'B' && !memory(r.name),
);
const LOADS = ROWS.filter((r) => memory(r.name) && r.fmt === 'I');
const STORES = ROWS.filter((r) => memory(r.name) && r.fmt === 'S');
const BRANCHES = ROWS.filter((r) => r.fmt === 'B');
const AMOS = ROWS.filter((r) => r.ext === 'A' && r.name.startsWith('amo'));
/** c.addi16sp would move a base register. */
const COMPRESSED = RVC_ROWS.filter(
  (r) => !['jal', 'jalr', 'ebreak', 'beq', 'bne'].includes(r.base) && r.name !== 'c.addi16sp',
);

function memory(name: string): boolean {
  return /^f?(l[bhwd]u?|s[bhwd])$/.test(name);
}

class Generator {
  readonly r: Random;
  private items: Item[] = [];
  private left = 0;
  qemuKnows = true;

  constructor(
    seed: number,
    private readonly traps: boolean,
  ) {
    this.r = new Random(seed);
  }

  /** A register that may be written. */
  private dest(): number {
    for (;;) {
      const d = this.r.below(32);
      if (!FIXED.has(d)) return d;
    }
  }

  private src(): number {
    return this.r.below(32);
  }

  program(): Uint8Array {
    const count = this.r.range(20, 60);
    this.left = count;
    while (this.left > 0) this.items.push(this.item());
    return this.assemble();
  }

  private item(): Item {
    const { r } = this;
    const n = r.below(100);
    let parts: (number | Hole)[];
    if (this.traps && r.chance(4)) parts = this.trap();
    else if (n < 44) parts = this.any();
    else if (n < 52) parts = this.compressed();
    else if (n < 70) parts = this.access();
    else if (n < 76) parts = this.atomic();
    else if (n < 80) parts = this.csr();
    else if (n < 90) parts = this.branch();
    else if (n < 94) parts = this.jump();
    else if (n < 96) parts = this.loop();
    else parts = [this.plain(r.pick(PLAIN.filter((p) => FLOAT.has(p.ext))))];
    this.left -= parts.length;
    return { parts };
  }

  private any(): number[] {
    const row = this.r.pick(PLAIN);
    if (row.name !== 'ctzw' || this.r.chance(10)) return [this.plain(row)];
    const t = this.dest() || 14;
    const notZero = encode('ori', { rd: t, rs1: this.src(), imm: this.r.range(1, 2047) });
    return [notZero, encode('ctzw', { rd: this.dest(), rs1: t })];
  }

  private plain(row: Row): number {
    if (row.name === 'ctzw') this.qemuKnows = false;
    const { r } = this;
    const floatDest = row.operands.startsWith('fd');
    const imm = this.imm(row);
    return encode(row.name, {
      rd: floatDest ? r.below(32) : this.dest(),
      rs1: this.src(),
      rs2: this.src(),
      rs3: this.src(),
      rm: this.rm(row),
      ...(imm === undefined ? {} : { imm }),
    });
  }

  private rm(row: Row): number {
    return row.operands.endsWith('rm0') ? 0 : this.r.pick([0, 1, 2, 3, 4, 7, 7, 7]);
  }

  private imm(row: Row): number | undefined {
    const { r } = this;
    switch (row.fmt) {
      case 'I':
        return r.chance(30) ? r.pick([0, 1, -1, 2047, -2048]) : r.range(-2048, 2047);
      case 'SH6':
        return r.below(64);
      case 'SH5':
        return r.below(32);
      case 'U':
        return (r.u32() & 0xfffff000) | 0;
      case 'FENCE':
        return row.name === 'fence.tso' ? 0x833 : r.below(256);
      default:
        return undefined;
    }
  }

  private compressed(): number[] {
    const { r } = this;
    const row = r.pick(COMPRESSED);
    const mem = memory(row.base);
    for (;;) {
      const rd = row.rd.mask ? r.below(row.rd.mask + 1) + row.rd.add : row.rd.add;
      let rs1 = row.rs1.mask ? r.below(row.rs1.mask + 1) + row.rs1.add : row.rs1.add;
      if (row.pattern.includes('b')) rs1 = rd;
      if (mem && row.rs1.mask) rs1 = r.pick([8, 9]);
      const rs2 = row.rs2.mask ? r.below(row.rs2.mask + 1) + row.rs2.add : row.rs2.add;
      const isFloat = row.operands.startsWith('fd');
      const stores = /^f?s[wd]$/.test(row.base);
      if (!isFloat && !stores && FIXED.has(rd)) continue;
      const { imm } = row;
      const steps = 2 ** imm.width / imm.step;
      const value = (r.below(steps) - (imm.signed ? steps / 2 : 0)) * imm.step;
      try {
        const raw = encode(row.name, { rd, rs1, rs2, imm: imm.width === 0 ? 0 : value });
        // c.mv and c.add of x0 are c.jr and c.jalr.
        if (decode(raw)?.compressed === row.name) return [raw];
      } catch (e) {
        if (!(e instanceof RangeError)) throw e;
      }
    }
  }

  private access(): number[] {
    const { r } = this;
    const load = r.chance(55);
    const row = r.pick(load ? LOADS : STORES);
    const rd = row.operands.startsWith('fd') ? r.below(32) : this.dest();
    const at = (rs1: number, imm: number): number => encode(row.name, { rd, rs1, rs2: this.src(), imm });
    const off = r.chance(70) ? r.range(-256, 255) * 8 : r.range(-2048, 2047);
    const base = r.pick(BASES);
    if (r.chance(70)) return [at(base, off)];
    // By way of another register, whose value the optimiser may know.
    const t = this.dest() || 10;
    return [encode('addi', { rd: t, rs1: base, imm: r.range(-1024, 1023) }), at(t, r.range(-1024, 1023))];
  }

  private atomic(): number[] {
    const { r } = this;
    const size = r.pick(['w', 'd']);
    const t = this.dest() || 11;
    const point = encode('addi', { rd: t, rs1: r.pick([2, 8]), imm: r.range(-8, 8) * 8 });
    const order = { aq: r.chance(30), rl: r.chance(30) };
    if (r.chance(60)) {
      const row = r.pick(AMOS);
      return [point, encode(row.name, { rd: this.dest(), rs1: t, rs2: this.src(), ...order })];
    }
    const out = [point];
    let d = this.dest();
    while (d === t) d = this.dest();
    out.push(encode(`lr.${size}`, { rd: d, rs1: t, ...order }));
    // Sometimes a store between them, which may change the word, and sometimes a reservation of another word.
    if (r.chance(30)) out.push(encode(`s${size}`, { rs1: t, rs2: this.src(), imm: r.pick([0, 0, 8]) }));
    if (r.chance(20)) out.push(encode('addi', { rd: t, rs1: t, imm: 8 }));
    out.push(encode(`sc.${size}`, { rd: this.dest(), rs1: t, rs2: this.src(), ...order }));
    return out;
  }

  /** Something that traps, or may. */
  private trap(): number[] {
    const { r } = this;
    const rd = this.dest();
    switch (r.below(6)) {
      case 0:
        return [this.around(r.pick(LOADS), 0)];
      case 1:
        return [this.around(r.pick(STORES), GP)];
      case 2:
        return [encode('ebreak', {})];
      case 3:
        return [0xffffffff];
      case 4: {
        // An address that is aligned for some atomics only.
        const t = rd || 10;
        const point = encode('addi', { rd: t, rs1: 8, imm: r.below(8) });
        return [point, encode(r.pick(AMOS).name, { rd, rs1: t, rs2: this.src() })];
      }
      default:
        // frm may become 5..7; dynamic rounding is illegal then.
        return [encode('csrrwi', { rd, csr: 2, imm: r.below(8) })];
    }
  }

  /** A load or store near what a register holds: nothing is mapped there. */
  private around(row: Row, rs1: number): number {
    const rd = row.operands.startsWith('fd') ? this.r.below(32) : this.dest();
    return encode(row.name, { rd, rs1, rs2: this.src(), imm: this.r.range(-16, 16) });
  }

  private csr(): number[] {
    const { r } = this;
    const rd = this.dest();
    switch (r.below(7)) {
      case 0:
        return [encode('csrrwi', { rd, csr: 2, imm: r.below(5) })];
      case 1:
        return [encode(r.pick(['csrrw', 'csrrs', 'csrrc']), { rd, csr: 1, rs1: this.src() })];
      case 2:
        return [encode(r.pick(['csrrwi', 'csrrsi', 'csrrci']), { rd, csr: 1, imm: r.below(32) })];
      case 3:
        return [encode('csrrs', { rd, csr: r.range(1, 3), rs1: 0 })];
      case 4: {
        // Any value of fcsr with a valid mode; only the low 7 bits, so that modes are 0..3.
        const t = this.dest() || 12;
        const keep = encode('andi', { rd: t, rs1: this.src(), imm: 0x7f });
        return [keep, encode('csrrw', { rd, csr: 3, rs1: t })];
      }
      case 5:
        return [encode('csrrci', { rd, csr: 2, imm: r.below(8) })];
      default:
        return [encode('csrrsi', { rd, csr: 3, imm: r.below(32) })];
    }
  }

  /** An item some way ahead. */
  private ahead(): number {
    return this.items.length + this.r.range(1, 12);
  }

  private branch(): Hole[] {
    const { r } = this;
    const row = r.pick(BRANCHES);
    const rs1 = this.src();
    const rs2 = r.chance(20) ? 0 : r.chance(10) ? rs1 : this.src();
    if (r.chance(25)) {
      const op = r.pick(['c.beqz', 'c.bnez']);
      const s = r.range(8, 15);
      return [{ size: 2, to: this.ahead(), make: (imm) => this.short(op, s, imm) }];
    }
    return [{ size: 4, to: this.ahead(), make: (imm) => encode(row.name, { rs1, rs2, imm }) }];
  }

  /** c.beqz and c.bnez reach 254 bytes; beyond that the branch becomes a no-op. */
  private short(op: string, rs1: number, imm: number): number {
    return imm < 256 ? encode(op, { rs1, rs2: 0, imm }) : encode('c.nop', {});
  }

  private jump(): (number | Hole)[] {
    const { r } = this;
    const rd = r.pick([0, 0, 1, 1, 5, this.dest()]);
    const to = this.ahead();
    if (r.chance(60)) return [{ size: 4, to, make: (imm) => encode('jal', { rd, imm }) }];
    // A computed jump, a return when it goes through a link register.
    const t = r.pick([1, 5, this.dest() || 13]);
    return [
      encode('auipc', { rd: t, imm: 0 }),
      { size: 4, to, from: 0, make: (imm) => encode('jalr', { rd, rs1: t, imm }) },
    ];
  }

  /** A loop around a few instructions. It ends wherever it is entered: the counter is positive or it stops. */
  private loop(): (number | Hole)[] {
    const { r } = this;
    const body: number[] = [];
    const n = r.range(1, 4);
    for (let i = 0; i < n; i++) body.push(...(r.chance(30) ? this.access() : [this.plain(r.pick(PLAIN))]));
    const bytes = body.reduce((sum, w) => sum + sizeOf(w), 0);
    return [
      encode('addi', { rd: COUNTER, rs1: 0, imm: r.range(1, 6) }),
      ...body,
      encode('addi', { rd: COUNTER, rs1: COUNTER, imm: -1 }),
      encode('blt', { rs1: 0, rs2: COUNTER, imm: -(bytes + 4) }),
    ];
  }

  private assemble(): Uint8Array {
    const starts: number[] = [];
    let at = 0;
    for (const item of this.items) {
      starts.push(at);
      for (const p of item.parts) at += typeof p === 'number' ? sizeOf(p) : p.size;
    }
    const bytes = new Uint8Array(at);
    const place = (i: number): number => (i < starts.length ? starts[i]! : at);
    const d = new DataView(bytes.buffer);
    let pos = 0;
    for (const item of this.items) {
      const offsets: number[] = [];
      for (const p of item.parts) {
        offsets.push(pos);
        const from = typeof p === 'number' ? 0 : p.from === undefined ? pos : offsets[p.from]!;
        const word = typeof p === 'number' ? p : p.make(place(p.to) - from);
        const size = typeof p === 'number' ? sizeOf(p) : p.size;
        if (size === 2) d.setUint16(pos, word, true);
        else d.setUint32(pos, word, true);
        pos += size;
      }
    }
    return bytes;
  }
}

function sizeOf(word: number): 2 | 4 {
  return (word & 3) === 3 ? 4 : 2;
}

function xValue(r: Random): bigint {
  if (r.chance(45)) return r.pick(X64);
  return r.chance(50) ? r.u64() : BigInt.asUintN(64, BigInt(r.range(-1000, 1000)));
}

function fValue(r: Random): bigint {
  const n = r.below(100);
  if (n < 30) return r.pick(F64);
  if (n < 50) return 0xffffffff00000000n | r.pick(F32);
  if (n < 65) return 0xffffffff00000000n | BigInt(r.u32());
  // Numbers of ordinary size meet each other more often than random patterns do.
  if (n < 80) return (BigInt(r.range(1013, 1033)) << 52n) | (r.u64() & 0x800fffffffffffffn);
  if (n < 90) return 0xffffffff00000000n | BigInt(((r.range(117, 137) << 23) | (r.u32() & 0x807fffff)) >>> 0);
  return r.u64();
}

/** Program number `index` of a batch, made from `seed`; with `traps` it may trap before its end. */
export function generate(seed: number, index: number, traps = false): Program {
  let g = new Generator(seed, traps);
  let code = g.program();
  // Rarely a program is longer than its place; its start is as good.
  for (let s = seed + 0x40000000; code.length > STRIDE - 4; s += 1) {
    g = new Generator(s, traps);
    code = g.program();
  }
  const { r } = g;
  const x = new BigUint64Array(32);
  const f = new BigUint64Array(32);
  for (let i = 1; i < 32; i++) x[i] = xValue(r);
  for (let i = 0; i < 32; i++) f[i] = fValue(r);
  const pc = CODE + index * STRIDE;
  x[2] = BigInt(SCRATCH + 6144);
  x[GP] = BigInt(RECORDS + index * RECORD_SIZE);
  x[4] = BigInt(pc);
  x[8] = BigInt(SCRATCH + 4096);
  x[9] = BigInt(SCRATCH + 8192 - r.below(16));
  x[COUNTER] = BigInt(r.below(4));
  const fcsr = (r.below(5) << 5) | (r.chance(60) ? 1 : 0) | (r.below(16) << 1);
  return { seed, pc, code, x, f, fcsr, qemuKnows: g.qemuKnows };
}

/** x, f, fcsr, then the scratch area. */
export const RECORD_SIZE = 528 + SCRATCH_SIZE;

/** What the scratch area holds before each program. */
export function scratchImage(): Uint8Array {
  const r = new Random(99);
  const bytes = new Uint8Array(SCRATCH_SIZE);
  const d = new DataView(bytes.buffer);
  for (let i = 0; i < SCRATCH_SIZE; i += 8) d.setBigUint64(i, r.chance(50) ? fValue(r) : xValue(r), true);
  return bytes;
}
