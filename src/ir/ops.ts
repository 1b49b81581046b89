/**
 * The pure operations of the IR: argument types, result type, wasm opcode, and constant folding, in one table.
 * `rv.*` operations have no single wasm opcode; the code generator expands them.
 */
import { type Const, c32, c64, type Opnd, type Ty } from './ir.js';

export interface OpInfo {
  readonly args: readonly Ty[];
  readonly ret: Ty;
  /** Wasm opcode byte, or 0 when the code generator expands the operation. */
  readonly code: number;
  /** Folds integer constants (i64 as signed bigint, i32 as signed number). */
  readonly fold?: (a: bigint, b: bigint) => bigint;
  readonly commutes?: boolean;
}

const u64 = (v: bigint): bigint => BigInt.asUintN(64, v);
const s64 = (v: bigint): bigint => BigInt.asIntN(64, v);
const u32 = (v: bigint): bigint => BigInt.asUintN(32, v);
const s32 = (v: bigint): bigint => BigInt.asIntN(32, v);
const bool = (v: boolean): bigint => (v ? 1n : 0n);
const MIN64 = -(1n << 63n);
const MIN32 = -(1n << 31n);

type Bin = (a: bigint, b: bigint) => bigint;

function bin(ty: 'i32' | 'i64', code: number, fold: Bin, commutes = false): OpInfo {
  return { args: [ty, ty], ret: ty, code, fold, commutes };
}
function cmp(ty: 'i32' | 'i64', code: number, fold: Bin, commutes = false): OpInfo {
  return { args: [ty, ty], ret: 'i32', code, fold, commutes };
}
function un(from: Ty, to: Ty, code: number, fold?: (a: bigint) => bigint): OpInfo {
  return fold ? { args: [from], ret: to, code, fold } : { args: [from], ret: to, code };
}
function fbin(ty: 'f32' | 'f64', code: number): OpInfo {
  return { args: [ty, ty], ret: ty, code };
}
function fcmp(ty: 'f32' | 'f64', code: number): OpInfo {
  return { args: [ty, ty], ret: 'i32', code };
}

const clz = (v: bigint, bits: bigint): bigint => {
  let n = 0n;
  for (let i = bits - 1n; i >= 0n && ((v >> i) & 1n) === 0n; i--) n++;
  return n;
};
const ctz = (v: bigint, bits: bigint): bigint => {
  let n = 0n;
  while (n < bits && ((v >> n) & 1n) === 0n) n++;
  return n;
};
const pop = (v: bigint): bigint => {
  let n = 0n;
  for (let w = v; w !== 0n; w >>= 1n) n += w & 1n;
  return n;
};

