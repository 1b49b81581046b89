/**
 * Floating-point statements: the hardware operation inline where it provably gives RISC-V's result and flags,
 * else the exact run-time function. The inline case asks for round-to-nearest and, because wasm cannot see
 * inexactness, for the sticky inexact flag to be set already; results must be finite and not tiny.
 */
import { T_FCSR } from '../../kernel/core/layout.js';
import { type Opnd, REG_FCSR } from '../ir/ir.js';
import { FP_OPS } from '../ir/ops.js';
import type { RegionEmitter } from './codegen.js';
import { FLOAT_TYPES } from './emit-rv.js';
import { F64, I32, I64, VOID, W } from './wasm.js';
import { type FunctionWriter, P_TS } from './writer.js';

type Push = (o: Opnd) => void;

interface FloatOps {
  add: number;
  sub: number;
  mul: number;
  div: number;
  sqrt: number;
  abs: number;
  eq: number;
  lt: number;
  gt: number;
  le: number;
  min: number;
  max: number;
}
const OPS_S: FloatOps = {
  add: 0x92,
  sub: 0x93,
  mul: 0x94,
  div: 0x95,
  sqrt: 0x91,
  abs: 0x8b,
  eq: 0x5b,
  lt: 0x5d,
  gt: 0x5e,
  le: 0x5f,
  min: 0x96,
  max: 0x97,
};
const OPS_D: FloatOps = {
  add: 0xa0,
  sub: 0xa1,
  mul: 0xa2,
  div: 0xa3,
  sqrt: 0x9f,
  abs: 0x99,
  eq: 0x61,
  lt: 0x63,
  gt: 0x64,
  le: 0x65,
  min: 0xa4,
  max: 0xa5,
};

const f64Bits = new DataView(new ArrayBuffer(8));

function pushConst(r: FunctionWriter, ty: number, v: number): void {
  const wide = ty === F64;
  r.out.u8(wide ? 0x44 : 0x43);
  if (wide) f64Bits.setFloat64(0, v, true);
  else f64Bits.setFloat32(0, v, true);
  for (let i = 0; i < (wide ? 8 : 4); i++) r.out.u8(f64Bits.getUint8(i));
}

/** Emits one statement; the result is left on the stack. */
export function emitFp(r: RegionEmitter, op: string, rm: number, a: readonly Opnd[], push: Push): void {
  const info = FP_OPS.get(op)!;
  const types = info.args.map((t) => r.wasmTy(t));
  const args = a.map((x, i) => {
    const l = r.local(types[i]!);
    push(x);
    r.set(l);
    return l;
  });
  const result = r.wasmTy(info.ret);
  const o = r.out;
  o.u8(W.block);
  o.u8(result);
  o.u8(W.block);
  o.u8(VOID);
  if (fast(r, op, rm, args, types, result)) {
    o.u8(W.br);
    o.u32(1);
  }
  o.u8(W.end);
  const fcsr = r.regLocal(REG_FCSR);
  r.spillReg(REG_FCSR);
  r.get(P_TS);
  r.i32(T_FCSR);
  o.u8(W.i32Add);
  const params = [I32];
  if (info.rm) {
    r.i32(rm);
    params.push(I32);
  }
  for (const l of args) r.get(l);
  r.callImport(`fp_${op}`, [...params, ...types], [result]);
  r.get(P_TS);
  r.mem(W.i32Load, 2, T_FCSR);
  r.set(fcsr);
  o.u8(W.end);
  for (const [i, l] of args.entries()) r.release(types[i]!, l);
}

/** Emits the inline case: leaves the result, or branches to label 0. False when there is none. */
function fast(
  r: RegionEmitter,
  op: string,
  rm: number,
  args: readonly number[],
  types: readonly number[],
  result: number,
): boolean {
  const [name, suffix] = splitOp(op);
  const f = suffix === 'd' ? OPS_D : OPS_S;
  const ty = FLOAT_TYPES[suffix];
  const [x, y] = args as [number, number];
  switch (name) {
    case 'add':
    case 'sub':
      if (!nearestInexact(r, rm)) return false;
      binary(r, f[name], x, y);
      return finite(r, ty, f, 0);
    case 'mul':
    case 'div':
      if (!nearestInexact(r, rm)) return false;
      binary(r, f[name], x, y);
      return finite(r, ty, f, minNormal(suffix));
    case 'sqrt':
      if (!nearestInexact(r, rm)) return false;
      r.get(x);
      r.out.u8(f.sqrt);
      return finite(r, ty, f, 0);
    case 'fma':
      if (suffix !== 'd' || !r.opts.fma || !nearestInexact(r, rm)) return false;
      for (const l of args) {
        r.get(l);
        r.out.u8(0xfd);
        r.out.u32(20);
      }
      r.out.u8(0xfd);
      r.out.u32(0x107);
      r.out.u8(0xfd);
      r.out.u32(33);
      r.out.u8(0);
      return finite(r, ty, f, minNormal('d'));
    case 'eq':
    case 'lt':
    case 'le':
      ordered(r, f, x, y);
      binary(r, f[name], x, y);
      return true;
    case 'min':
    case 'max':
      ordered(r, f, x, y);
      binary(r, f[name], x, y);
      return true;
    default:
      return conversion(r, op, rm, x, types[0]!, result);
  }
}

