/** Checks that a block is well formed: known operations, types, single assignment, definition before use. */
import { type Block, norm64, type Opnd, REG_COUNT, regTy, type Stmt, type Term, type Ty } from './ir.js';
import { FP_OPS, LOADS, OPS, STORES } from './ops.js';
import { printStmt, printTerm } from './print.js';

class Verifier {
  readonly problems: string[] = [];
  private readonly types = new Map<number, Ty>();
  private where = '';

  constructor(readonly block: Block) {}

  run(): void {
    const { block } = this;
    block.stmts.forEach((s, i) => {
      this.where = `statement ${i} (${printStmt(s)})`;
      this.stmt(s);
    });
    this.where = `terminator (${printTerm(block.term)})`;
    this.term(block.term);
    this.where = 'block';
    const marks = block.stmts.filter((s) => s.s === 'imark').length;
    if (marks !== block.insns) this.bad(`insns is ${block.insns}, but there are ${marks} instructions`);
  }

  private bad(what: string): void {
    this.problems.push(`${this.where}: ${what}`);
  }

  private use(o: Opnd, ty: Ty | null): void {
    if (o.k === 't') {
      const set = this.types.get(o.id);
      if (set === undefined) this.bad(`t${o.id} is not set here`);
      else if (set !== o.ty) this.bad(`t${o.id} is ${set}, used as ${o.ty}`);
    } else if (o.k === 'c') {
      const { v } = o;
      const ok = o.ty === 'i32' ? typeof v === 'number' && v === (v | 0) : norm64(v) === v;
      if (!ok || Object.is(v, -0)) this.bad(`${v} is not a canonical ${o.ty}`);
    }
    if (ty !== null && o.ty !== ty) this.bad(`${ty} expected, not ${o.ty}`);
  }

  private uses(a: readonly Opnd[], types: readonly Ty[]): void {
    if (a.length !== types.length) this.bad(`${types.length} operands expected, not ${a.length}`);
    for (const [i, o] of a.entries()) this.use(o, types[i] ?? null);
  }

  private set(d: { id: number; ty: Ty }, ty: Ty): void {
    if (this.types.has(d.id)) this.bad(`t${d.id} is set twice`);
    if (!(d.id >= 0 && d.id < this.block.temps)) this.bad(`t${d.id} is beyond temps`);
    if (d.ty !== ty) this.bad(`the result is ${ty}, not ${d.ty}`);
    this.types.set(d.id, d.ty);
  }

  private reg(reg: number): Ty {
    if (!(Number.isInteger(reg) && reg > 0 && reg < REG_COUNT)) this.bad(`no register ${reg}`);
    return regTy(reg);
  }

  private stmt(s: Stmt): void {
    switch (s.s) {
      case 'imark':
        if (s.len !== 2 && s.len !== 4) this.bad('instructions have 2 or 4 bytes');
        return;
      case 'get':
        this.set(s.d, this.reg(s.reg));
        return;
      case 'put':
        this.use(s.v, this.reg(s.reg));
        return;
      case 'op': {
        const info = OPS.get(s.op);
        if (!info) this.bad(`no operation ${s.op}`);
        this.uses(s.a, info?.args ?? []);
        this.set(s.d, info?.ret ?? s.d.ty);
        return;
      }
      case 'xlat':
        this.use(s.addr, 'i64');
        if (![1, 2, 4, 8, 16].includes(s.size)) this.bad(`size ${s.size}`);
        if (!(s.base >= -1 && s.base < 32)) this.bad(`no base register ${s.base}`);
        this.set(s.d, 'i32');
        return;
      case 'load':
        this.use(s.h, 'i32');
        if (!LOADS.has(s.op)) this.bad(`no load ${s.op}`);
        this.set(s.d, LOADS.get(s.op)?.ty ?? s.d.ty);
        return;
      case 'store':
        this.use(s.h, 'i32');
        if (!STORES.has(s.op)) this.bad(`no store ${s.op}`);
        this.use(s.v, STORES.get(s.op)?.ty ?? null);
        return;
      case 'fp': {
        const info = FP_OPS.get(s.op);
        if (!info) this.bad(`no floating-point operation ${s.op}`);
        if (![0, 1, 2, 3, 4, 7].includes(s.rm)) this.bad(`rounding mode ${s.rm}`);
        this.uses(s.a, info?.args ?? []);
        this.set(s.d, info?.ret ?? s.d.ty);
        return;
      }
      case 'call':
        for (const o of s.a) this.use(o, null);
        if (s.when) {
          this.use(s.when, 'i32');
          if (s.d || s.sync) this.bad('a call on a condition has no result and is not sync');
        }
        if (s.d) this.set(s.d, s.d.ty);
        return;
      case 'exitif':
        this.use(s.cond, 'i32');
        return;
      case 'own':
      case 'undo':
        this.use(s.h, 'i32');
        if (![1, 2, 4, 8, 16].includes(s.size)) this.bad(`size ${s.size}`);
        return;
      case 'pin':
      case 'fence':
    }
  }

  private term(t: Term): void {
    if (t.t === 'br') this.use(t.cond, 'i32');
    else if (t.t === 'icall' || t.t === 'ijump' || t.t === 'ret') this.use(t.target, 'i64');
  }
}

/** What is wrong with a block, one sentence each; empty when it is well formed. */
export function verify(block: Block): string[] {
  const v = new Verifier(block);
  v.run();
  return v.problems;
}

/** @throws Error that lists what is wrong with the block, if anything is */
export function assertValid(block: Block): void {
  const problems = verify(block);
  if (problems.length > 0) throw new Error(`block 0x${block.pc.toString(16)}:\n${problems.join('\n')}`);
}
