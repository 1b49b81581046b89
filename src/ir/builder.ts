/**
 * Builds one block: names temporaries, folds constants as operations are added, and forwards register values
 * within the block, so that `get` appears only for registers not yet known.
 */
import {
  type Access,
  type Block,
  type Const,
  c32,
  c64,
  isConst,
  type Opnd,
  REG_FCSR,
  regTy,
  type Stmt,
  type Term,
  type Tmp,
  type Ty,
} from './ir.js';
import { FP_OPS, foldOp, LOADS, OPS } from './ops.js';

export class Builder {
  readonly stmts: Stmt[] = [];
  temps = 0;
  insns = 0;
  private known: (Opnd | undefined)[] = [];

  constructor(readonly pc: number) {}

  tmp(ty: Ty): Tmp {
    return { k: 't', id: this.temps++, ty };
  }

  /** Value of a guest register. x0 is the constant 0. */
  get(reg: number): Opnd {
    if (reg === 0) return c64(0);
    let v = this.known[reg];
    if (!v) {
      const d = this.tmp(regTy(reg));
      this.stmts.push({ s: 'get', d, reg });
      this.known[reg] = v = d;
    }
    return v;
  }

  /** Writes a guest register; writes of x0 vanish. */
  put(reg: number, v: Opnd): void {
    if (reg === 0) return;
    this.known[reg] = v;
    this.stmts.push({ s: 'put', reg, v });
  }

  /** Forgets forwarded values: something outside the block's view may have changed registers. */
  forget(reg?: number): void {
    if (reg === undefined) this.known = [];
    else this.known[reg] = undefined;
  }

  /** A pure operation, folded when its arguments are constants. */
  op(op: string, ...a: Opnd[]): Opnd {
    const easy = foldOp(op, a) ?? identity(op, a);
    if (easy) return easy;
    const info = OPS.get(op);
    if (!info) throw new Error(`unknown IR operation ${op}`);
    const d = this.tmp(info.ret);
    this.stmts.push({ s: 'op', d, op, a });
    return d;
  }

  imark(pc: number, len: number, op: string): void {
    this.insns++;
    this.stmts.push({ s: 'imark', pc, len, op });
  }

  xlat(addr: Opnd, off: number, size: number, acc: Access, base: number): Tmp {
    const d = this.tmp('i32');
    this.stmts.push({ s: 'xlat', d, addr, off, size, acc, base });
    return d;
  }

  load(op: string, h: Opnd, off: number, guest = true): Tmp {
    const d = this.tmp(LOADS.get(op)!.ty);
    this.stmts.push({ s: 'load', d, op, h, off, guest });
    return d;
  }

  store(op: string, h: Opnd, off: number, v: Opnd, guest = true): void {
    this.stmts.push({ s: 'store', op, h, off, v, guest });
  }

  fp(op: string, rm: number, ...a: Opnd[]): Tmp {
    const d = this.tmp(FP_OPS.get(op)!.ret);
    this.stmts.push({ s: 'fp', d, op, rm, a });
    this.known[REG_FCSR] = undefined;
    return d;
  }

  /** Call of a run-time function; `ret` null for none. A sync call forgets all register values. */
  call(fn: string, ret: Ty | null, sync: boolean, ...a: Opnd[]): Tmp | null {
    const d = ret ? this.tmp(ret) : null;
    this.stmts.push({ s: 'call', d, fn, a, sync });
    if (sync) this.forget();
    return d;
  }

  exitif(cond: Opnd, why: number, arg = 0): void {
    if (isConst(cond, 0)) return;
    this.stmts.push({ s: 'exitif', cond, why, arg });
  }

  fence(full: boolean, pred: number, succ: number): void {
    this.stmts.push({ s: 'fence', full, pred, succ });
  }

  finish(term: Term, end: number): Block {
    return {
      pc: this.pc,
      len: end - this.pc,
      insns: this.insns,
      stmts: this.stmts,
      term,
      temps: this.temps,
    };
  }
}

/** Algebraic identities that need no new temporary. */
export function identity(op: string, a: readonly Opnd[]): Opnd | null {
  const x = a[0]!;
  const y = a[1];
  switch (op) {
    case 'i64.add':
    case 'i64.or':
    case 'i64.xor':
      if (isConst(y!, 0)) return x;
      if (isConst(x, 0)) return y!;
      return op === 'i64.or' && same(x, y!) ? x : null;
    case 'i64.sub':
    case 'i64.shl':
    case 'i64.shr_s':
    case 'i64.shr_u':
      return isConst(y!, 0) ? x : null;
    case 'i32.add':
    case 'i32.or':
    case 'i32.xor':
    case 'i32.sub':
    case 'i32.shl':
    case 'i32.shr_s':
    case 'i32.shr_u':
      return isConst(y!, 0) ? x : null;
    case 'i64.and':
      if (isConst(y!, 0) || isConst(x, 0)) return c64(0);
      if (isConst(y!, -1)) return x;
      return same(x, y!) ? x : null;
    case 'i64.mul':
      if (isConst(y!, 0) || isConst(x, 0)) return c64(0);
      return isConst(y!, 1) ? x : null;
    default:
      return null;
  }
}

function same(a: Opnd, b: Opnd): boolean {
  return a.k === 't' && b.k === 't' && a.id === b.id;
}

export const K0: Const = c64(0);
export const I0: Const = c32(0);
