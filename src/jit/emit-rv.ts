/** Pure operations that RISC-V defines differently from wasm: division, high products, byte permutes, NaN boxes. */
import type { Opnd } from '../ir/ir.js';
import { F32, F64, I32, I64, W } from './wasm.js';
import type { FunctionWriter } from './writer.js';

type Push = (o: Opnd) => void;

const DIVS: Record<string, { ty: number; op: number; rem: boolean; signed: boolean }> = {
  'rv.div': { ty: I64, op: 0x7f, rem: false, signed: true },
  'rv.divu': { ty: I64, op: 0x80, rem: false, signed: false },
  'rv.rem': { ty: I64, op: 0x81, rem: true, signed: true },
  'rv.remu': { ty: I64, op: 0x82, rem: true, signed: false },
  'rv.divw': { ty: I32, op: 0x6d, rem: false, signed: true },
  'rv.divuw': { ty: I32, op: 0x6e, rem: false, signed: false },
  'rv.remw': { ty: I32, op: 0x6f, rem: true, signed: true },
  'rv.remuw': { ty: I32, op: 0x70, rem: true, signed: false },
};

const EXTERNAL: Record<string, string> = {
  'rv.mulh': 'mulh',
  'rv.mulhu': 'mulhu',
  'rv.mulhsu': 'mulhsu',
};

/** Emits `op` over `a`, leaving the result on the stack. */
export function emitRv(r: FunctionWriter, op: string, a: readonly Opnd[], push: Push): void {
  const o = r.out;
  const div = DIVS[op];
  if (div) {
    emitDiv(r, div, a, push);
    return;
  }
  const ext = EXTERNAL[op];
  if (ext) {
    for (const x of a) push(x);
    r.callImport(ext, [I64, I64], [I64]);
    return;
  }
  switch (op) {
    case 'i64.select':
    case 'i32.select':
      push(a[1]!);
      push(a[2]!);
      push(a[0]!);
      o.u8(W.select);
      return;
    case 'rv.orcb':
      emitOrcb(r, a[0]!, push);
      return;
    case 'rv.rev8':
      emitRev8(r, a[0]!, push);
      return;
    case 'rv.box':
      r.i64(-4294967296);
      push(a[0]!);
      o.u8(0xbc);
      o.u8(0xad);
      o.u8(0x84);
      o.u8(0xbf);
      return;
    case 'rv.unbox':
      emitUnbox(r, a[0]!, push);
      return;
    default:
      throw new Error(`no emitter for ${op}`);
  }
}

/** Division never traps on RISC-V: by zero gives all ones (or the dividend), overflow the dividend (or 0). */
function emitDiv(
  r: FunctionWriter,
  d: { ty: number; op: number; rem: boolean; signed: boolean },
  a: readonly Opnd[],
  push: Push,
): void {
  const o = r.out;
  const x = r.local(d.ty);
  const y = r.local(d.ty);
  const wide = d.ty === I64;
  push(a[0]!);
  r.set(x);
  push(a[1]!);
  r.set(y);
  r.get(y);
  o.u8(wide ? W.i64Eqz : W.i32Eqz);
  o.u8(W.if);
  o.u8(d.ty);
  if (d.rem) r.get(x);
  else if (wide) r.i64(-1);
  else r.i32(-1);
  o.u8(W.else);
  if (d.signed && !d.rem) {
    // x / -1 is -x, which wraps as RISC-V asks; wasm would trap on the most negative value.
    r.get(y);
    if (wide) r.i64(-1);
    else r.i32(-1);
    o.u8(wide ? W.i64Eq : W.i32Eq);
    o.u8(W.if);
    o.u8(d.ty);
    if (wide) r.i64(0);
    else r.i32(0);
    r.get(x);
    o.u8(wide ? W.i64Sub : W.i32Sub);
    o.u8(W.else);
    r.get(x);
    r.get(y);
    o.u8(d.op);
    o.u8(W.end);
  } else {
    r.get(x);
    r.get(y);
    o.u8(d.op);
  }
  o.u8(W.end);
  r.release(d.ty, x);
  r.release(d.ty, y);
}

/** orc.b: each byte becomes 0xff when any of its bits is set. */
function emitOrcb(r: FunctionWriter, a: Opnd, push: Push): void {
  const o = r.out;
  const x = r.local(I64);
  push(a);
  r.set(x);
  // Bit 7 of each byte: set when the byte is not 0; then spread over the byte by a multiplication.
  r.get(x);
  r.i64(0x7f7f7f7f7f7f7f7fn);
  o.u8(0x83);
  r.i64(0x7f7f7f7f7f7f7f7fn);
  o.u8(W.i64Add);
  r.get(x);
  o.u8(0x84);
  r.i64(7);
  o.u8(0x88);
  r.i64(0x0101010101010101n);
  o.u8(0x83);
  r.i64(255);
  o.u8(W.i64Mul);
  r.release(I64, x);
}

function emitRev8(r: FunctionWriter, a: Opnd, push: Push): void {
  const o = r.out;
  const x = r.local(I64);
  push(a);
  r.set(x);
  for (const [mask, shift] of [
    [0x00ff00ff00ff00ffn, 8],
    [0x0000ffff0000ffffn, 16],
  ] as const) {
    r.get(x);
    r.i64(mask);
    o.u8(0x83);
    r.i64(shift);
    o.u8(0x86);
    r.get(x);
    r.i64(shift);
    o.u8(0x88);
    r.i64(mask);
    o.u8(0x83);
    o.u8(0x84);
    r.set(x);
  }
  r.get(x);
  r.i64(32);
  o.u8(0x89);
  r.release(I64, x);
}

function emitUnbox(r: FunctionWriter, a: Opnd, push: Push): void {
  const o = r.out;
  const x = r.local(I64);
  push(a);
  o.u8(0xbd);
  r.set(x);
  r.get(x);
  o.u8(W.i32Wrap);
  r.i32(0x7fc00000);
  r.get(x);
  r.i64(32);
  o.u8(0x87);
  r.i64(-1);
  o.u8(W.i64Eq);
  o.u8(W.select);
  o.u8(0xbe);
  r.release(I64, x);
}

export const FLOAT_TYPES = { s: F32, d: F64 } as const;