function integerOps(ty: 'i32' | 'i64'): [string, OpInfo][] {
  const w = ty === 'i64' ? 64n : 32n;
  const u = ty === 'i64' ? u64 : u32;
  const o = ty === 'i64' ? { eqz: 0x50, cmp: 0x51, un: 0x79 } : { eqz: 0x45, cmp: 0x46, un: 0x67 };
  const b = o.un + 3;
  const m = w - 1n;
  const cmps: [string, Bin, boolean][] = [
    ['eq', (x, y) => bool(x === y), true],
    ['ne', (x, y) => bool(x !== y), true],
    ['lt_s', (x, y) => bool(x < y), false],
    ['lt_u', (x, y) => bool(u(x) < u(y)), false],
    ['gt_s', (x, y) => bool(x > y), false],
    ['gt_u', (x, y) => bool(u(x) > u(y)), false],
    ['le_s', (x, y) => bool(x <= y), false],
    ['le_u', (x, y) => bool(u(x) <= u(y)), false],
    ['ge_s', (x, y) => bool(x >= y), false],
    ['ge_u', (x, y) => bool(u(x) >= u(y)), false],
  ];
  const bins: [string, number, Bin, boolean][] = [
    ['add', 0, (x, y) => x + y, true],
    ['sub', 1, (x, y) => x - y, false],
    ['mul', 2, (x, y) => x * y, true],
    ['and', 7, (x, y) => x & y, true],
    ['or', 8, (x, y) => x | y, true],
    ['xor', 9, (x, y) => x ^ y, true],
    ['shl', 10, (x, y) => x << (y & m), false],
    ['shr_s', 11, (x, y) => x >> (y & m), false],
    ['shr_u', 12, (x, y) => u(x) >> (y & m), false],
    ['rotl', 13, (x, y) => (u(x) << (y & m)) | (u(x) >> ((w - (y & m)) & m)), false],
    ['rotr', 14, (x, y) => (u(x) >> (y & m)) | (u(x) << ((w - (y & m)) & m)), false],
  ];
  return [
    [`${ty}.eqz`, { args: [ty], ret: 'i32', code: o.eqz, fold: (x) => bool(x === 0n) }],
    ...cmps.map(([n, f, c], i): [string, OpInfo] => [`${ty}.${n}`, cmp(ty, o.cmp + i, f, c)]),
    [`${ty}.clz`, un(ty, ty, o.un, (x) => clz(u(x), w))],
    [`${ty}.ctz`, un(ty, ty, o.un + 1, (x) => ctz(u(x), w))],
    [`${ty}.popcnt`, un(ty, ty, o.un + 2, (x) => pop(u(x)))],
    ...bins.map(([n, i, f, c]): [string, OpInfo] => [`${ty}.${n}`, bin(ty, b + i, f, c)]),
  ];
}

const rvDiv: Bin = (a, b) => (b === 0n ? -1n : a === MIN64 && b === -1n ? a : a / b);
const rvRem: Bin = (a, b) => (b === 0n ? a : a === MIN64 && b === -1n ? 0n : a % b);
const rvDivu: Bin = (a, b) => (b === 0n ? -1n : u64(a) / u64(b));
const rvRemu: Bin = (a, b) => (b === 0n ? a : u64(a) % u64(b));
const rvDivw: Bin = (a, b) => (b === 0n ? -1n : a === MIN32 && b === -1n ? a : a / b);
const rvRemw: Bin = (a, b) => (b === 0n ? a : a === MIN32 && b === -1n ? 0n : a % b);
const rvDivuw: Bin = (a, b) => (b === 0n ? -1n : u32(a) / u32(b));
const rvRemuw: Bin = (a, b) => (b === 0n ? a : u32(a) % u32(b));

