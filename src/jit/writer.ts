/**
 * What the body of a region's function is written with: instructions, wasm locals, and cells, which are guest registers
 * and windows that live in locals.
 */
import { REGWIN_ENTRY, T_F, T_FCSR, T_PC, T_REGWIN, T_X } from '../../kernel/core/layout.js';
import { type Opnd, REG_F, REG_FCSR, type Ty } from '../ir/ir.js';
import { Bytes, F32, F64, type Fixup, type Hint, I32, I64, type ModuleBuilder, W } from './wasm.js';
import { CELL_WINDOW } from './windows.js';

/** Parameters of a region function; other locals follow. */
export const P_TS = 0;
export const P_DEPTH = 1;
export const P_PC = 2;

const TYPES: Record<Ty, number> = { i32: I32, i64: I64, f32: F32, f64: F64 };

/** Locals of a window cell's contents: lowest address, its two limits (layout.ts), distance to host memory. */
interface Window {
  lo: number;
  lim: number;
  near: number;
  delta: number;
}

export class FunctionWriter {
  readonly out = new Bytes();
  readonly fixups: Fixup[] = [];
  readonly hints: Hint[] = [];
  private locals: number[] = [];
  private free: Record<number, number[]> = { [I32]: [], [I64]: [], [F32]: [], [F64]: [] };
  private cellLocal = new Map<number, number>();
  /** Window cells of which single accesses, and groups of accesses, need the limit. */
  protected readonly single = new Set<number>();
  protected readonly joint = new Set<number>();
  private windowLocals = new Map<number, Window>();

  constructor(readonly mod: ModuleBuilder) {}

  /** Local declarations and code, ready for the code section. */
  body(): Bytes {
    const body = new Bytes();
    const groups: { n: number; ty: number }[] = [];
    for (const ty of this.locals) {
      const last = groups[groups.length - 1];
      if (last && last.ty === ty) last.n++;
      else groups.push({ n: 1, ty });
    }
    body.u32(groups.length);
    for (const g of groups) {
      body.u32(g.n);
      body.u8(g.ty);
    }
    for (const f of this.fixups) f.at += body.len;
    for (const h of this.hints) h.at += body.len;
    body.append(this.out);
    return body;
  }

  get(l: number): void {
    this.out.u8(W.get);
    this.out.u32(l);
  }
  set(l: number): void {
    this.out.u8(W.set);
    this.out.u32(l);
  }
  tee(l: number): void {
    this.out.u8(W.tee);
    this.out.u32(l);
  }
  i32(v: number): void {
    this.out.u8(W.i32Const);
    this.out.s32(v);
  }
  i64(v: number | bigint): void {
    this.out.u8(W.i64Const);
    this.out.s64(v);
  }
  mem(op: number, align: number, offset: number): void {
    this.out.u8(op);
    this.out.u32(align);
    this.out.u32(offset);
  }
  callImport(name: string, params: readonly number[], results: readonly number[]): void {
    this.out.u8(W.call);
    this.out.u32(this.mod.importFn(name, params, results));
  }

  /** Says which way the branch that comes next goes nearly always: V8 keeps the other way out of its register plans. */
  hint(taken: boolean): void {
    this.hints.push({ at: this.out.len, taken });
  }

  /** `if` with a block that is hardly ever entered. */
  ifRare(type: number): void {
    this.hint(false);
    this.out.u8(W.if);
    this.out.u8(type);
  }

  /** A new local of a wasm type, from the free list where possible. */
  local(ty: number): number {
    const l = this.free[ty]!.pop();
    if (l !== undefined) return l;
    this.locals.push(ty);
    return this.locals.length + 2;
  }
  release(ty: number, l: number): void {
    this.free[ty]!.push(l);
  }
  wasmTy(ty: Ty): number {
    return TYPES[ty];
  }

  regLocal(reg: number): number {
    let l = this.cellLocal.get(reg);
    if (l === undefined) {
      this.locals.push(reg < REG_F ? I64 : reg < REG_FCSR ? F64 : I32);
      l = this.locals.length + 2;
      this.cellLocal.set(reg, l);
    }
    return l;
  }

  window(cell: number): Window {
    let w = this.windowLocals.get(cell);
    if (!w) {
      this.locals.push(I64, I64, I64, I32);
      const n = this.locals.length + 2;
      w = { lo: n - 3, lim: n - 2, near: n - 1, delta: n };
      this.windowLocals.set(cell, w);
    }
    return w;
  }

  windowOffset(cell: number): number {
    return T_REGWIN + (cell - CELL_WINDOW) * REGWIN_ENTRY;
  }

  loadCells(cells: readonly number[]): void {
    for (const c of cells) {
      if (c >= CELL_WINDOW) this.loadWindow(c);
      else this.loadReg(c);
    }
  }

  loadWindow(cell: number): void {
    const w = this.window(cell);
    const at = this.windowOffset(cell);
    const i64 = (local: number, offset: number): void => {
      this.get(P_TS);
      this.mem(W.i64Load, 3, at + offset);
      this.set(local);
    };
    i64(w.lo, 0);
    if (this.single.has(cell)) i64(w.lim, 8);
    if (this.joint.has(cell)) i64(w.near, 24);
    this.get(P_TS);
    this.mem(W.i32Load, 2, at + 16);
    this.set(w.delta);
  }

  loadReg(reg: number): void {
    this.get(P_TS);
    if (reg < REG_F) this.mem(W.i64Load, 3, T_X + reg * 8);
    else if (reg < REG_FCSR) this.mem(W.f64Load, 3, T_F + (reg - REG_F) * 8);
    else this.mem(W.i32Load, 2, T_FCSR);
    this.set(this.regLocal(reg));
  }

  spillReg(reg: number, from = this.regLocal(reg)): void {
    this.get(P_TS);
    this.get(from);
    if (reg < REG_F) this.mem(W.i64Store, 3, T_X + reg * 8);
    else if (reg < REG_FCSR) this.mem(W.f64Store, 3, T_F + (reg - REG_F) * 8);
    else this.mem(W.i32Store, 2, T_FCSR);
  }

  spill(regs: readonly number[]): void {
    for (const r of regs) this.spillReg(r);
  }

  setPc(pc: number): void {
    this.get(P_TS);
    this.i64(pc);
    this.mem(W.i64Store, 3, T_PC);
  }

  /** Leaves to the kernel at `pc` for good: registers out, then whatever pc the kernel decided. */
  exitStub(why: number, pc: number, arg: number, dirty: readonly number[]): void {
    this.spill(dirty);
    this.setPc(pc);
    this.leave(why, arg);
  }

  protected leave(why: number, arg: number): void {
    this.get(P_TS);
    this.i32(why);
    this.i32(arg);
    this.callImport('exit', [I32, I32, I32], [I32]);
    this.out.u8(W.drop);
    this.get(P_TS);
    this.mem(W.i64Load, 3, T_PC);
    this.out.u8(W.return);
  }

  /** Pushes a constant or thread pointer. */
  leaf(o: Opnd): void {
    if (o.k === 'ts') this.get(P_TS);
    else if (o.k === 'c') {
      if (o.ty === 'i32') this.i32(Number(o.v));
      else this.i64(o.v);
    }
  }
}