function splitOp(op: string): [string, 's' | 'd'] {
  const at = op.indexOf('_');
  const suffix = op.slice(at + 1);
  return op.includes('_to_') ? [op, 'd'] : [op.slice(0, at), suffix as 's' | 'd'];
}

function minNormal(suffix: 's' | 'd'): number {
  return suffix === 'd' ? 2 ** -1022 : 2 ** -126;
}

function binary(r: FunctionWriter, code: number, x: number, y: number): void {
  r.get(x);
  r.get(y);
  r.out.u8(code);
}

/** Branches to label 0 unless rounding is to nearest and the inexact flag is set. */
function nearestInexact(r: FunctionWriter, rm: number): boolean {
  if (rm !== 0 && rm !== 7) return false;
  const o = r.out;
  r.get(r.regLocal(REG_FCSR));
  r.i32(rm === 7 ? 0xe1 : 1);
  o.u8(W.i32And);
  r.i32(1);
  o.u8(W.i32Ne);
  o.u8(W.brIf);
  o.u32(0);
  return true;
}

/** Value on the stack: branches to label 0 unless min < |v| < infinity (no lower bound when min is 0). */
function finite(r: FunctionWriter, ty: number, f: FloatOps, min: number): boolean {
  const o = r.out;
  const v = r.local(ty);
  r.set(v);
  r.get(v);
  o.u8(f.abs);
  pushConst(r, ty, Number.POSITIVE_INFINITY);
  o.u8(f.lt);
  if (min > 0) {
    r.get(v);
    o.u8(f.abs);
    pushConst(r, ty, min);
    o.u8(f.gt);
    o.u8(W.i32And);
  }
  o.u8(W.i32Eqz);
  o.u8(W.brIf);
  o.u32(0);
  r.get(v);
  r.release(ty, v);
  return true;
}

/** Branches to label 0 when an operand is a NaN. */
function ordered(r: FunctionWriter, f: FloatOps, x: number, y: number): void {
  const o = r.out;
  binary(r, f.eq, x, x);
  binary(r, f.eq, y, y);
  o.u8(W.i32And);
  o.u8(W.i32Eqz);
  o.u8(W.brIf);
  o.u32(0);
}

const TO_INT: Record<string, { limit: number; trunc: number; back: number; wide: boolean }> = {
  d_to_w: { limit: 2 ** 31, trunc: 0xaa, back: 0xb7, wide: false },
  d_to_l: { limit: 2 ** 63, trunc: 0xb0, back: 0xb9, wide: true },
};

function conversion(
  r: FunctionWriter,
  op: string,
  rm: number,
  x: number,
  from: number,
  result: number,
): boolean {
  const o = r.out;
  const toInt = TO_INT[op];
  if (toInt) {
    if (rm !== 1) return false;
    r.get(x);
    o.u8(OPS_D.abs);
    pushConst(r, F64, toInt.limit);
    o.u8(OPS_D.lt);
    o.u8(W.i32Eqz);
    o.u8(W.brIf);
    o.u32(0);
    const ty = toInt.wide ? I64 : I32;
    const v = r.local(ty);
    r.get(x);
    o.u8(toInt.trunc);
    r.tee(v);
    o.u8(toInt.back);
    r.get(x);
    o.u8(OPS_D.eq);
    r.get(r.regLocal(REG_FCSR));
    r.i32(1);
    o.u8(W.i32And);
    o.u8(W.i32Or);
    o.u8(W.i32Eqz);
    o.u8(W.brIf);
    o.u32(0);
    r.get(v);
    if (!toInt.wide) o.u8(0xac);
    r.release(ty, v);
    return true;
  }
  if (op === 'l_to_d') {
    // Up to 2^53 in magnitude every integer is exact.
    r.get(x);
    r.i64(2 ** 53);
    o.u8(W.i64Add);
    r.i64(2n ** 54n);
    o.u8(W.i64LeU);
    o.u8(W.i32Eqz);
    o.u8(W.brIf);
    o.u32(0);
    r.get(x);
    o.u8(0xb9);
    return true;
  }
  if (op === 's_to_d' || op === 'd_to_s') {
    const narrow = op === 'd_to_s';
    if (narrow && !nearestInexact(r, rm)) return false;
    r.get(x);
    r.get(x);
    o.u8(narrow ? OPS_D.eq : OPS_S.eq);
    o.u8(W.i32Eqz);
    o.u8(W.brIf);
    o.u32(0);
    r.get(x);
    o.u8(narrow ? 0xb6 : 0xbb);
    return narrow ? finite(r, result, OPS_S, 2 ** -126) : from !== result;
  }
  return false;
}