export const OPS: ReadonlyMap<string, OpInfo> = new Map<string, OpInfo>([
  ...integerOps('i32'),
  ...integerOps('i64'),
  ['i32.wrap_i64', un('i64', 'i32', 0xa7, (x) => x)],
  ['i64.extend_i32_s', un('i32', 'i64', 0xac, s32)],
  ['i64.extend_i32_u', un('i32', 'i64', 0xad, u32)],
  ['i32.extend8_s', un('i32', 'i32', 0xc0, (x) => BigInt.asIntN(8, x))],
  ['i32.extend16_s', un('i32', 'i32', 0xc1, (x) => BigInt.asIntN(16, x))],
  ['i64.extend8_s', un('i64', 'i64', 0xc2, (x) => BigInt.asIntN(8, x))],
  ['i64.extend16_s', un('i64', 'i64', 0xc3, (x) => BigInt.asIntN(16, x))],
  ['i64.extend32_s', un('i64', 'i64', 0xc4, s32)],
  ['f64.reinterpret_i64', un('i64', 'f64', 0xbf)],
  ['i64.reinterpret_f64', un('f64', 'i64', 0xbd)],
  ['f32.reinterpret_i32', un('i32', 'f32', 0xbe)],
  ['i32.reinterpret_f32', un('f32', 'i32', 0xbc)],
  ['f64.convert_i32_s', un('i32', 'f64', 0xb7)],
  ['f64.convert_i32_u', un('i32', 'f64', 0xb8)],
  ['f64.neg', un('f64', 'f64', 0x9a)],
  ['f64.abs', un('f64', 'f64', 0x99)],
  ['f32.neg', un('f32', 'f32', 0x8c)],
  ['f32.abs', un('f32', 'f32', 0x8b)],
  ['f64.copysign', fbin('f64', 0xa6)],
  ['f32.copysign', fbin('f32', 0x98)],
  ['f64.eq', fcmp('f64', 0x61)],
  ['f64.ne', fcmp('f64', 0x62)],
  ['f32.eq', fcmp('f32', 0x5b)],
  ['f32.ne', fcmp('f32', 0x5c)],
  /** cond ? a : b; arguments (cond, a, b). */
  ['i64.select', { args: ['i32', 'i64', 'i64'], ret: 'i64', code: 0 }],
  ['i32.select', { args: ['i32', 'i32', 'i32'], ret: 'i32', code: 0 }],
  ['rv.div', bin('i64', 0, rvDiv)],
  ['rv.rem', bin('i64', 0, rvRem)],
  ['rv.divu', bin('i64', 0, rvDivu)],
  ['rv.remu', bin('i64', 0, rvRemu)],
  ['rv.divw', bin('i32', 0, rvDivw)],
  ['rv.remw', bin('i32', 0, rvRemw)],
  ['rv.divuw', bin('i32', 0, rvDivuw)],
  ['rv.remuw', bin('i32', 0, rvRemuw)],
  ['rv.mulh', bin('i64', 0, (a, b) => (a * b) >> 64n)],
  ['rv.mulhu', bin('i64', 0, (a, b) => (u64(a) * u64(b)) >> 64n)],
  ['rv.mulhsu', bin('i64', 0, (a, b) => (a * u64(b)) >> 64n)],
  ['rv.orcb', un('i64', 'i64', 0, (x) => orcb(u64(x)))],
  ['rv.rev8', un('i64', 'i64', 0, (x) => rev8(u64(x)))],
  /** Single-precision value of a NaN-boxed register: the canonical NaN when the box is not proper. */
  ['rv.unbox', un('f64', 'f32', 0)],
  ['rv.box', un('f32', 'f64', 0)],
]);

function orcb(v: bigint): bigint {
  let r = 0n;
  for (let i = 0n; i < 64n; i += 8n) if (((v >> i) & 255n) !== 0n) r |= 255n << i;
  return r;
}
function rev8(v: bigint): bigint {
  let r = 0n;
  for (let i = 0n; i < 64n; i += 8n) r = (r << 8n) | ((v >> i) & 255n);
  return r;
}

/** Folds `op` over constants; null when it cannot be folded. */
export function foldOp(op: string, a: readonly Opnd[]): Const | null {
  const info = OPS.get(op);
  if (!info) return null;
  if (op.endsWith('.select')) {
    const pick = a[0]!;
    if (pick.k !== 'c') return null;
    const r = pick.v !== 0 ? a[1]! : a[2]!;
    return r.k === 'c' ? r : null;
  }
  if (!info.fold) return null;
  for (const o of a) if (o.k !== 'c') return null;
  const x = BigInt((a[0] as Const).v);
  const y = a.length > 1 ? BigInt((a[1] as Const).v) : 0n;
  const r = info.fold(x, y);
  return info.ret === 'i32' ? c32(Number(s32(r))) : c64(s64(r));
}

