/**
 * Emits the statements of one block. Pure operations used once are written where they are used; everything else
 * goes through wasm locals, which V8's compilers turn into registers. Reads of guest registers alias the
 * register's own local until that is about to change.
 */
import { RES_FILTER, RES_LINES, T_BARRIER, XLAT_THROUGH } from '../../kernel/core/layout.js';
import { type Block, type Opnd, REG_FCSR, type Stmt, type Tmp } from '../ir/ir.js';
import { LOADS, OPS, STORES } from '../ir/ops.js';
import { type BlockFacts, cellRead } from './cells.js';
import type { RegionEmitter } from './codegen.js';
import { emitFp } from './emit-fp.js';
import { emitRv } from './emit-rv.js';
import { F32, F64, I32, I64, VOID, W } from './wasm.js';
import { CELL_WINDOW, forWriting } from './windows.js';
import { P_TS } from './writer.js';

type OpStmt = Extract<Stmt, { s: 'op' }>;

const ACC_BITS = { r: 1, w: 2, rw: 3 } as const;

export class BlockEmitter {
  private uses: Int32Array;
  private last: Int32Array;
  /** Where a temporary's value is: a wasm local (+1), or 0. */
  private where: Int32Array;
  private alias = new Map<number, number>();
  private pending = new Map<number, OpStmt>();
  private at = 0;
  private pc: number;
  /** Cells that are in locals by now. */
  private readonly there: Uint8Array;
  /** Entries of the undo log written so far. */
  private logged = 0;

  constructor(
    readonly r: RegionEmitter,
    readonly block: Block,
    readonly facts: BlockFacts,
    /** Number of the block in its region. */
    private readonly index: number,
  ) {
    const n = block.temps;
    this.uses = new Int32Array(n);
    this.last = new Int32Array(n).fill(-1);
    this.where = new Int32Array(n);
    this.pc = block.pc;
    this.there = facts.there.slice();
    block.stmts.forEach((s, i) => {
      for (const o of operands(s)) this.count(o, i);
    });
    const t = block.term;
    if (t.t === 'br') this.count(t.cond, block.stmts.length);
    else if (t.t === 'icall' || t.t === 'ijump' || t.t === 'ret') this.count(t.target, block.stmts.length);
  }

  private count(o: Opnd, i: number): void {
    if (o.k !== 't') return;
    this.uses[o.id]!++;
    this.last[o.id] = i;
  }

  stmts(): void {
    const list = this.block.stmts;
    if (this.facts.giveUp) this.r.own!.block(this.facts.giveUp);
    for (let i = 0; i < list.length; i++) {
      this.at = i;
      this.stmt(list[i]!, i);
    }
    this.at = list.length;
  }

  /** Pushes the value of an operand. */
  expr(o: Opnd): void {
    if (o.k !== 't') {
      this.r.leaf(o);
      return;
    }
    const reg = this.alias.get(o.id);
    if (reg !== undefined) {
      this.r.get(this.r.regLocal(reg));
      return;
    }
    const p = this.pending.get(o.id);
    if (p) {
      this.pending.delete(o.id);
      this.pure(p);
      return;
    }
    const l = this.where[o.id]!;
    if (l === 0) throw new Error(`IR: temporary t${o.id} used before it is set`);
    this.r.get(l - 1);
    if (this.last[o.id] === this.at && --this.uses[o.id]! === 0) {
      this.r.release(this.r.wasmTy(o.ty), l - 1);
    }
  }

  /** Pops the value on the stack into the temporary, or drops it when nobody reads it. */
  private assign(d: Tmp): void {
    if (this.uses[d.id] === 0) {
      this.r.out.u8(W.drop);
      return;
    }
    // A local may be released only at its last statement, once; until then the use count is not needed.
    this.uses[d.id] = this.usesAtLast(d);
    const l = this.r.local(this.r.wasmTy(d.ty));
    this.where[d.id] = l + 1;
    this.r.set(l);
  }

  /** How often the last statement that reads d reads it. */
  private usesAtLast(d: Tmp): number {
    const i = this.last[d.id]!;
    const s = this.block.stmts[i];
    if (!s) return 1;
    let n = 0;
    for (const o of operands(s)) if (o.k === 't' && o.id === d.id) n++;
    return n;
  }

  private pure(s: OpStmt): void {
    const info = OPS.get(s.op)!;
    if (info.code === 0) {
      emitRv(this.r, s.op, s.a, (o) => this.expr(o));
      return;
    }
    for (const a of s.a) this.expr(a);
    this.r.out.u8(info.code);
  }

