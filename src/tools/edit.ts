/** Helpers for instrumentation: inserting statements into a block without touching the rest. */
import { type Block, c32, c64, type Opnd, type Stmt, type Tmp, TS, type Ty } from '../ir/ir.js';

/** Rewrites a block: `visit` is called for every statement and adds what comes before or after it. */
export class BlockEditor {
  private out: Stmt[] = [];
  private temps: number;

  constructor(private readonly block: Block) {
    this.temps = block.temps;
  }

  rewrite(visit: (s: Stmt, i: number) => void, atEnd?: () => void): Block {
    this.block.stmts.forEach((s, i) => {
      visit(s, i);
    });
    atEnd?.();
    return { ...this.block, stmts: this.out, temps: this.temps };
  }

  /** Keeps or adds a statement. */
  add(s: Stmt): void {
    this.out.push(s);
  }

  tmp(ty: Ty): Tmp {
    return { k: 't', id: this.temps++, ty };
  }

  op(op: string, ty: Ty, ...a: Opnd[]): Tmp {
    const d = this.tmp(ty);
    this.add({ s: 'op', d, op, a });
    return d;
  }

  /** Calls a run-time function or one of the tool's imports: `fn(ts, ...a)`. */
  call(fn: string, ...a: Opnd[]): void {
    this.add({ s: 'call', d: null, fn, a, sync: false });
  }

  /** The same if `when` (i32) is not 0. */
  callWhen(when: Opnd, fn: string, ...a: Opnd[]): void {
    this.add({ s: 'call', d: null, fn, a, sync: false, when });
  }

  /** Host memory at h, by a wasm load. */
  load(op: string, ty: Ty, h: Opnd, off = 0): Tmp {
    const d = this.tmp(ty);
    this.add({ s: 'load', d, op, h, off, guest: false });
    return d;
  }

  /** Value of a guest register at this point. */
  reg(reg: number): Tmp {
    const d = this.tmp('i64');
    this.add({ s: 'get', d, reg });
    return d;
  }

  /** h + off as an operand. */
  host(h: Opnd, off: number): Opnd {
    return off === 0 ? h : this.op('i32.add', 'i32', h, c32(off));
  }

  /** Adds n to the 64-bit word at `offset` in the thread state. */
  count(offset: number, n: number): void {
    const old = this.load('i64.load', 'i64', TS, offset);
    const sum = this.op('i64.add', 'i64', old, c64(n));
    this.add({ s: 'store', op: 'i64.store', h: TS, off: offset, v: sum, guest: false });
  }

  /** Adds an i32 operand (0 or 1, say) to the 64-bit word at `offset` in the thread state. */
  countIf(offset: number, n: Opnd): void {
    const old = this.load('i64.load', 'i64', TS, offset);
    const sum = this.op('i64.add', 'i64', old, this.op('i64.extend_i32_u', 'i64', n));
    this.add({ s: 'store', op: 'i64.store', h: TS, off: offset, v: sum, guest: false });
  }
}