/** Wasm loads: opcode, result type, bytes, by name. */
export const LOADS: ReadonlyMap<string, { code: number; ty: Ty; size: number }> = new Map([
  ['i32.load', { code: 0x28, ty: 'i32', size: 4 }],
  ['i64.load', { code: 0x29, ty: 'i64', size: 8 }],
  ['f32.load', { code: 0x2a, ty: 'f32', size: 4 }],
  ['f64.load', { code: 0x2b, ty: 'f64', size: 8 }],
  ['i32.load8_s', { code: 0x2c, ty: 'i32', size: 1 }],
  ['i32.load8_u', { code: 0x2d, ty: 'i32', size: 1 }],
  ['i32.load16_s', { code: 0x2e, ty: 'i32', size: 2 }],
  ['i32.load16_u', { code: 0x2f, ty: 'i32', size: 2 }],
  ['i64.load8_s', { code: 0x30, ty: 'i64', size: 1 }],
  ['i64.load8_u', { code: 0x31, ty: 'i64', size: 1 }],
  ['i64.load16_s', { code: 0x32, ty: 'i64', size: 2 }],
  ['i64.load16_u', { code: 0x33, ty: 'i64', size: 2 }],
  ['i64.load32_s', { code: 0x34, ty: 'i64', size: 4 }],
  ['i64.load32_u', { code: 0x35, ty: 'i64', size: 4 }],
]);

/** Wasm stores: opcode, value type, bytes, by name. */
export const STORES: ReadonlyMap<string, { code: number; ty: Ty; size: number }> = new Map([
  ['i32.store', { code: 0x36, ty: 'i32', size: 4 }],
  ['i64.store', { code: 0x37, ty: 'i64', size: 8 }],
  ['f32.store', { code: 0x38, ty: 'f32', size: 4 }],
  ['f64.store', { code: 0x39, ty: 'f64', size: 8 }],
  ['i32.store8', { code: 0x3a, ty: 'i32', size: 1 }],
  ['i32.store16', { code: 0x3b, ty: 'i32', size: 2 }],
  ['i64.store8', { code: 0x3c, ty: 'i64', size: 1 }],
  ['i64.store16', { code: 0x3d, ty: 'i64', size: 2 }],
  ['i64.store32', { code: 0x3e, ty: 'i64', size: 4 }],
]);

/**
 * Floating-point statements: argument and result types. `x` selects the run-time function `fp_<op with _>`.
 * Source of semantics: RISC-V unprivileged ISA, chapters F and D.
 */
export const FP_OPS: ReadonlyMap<string, { args: readonly Ty[]; ret: Ty; rm: boolean }> = new Map(
  (
    [
      ...['add', 'sub', 'mul', 'div'].flatMap((n) => [
        [`${n}_d`, ['f64', 'f64'], 'f64', true],
        [`${n}_s`, ['f32', 'f32'], 'f32', true],
      ]),
      ['sqrt_d', ['f64'], 'f64', true],
      ['sqrt_s', ['f32'], 'f32', true],
      ['fma_d', ['f64', 'f64', 'f64'], 'f64', true],
      ['fma_s', ['f32', 'f32', 'f32'], 'f32', true],
      ...['min', 'max'].flatMap((n) => [
        [`${n}_d`, ['f64', 'f64'], 'f64', false],
        [`${n}_s`, ['f32', 'f32'], 'f32', false],
      ]),
      ...['eq', 'lt', 'le'].flatMap((n) => [
        [`${n}_d`, ['f64', 'f64'], 'i32', false],
        [`${n}_s`, ['f32', 'f32'], 'i32', false],
      ]),
      ...['w', 'wu', 'l', 'lu'].flatMap((n) => [
        [`d_to_${n}`, ['f64'], 'i64', true],
        [`s_to_${n}`, ['f32'], 'i64', true],
      ]),
      ['l_to_d', ['i64'], 'f64', true],
      ['lu_to_d', ['i64'], 'f64', true],
      ['l_to_s', ['i64'], 'f32', true],
      ['lu_to_s', ['i64'], 'f32', true],
      ['w_to_s', ['i64'], 'f32', true],
      ['wu_to_s', ['i64'], 'f32', true],
      ['s_to_d', ['f32'], 'f64', false],
      ['d_to_s', ['f64'], 'f32', true],
    ] as [string, Ty[], Ty, boolean][]
  ).map(([n, args, ret, rm]) => [n, { args, ret, rm }]),
);