  /** Before guest register locals change: values still to be read through them get locals of their own. */
  private settle(reg: number | null, alsoNow: boolean): void {
    const from = alsoNow ? this.at : this.at + 1;
    for (const [id, s] of this.pending) {
      if (reg !== null && !this.mentions(s, reg)) continue;
      this.pending.delete(id);
      this.pure(s);
      this.assign(s.d);
    }
    for (const [id, r] of this.alias) {
      if (reg !== null && r !== reg) continue;
      this.alias.delete(id);
      if (this.last[id]! < from) continue;
      this.r.get(this.r.regLocal(r));
      const ty = r < 32 ? 'i64' : r < REG_FCSR ? 'f64' : 'i32';
      this.assign({ k: 't', id, ty });
    }
  }

  private mentions(s: OpStmt, reg: number): boolean {
    for (const a of s.a) {
      if (a.k !== 't') continue;
      if (this.alias.get(a.id) === reg) return true;
      const p = this.pending.get(a.id);
      if (p && this.mentions(p, reg)) return true;
    }
    return false;
  }

  private stmt(s: Stmt, i: number): void {
    const r = this.r;
    const cell = cellRead(s, r.opts.cellOf);
    if (cell >= 0 && !this.there[cell]) {
      r.loadCells([cell]);
      this.there[cell] = 1;
    }
    switch (s.s) {
      case 'imark':
        this.pc = s.pc;
        return;
      case 'get':
        if (this.last[s.d.id]! >= 0) this.alias.set(s.d.id, s.reg);
        return;
      case 'put':
        this.expr(s.v);
        this.settle(s.reg, false);
        r.set(r.regLocal(s.reg));
        this.there[s.reg] = 1;
        return;
      case 'op':
        if (this.uses[s.d.id] === 0) return;
        if (this.uses[s.d.id] === 1 && this.shallow(s)) {
          this.pending.set(s.d.id, s);
          return;
        }
        this.pure(s);
        this.assign(s.d);
        return;
      case 'xlat':
        this.xlat(s, this.facts.dirtyAt.get(i)!);
        return;
      case 'own':
        r.own!.own(s, () => this.expr(s.h), this.index, this.logged);
        return;
      case 'undo':
        r.own!.undo(s, () => this.expr(s.h));
        this.logged = s.n + 1;
        return;
      case 'pin':
        r.own!.pin(this.index);
        return;
      case 'load':
        this.address(s.h, s.off);
        r.mem(LOADS.get(s.op)!.code, 0, Math.max(s.off, 0));
        this.assign(s.d);
        return;
      case 'store':
        this.store(s);
        return;
      case 'fp':
        this.settle(REG_FCSR, true);
        emitFp(r, s.op, s.rm, s.a, (o) => this.expr(o));
        this.assign(s.d);
        return;
      case 'call':
        this.call(s, i);
        return;
      case 'exitif':
        this.expr(s.cond);
        r.ifRare(VOID);
        r.exitStub(s.why, this.pc, s.arg, this.facts.dirtyAt.get(i)!);
        r.out.u8(W.end);
        return;
      case 'fence':
        if (s.full || !r.opts.tso) {
          r.get(P_TS);
          r.i32(0);
          r.out.u8(0xfe);
          r.out.u8(0x1e);
          r.out.u32(2);
          r.out.u32(T_BARRIER);
          r.out.u8(W.drop);
        }
        return;
    }
  }

  /** Operations whose operands may be evaluated later: their locals must outlive the move. */
  private shallow(s: OpStmt): boolean {
    for (const a of s.a) {
      if (a.k !== 't') continue;
      if (this.alias.has(a.id) || this.pending.has(a.id)) continue;
      // A local is released at its last use as written; moving the read further would read a reused local.
      return false;
    }
    return true;
  }

  private address(h: Opnd, off: number): void {
    this.expr(h);
    if (off < 0) {
      this.r.i32(off);
      this.r.out.u8(W.i32Add);
    }
  }

  private store(s: Extract<Stmt, { s: 'store' }>): void {
    const r = this.r;
    const info = STORES.get(s.op)!;
    if (s.guest && r.opts.multi && !r.opts.slow) this.monitored(s, info.size);
    else this.plainStore(s, info.code);
    if (s.guest && r.opts.slow) {
      r.get(P_TS);
      r.callImport('flush', [I32], []);
    }
  }

  private plainStore(s: Extract<Stmt, { s: 'store' }>, code: number): void {
    this.address(s.h, s.off);
    this.expr(s.v);
    this.r.mem(code, 0, Math.max(s.off, 0));
  }

  /** A guest store among threads: lines that were ever reserved by LR go through the run time. */
  private monitored(s: Extract<Stmt, { s: 'store' }>, size: number): void {
    const r = this.r;
    const o = r.out;
    const info = STORES.get(s.op)!;
    const ty = r.wasmTy(info.ty);
    const h = r.local(I32);
    const v = r.local(ty);
    this.address(s.h, s.off);
    if (s.off > 0) {
      r.i32(s.off);
      o.u8(W.i32Add);
    }
    r.set(h);
    this.expr(s.v);
    r.set(v);
    r.get(h);
    r.i32(6);
    o.u8(W.i32ShrU);
    r.i32(RES_LINES - 1);
    o.u8(W.i32And);
    r.mem(W.i32Load8U, 0, RES_FILTER);
    r.ifRare(VOID);
    r.get(P_TS);
    r.get(h);
    r.get(v);
    if (ty === F64) o.u8(0xbd);
    else if (ty === F32) o.u8(0xbc);
    if (ty === I32 || ty === F32) o.u8(0xad);
    r.i32(size);
    r.callImport('store_watched', [I32, I32, I64, I32], []);
    o.u8(W.else);
    r.get(h);
    r.get(v);
    r.mem(info.code, 0, 0);
    o.u8(W.end);
    r.release(I32, h);
    r.release(ty, v);
  }

  private xlat(s: Extract<Stmt, { s: 'xlat' }>, dirty: readonly number[]): void {
    const r = this.r;
    const o = r.out;
    const free = r.freeDelta(s);
    if (free >= 0) {
      this.expr(s.addr);
      o.u8(W.i32Wrap);
      r.get(free);
      o.u8(W.i32Add);
      this.assign(s.d);
      return;
    }
    const addr = r.local(I64);
    const h = r.local(I32);
    this.expr(s.addr);
    r.set(addr);
    const guestAddr = (below = 0): void => {
      r.get(addr);
      if (s.off === below) return;
      r.i64(s.off - below);
      o.u8(W.i64Add);
    };
    const cell = r.opts.cellOf(s);
    const through = s.acc === 'r' && forWriting(cell) ? XLAT_THROUGH : 0;
    const miss = (fn: string): void => {
      r.get(P_TS);
      guestAddr();
      r.i32(s.size | (ACC_BITS[s.acc] << 8) | through | ((cell - CELL_WINDOW) << 16));
      if (s.above !== undefined) r.i32((s.below ?? 0) | (s.above << 16));
      r.callImport(fn, s.above === undefined ? [I32, I64, I32] : [I32, I64, I32, I32], [I32]);
      r.tee(h);
      o.u8(W.i32Eqz);
      r.ifRare(VOID);
      const nested = r.opts.slow ? 1 : 2;
      const { giveUp } = this.facts;
      if (giveUp && !giveUp.pinned) r.startOver(this.index, this.logged, nested);
      else r.faultStub(this.pc, dirty, nested);
      o.u8(W.end);
      r.get(h);
      r.i32(s.off);
      o.u8(W.i32Sub);
    };
    if (r.opts.slow) {
      miss('xlat_slow');
    } else {
      const w = r.window(cell);
      guestAddr(s.below);
      r.get(w.lo);
      o.u8(W.i64Sub);
      r.get(s.above === undefined ? w.lim : w.near);
      o.u8(W.i64GeU);
      r.ifRare(I32);
      miss(s.above === undefined ? 'xlat' : 'xlat_group');
      r.loadWindow(cell);
      o.u8(W.else);
      r.get(addr);
      o.u8(W.i32Wrap);
      r.get(w.delta);
      o.u8(W.i32Add);
      o.u8(W.end);
    }
    r.release(I64, addr);
    r.release(I32, h);
    this.assign(s.d);
  }

  private call(s: Extract<Stmt, { s: 'call' }>, i: number): void {
    const r = this.r;
    if (s.sync) {
      this.settle(null, true);
      r.spill(this.facts.dirtyAt.get(i)!);
      r.setPc(this.pc);
    }
    if (s.when) {
      this.expr(s.when);
      r.out.u8(W.if);
      r.out.u8(VOID);
    }
    r.get(P_TS);
    for (const a of s.a) this.expr(a);
    r.callImport(s.fn, [I32, ...s.a.map((a) => r.wasmTy(a.ty))], s.d ? [r.wasmTy(s.d.ty)] : []);
    if (s.when) r.out.u8(W.end);
    if (s.d) this.assign(s.d);
    if (s.sync) this.there.fill(0);
  }
}

/** Operands that a statement reads. */
export function operands(s: Stmt): readonly Opnd[] {
  switch (s.s) {
    case 'put':
      return [s.v];
    case 'op':
    case 'fp':
      return s.a;
    case 'call':
      return s.when ? [s.when, ...s.a] : s.a;
    case 'xlat':
      return [s.addr];
    case 'load':
    case 'own':
    case 'undo':
      return [s.h];
    case 'store':
      return [s.h, s.v];
    case 'exitif':
      return [s.cond];
    default:
      return [];
  }
}
