/** From a region's IR to one wasm function `(ts i32, depth i32, pc i64) -> next pc`, with structured control flow. */
import { REGWIN_ENTRY, T_F, T_FCSR, T_LIMIT, T_PC, T_REGWIN, T_X } from '../../kernel/core/layout.js';
import { type Block, EXIT_FAULT, type Opnd, REG_F, REG_FCSR, type Term, type Ty } from '../ir/ir.js';
import { BlockEmitter } from './emit-block.js';
import { analyse, type Flow } from './flow.js';
import { analyseCells, type BlockFacts, cellsOf, comesBack } from './liveness.js';
import type { Region } from './region.js';
import { Bytes, F32, F64, type Fixup, type Hint, I32, I64, type ModuleBuilder, VOID, W } from './wasm.js';
import { CELL_WINDOW, type CellOf } from './windows.js';

export interface CodegenOptions {
  /** Host orders plain accesses like TSO: weaker fences cost nothing. */
  tso: boolean;
  /** Stores look out for lines that LR has reserved. */
  multi: boolean;
  /** relaxed_madd is a true fused multiply-add here. */
  fma: boolean;
  /** Back edges per entry before the region is left for a poll. */
  fuel: number;
  /** Accesses go through the byte-wise slow path (regions of one instruction). */
  slow: boolean;
  /** The window that an access uses. */
  cellOf: CellOf;
  /** Function in the module under construction for pc, or -1. */
  localFn(pc: number): number;
}

/** Parameters of a region function; other locals follow. */
const P_TS = 0;
const P_DEPTH = 1;
const P_PC = 2;
/** Label of the way out for indirect jumps to addresses that the region has no block for, and those below it. */
const NOWHERE = -1_000_000;
/** Label of the common way out for faults. */
const LEAVE = -2;

const TYPES: Record<Ty, number> = { i32: I32, i64: I64, f32: F32, f64: F64 };

interface Frame {
  kind: 'loop' | 'block' | 'other';
  target: number;
}

export class RegionEmitter {
  readonly out = new Bytes();
  readonly tsLocal = P_TS;
  private locals: number[] = [];
  private free: Record<number, number[]> = { [I32]: [], [I64]: [], [F32]: [], [F64]: [] };
  private cellLocal = new Map<number, number>();
  private windowLocals = new Map<number, { lo: number; lim: number; delta: number }>();
  private frames: Frame[] = [];
  private flow!: Flow;
  /** Blocks written behind an inner loop although a block of it dominates them. */
  private hoisted = new Set<number>();
  facts!: BlockFacts[];
  private fuelLocal = -1;
  private faultLabels = new Map<string, number>();
  readonly fixups: Fixup[] = [];
  readonly hints: Hint[] = [];
  private readonly succ: number[][];

  constructor(
    readonly region: Region,
    readonly mod: ModuleBuilder,
    readonly opts: CodegenOptions,
  ) {
    this.succ = region.succ.map((s) => s.slice());
  }

  /** Emits the function body: local declarations and code, ready for the code section. */
  emit(): Bytes {
    this.flow = analyse(this.region.blocks.length, this.succ, (from, to) => {
      this.succ[from] = this.succ[from]!.filter((t) => t !== to);
    });
    this.separateTargets();
    this.facts = analyseCells(this.region, this.flow.order, this.succ, this.opts.cellOf);
    const o = this.out;
    // A deep stack, or a request to stop: give the pc back to the dispatcher.
    this.get(P_DEPTH);
    this.get(P_TS);
    this.mem(W.i32Load, 2, T_LIMIT);
    o.u8(W.i32GeU);
    this.ifRare(VOID);
    this.get(P_PC);
    o.u8(W.return);
    o.u8(W.end);
    if (this.flow.loopHeader.some(Boolean)) {
      this.fuelLocal = this.local(I32);
      this.i32(this.opts.fuel);
      this.set(this.fuelLocal);
    }
    this.loadCells(cellsOf(this.facts[0]!.liveIn));
    this.open(W.block, { kind: 'block', target: LEAVE });
    const sets = this.collectFaultSets();
    for (const set of sets) this.open(W.block, { kind: 'block', target: set.label });
    this.tree(0);
    o.u8(W.unreachable);
    for (const set of sets.reverse()) {
      this.close();
      this.spill(set.dirty);
      o.u8(W.br);
      o.u32(this.depthOf('block', LEAVE));
    }
    this.close();
    // Faults of all instructions end here, registers spilled and the instruction's address in P_PC.
    this.get(P_TS);
    this.get(P_PC);
    this.mem(W.i64Store, 3, T_PC);
    this.leave(EXIT_FAULT, 0);
    o.u8(W.end);
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
    body.append(o);
    return body;
  }

  // --- small emitters ------------------------------------------------------------------------------------------

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

  // --- cells: guest registers and windows in locals -------------------------------------------------------------

  regLocal(reg: number): number {
    let l = this.cellLocal.get(reg);
    if (l === undefined) {
      this.locals.push(reg < REG_F ? I64 : reg < REG_FCSR ? F64 : I32);
      l = this.locals.length + 2;
      this.cellLocal.set(reg, l);
    }
    return l;
  }

  window(cell: number): { lo: number; lim: number; delta: number } {
    let w = this.windowLocals.get(cell);
    if (!w) {
      this.locals.push(I64, I64, I32);
      const n = this.locals.length + 2;
      w = { lo: n - 2, lim: n - 1, delta: n };
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
    this.get(P_TS);
    this.mem(W.i64Load, 3, at);
    this.set(w.lo);
    this.get(P_TS);
    this.mem(W.i64Load, 3, at + 8);
    this.set(w.lim);
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

  spillReg(reg: number): void {
    this.get(P_TS);
    this.get(this.regLocal(reg));
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

  private leave(why: number, arg: number): void {
    this.get(P_TS);
    this.i32(why);
    this.i32(arg);
    this.callImport('exit', [I32, I32, I32], [I32]);
    this.out.u8(W.drop);
    this.get(P_TS);
    this.mem(W.i64Load, 3, T_PC);
    this.out.u8(W.return);
  }

  /** One way out for each set of registers that are dirty where an instruction may fault. */
  private collectFaultSets(): { label: number; dirty: readonly number[] }[] {
    const sets: { label: number; dirty: readonly number[] }[] = [];
    for (const b of this.flow.order) {
      this.region.blocks[b]!.stmts.forEach((s, i) => {
        if (s.s !== 'xlat') return;
        const dirty = this.facts[b]!.dirtyAt.get(i)!;
        const key = dirty.join();
        if (this.faultLabels.has(key)) return;
        const label = LEAVE - 1 - sets.length;
        this.faultLabels.set(key, label);
        sets.push({ label, dirty });
      });
    }
    return sets;
  }

  /** The instruction at pc faults: leaves from within `nested` wasm blocks opened since the block began. */
  faultStub(pc: number, dirty: readonly number[], nested: number): void {
    this.i64(pc);
    this.set(P_PC);
    this.out.u8(W.br);
    this.out.u32(this.depthOf('block', this.faultLabels.get(dirty.join())!) + nested);
  }

  // --- structure -----------------------------------------------------------------------------------------------

  private tree(b: number): void {
    const merges = this.flow.children[b]!.filter((c) => this.flow.merge[c] && !this.hoisted.has(c));
    if (!this.flow.loopHeader[b]) {
      this.within(b, this.latestFirst(merges));
      return;
    }
    this.open(W.loop, { kind: 'loop', target: b });
    const inner = this.flow.inner.get(b);
    if (inner) this.innerLoop(b, inner, merges);
    else this.within(b, this.latestFirst(merges));
    this.close();
  }

  /** The inner one of two loops with the same header; what its blocks alone dominate goes behind it. */
  private innerLoop(b: number, body: Set<number>, merges: number[]): void {
    const behind: number[] = [];
    for (const u of body) {
      for (const c of this.flow.children[u]!) {
        if (body.has(c)) continue;
        behind.push(c);
        this.hoisted.add(c);
      }
    }
    const order = this.latestFirst(behind);
    for (const y of order) this.open(W.block, { kind: 'block', target: y });
    this.open(W.loop, { kind: 'loop', target: b });
    this.within(b, this.latestFirst(merges.filter((c) => body.has(c))));
    this.close();
    for (const y of order.reverse()) {
      this.close();
      this.tree(y);
    }
  }

  private latestFirst(blocks: number[]): number[] {
    return [...blocks].sort((x, y) => this.flow.rpo[y]! - this.flow.rpo[x]!);
  }

  private within(b: number, merges: number[]): void {
    if (merges.length === 0) {
      this.block(b);
      return;
    }
    const [y, ...rest] = merges as [number, ...number[]];
    this.open(W.block, { kind: 'block', target: y });
    this.within(b, rest);
    this.close();
    this.tree(y);
  }

  private open(op: number, frame: Frame): void {
    this.out.u8(op);
    this.out.u8(VOID);
    this.frames.push(frame);
  }

  private close(): void {
    this.out.u8(W.end);
    this.frames.pop();
  }

  private depthOf(kind: 'loop' | 'block', target: number): number {
    for (let i = this.frames.length - 1, d = 0; i >= 0; i--, d++) {
      const f = this.frames[i]!;
      if (f.kind === kind && f.target === target) return d;
    }
    throw new Error('region structure: no enclosing label');
  }

  /** Every target of the dispatching block that lies ahead gets a label of its own, so that a table can name it. */
  private separateTargets(): void {
    const { dispatch } = this.region;
    if (dispatch === undefined || this.flow.rpo[dispatch]! < 0) return;
    for (const t of this.succ[dispatch]!) {
      if (this.flow.rpo[t]! > this.flow.rpo[dispatch]!) this.flow.merge[t] = true;
    }
    this.flow.inner.delete(dispatch);
  }

  /** Goes on at the successor whose address is in the pc; leaves the region for any other. */
  private dispatch(b: number): void {
    const o = this.out;
    const targets = this.succ[b]!.map((to) => ({ to, pc: this.region.blocks[to]!.pc }));
    const low = Math.min(...targets.map((t) => t.pc));
    const size = (Math.max(...targets.map((t) => t.pc)) - low) / 2 + 1;
    const back = targets.filter((t) => this.flow.rpo[t.to]! <= this.flow.rpo[b]!);
    this.open(W.block, { kind: 'block', target: NOWHERE });
    for (const t of back) this.open(W.block, { kind: 'block', target: NOWHERE - 1 - t.to });
    const index = this.local(I64);
    this.get(P_PC);
    this.i64(low);
    o.u8(W.i64Sub);
    this.i64(1);
    o.u8(W.i64Rotr);
    this.tee(index);
    this.i64(size);
    o.u8(W.i64GeU);
    this.hint(false);
    o.u8(W.brIf);
    o.u32(this.depthOf('block', NOWHERE));
    this.get(index);
    o.u8(W.i32Wrap);
    this.release(I64, index);
    const label = new Map(
      targets.map((t) => [t.pc, this.depthOf('block', back.includes(t) ? NOWHERE - 1 - t.to : t.to)]),
    );
    o.u8(W.brTable);
    o.u32(size);
    for (let i = 0; i < size; i++) o.u32(label.get(low + i * 2) ?? this.depthOf('block', NOWHERE));
    o.u32(this.depthOf('block', NOWHERE));
    for (const t of [...back].reverse()) {
      this.close();
      this.edge(b, t.to);
    }
    this.close();
    this.leaveTo(this.facts[b]!.dirtyEnd);
  }

  private block(b: number): void {
    if (b === this.region.dispatch) {
      this.dispatch(b);
      return;
    }
    const block = this.region.blocks[b]!;
    const e = new BlockEmitter(this, block, this.facts[b]!);
    e.stmts();
    this.terminator(b, block, e);
  }

  private terminator(b: number, block: Block, e: BlockEmitter): void {
    const t = block.term;
    const facts = this.facts[b]!;
    const o = this.out;
    switch (t.t) {
      case 'goto':
        this.jump(b, t.pc);
        return;
      case 'br':
        if (t.pc === t.fall) {
          this.jump(b, t.pc);
          return;
        }
        e.expr(t.cond);
        o.u8(W.if);
        o.u8(VOID);
        this.frames.push({ kind: 'other', target: -1 });
        this.jump(b, t.pc);
        this.frames.pop();
        o.u8(W.end);
        this.jump(b, t.fall);
        return;
      case 'call':
        this.spill(facts.dirtyEnd);
        this.get(P_TS);
        this.get(P_DEPTH);
        this.i32(1);
        o.u8(W.i32Add);
        this.i64(t.pc);
        this.callRegion(t.pc);
        this.afterCall(b, t.ret);
        return;
      case 'icall':
        e.expr(t.target);
        this.set(P_PC);
        this.spill(facts.dirtyEnd);
        this.get(P_TS);
        this.get(P_DEPTH);
        this.i32(1);
        o.u8(W.i32Add);
        this.get(P_PC);
        this.callImport('enter', [I32, I32, I64], [I64]);
        this.afterCall(b, t.ret);
        return;
      case 'ijump':
        e.expr(t.target);
        this.set(P_PC);
        if (this.succ[b]!.length > 0) this.edge(b, this.succ[b]![0]!);
        else this.leaveTo(facts.dirtyEnd);
        return;
      case 'ret':
        e.expr(t.target);
        this.set(P_PC);
        this.leaveTo(facts.dirtyEnd);
        return;
      case 'exit':
        this.kernelExit(b, t, facts);
        return;
    }
  }

  private kernelExit(b: number, t: Extract<Term, { t: 'exit' }>, facts: BlockFacts): void {
    const o = this.out;
    const inside = this.region.index.get(t.next);
    if (inside === undefined || !this.succ[b]!.includes(inside)) {
      this.exitStub(t.why, t.pc, t.next - t.pc, facts.dirtyEnd);
      return;
    }
    this.spill(facts.dirtyEnd);
    this.setPc(t.pc);
    this.get(P_TS);
    this.i32(t.why);
    this.i32(t.next - t.pc);
    this.callImport('exit', [I32, I32, I32], [I32]);
    this.ifRare(VOID);
    this.get(P_TS);
    this.mem(W.i64Load, 3, T_PC);
    o.u8(W.return);
    o.u8(W.end);
    this.loadCells(cellsOf(this.facts[inside]!.liveIn));
    this.edge(b, inside);
  }

  private callRegion(pc: number): void {
    const local = this.opts.localFn(pc);
    if (local >= 0) {
      this.out.u8(W.call);
      this.fixups.push({ at: this.out.hole(), fn: local });
      return;
    }
    this.callImport('enter', [I32, I32, I64], [I64]);
  }

  /** Next pc on the stack: go on when it is the return address, else let the dispatcher get us there. */
  private afterCall(b: number, ret: number): void {
    const o = this.out;
    this.tee(P_PC);
    this.i64(ret);
    o.u8(W.i64Ne);
    this.ifRare(VOID);
    this.get(P_TS);
    this.get(P_DEPTH);
    this.i32(1);
    o.u8(W.i32Add);
    this.get(P_PC);
    this.i64(ret);
    this.callImport('resume', [I32, I32, I64, I64], [I64]);
    this.tee(P_PC);
    this.i64(ret);
    o.u8(W.i64Ne);
    this.ifRare(VOID);
    this.get(P_PC);
    o.u8(W.return);
    o.u8(W.end);
    o.u8(W.end);
    const inside = this.region.index.get(ret);
    if (inside === undefined || !this.succ[b]!.includes(inside)) {
      this.tail(ret);
      return;
    }
    this.loadCells(cellsOf(this.facts[inside]!.liveIn));
    this.edge(b, inside);
  }

  /** Goes on at `pc`: inside the region where the edge exists, else by way of the dispatcher. Registers are in locals. */
  private jump(b: number, pc: number): void {
    const inside = this.region.index.get(pc);
    if (inside === undefined || !this.succ[b]!.includes(inside)) {
      this.spill(this.facts[b]!.dirtyEnd);
      this.tail(pc);
      return;
    }
    this.edge(b, inside);
  }

  private edge(from: number, to: number): void {
    const o = this.out;
    if (this.flow.rpo[to]! <= this.flow.rpo[from]!) {
      this.get(this.fuelLocal);
      this.i32(1);
      o.u8(W.i32Sub);
      this.tee(this.fuelLocal);
      this.hint(true);
      o.u8(W.brIf);
      o.u32(this.depthOf('loop', to));
      // Out of fuel: enter the loop anew, in whatever code is the best by now, passing the entry's poll.
      if (!comesBack(this.region.blocks[from]!.term)) this.spill(this.facts[from]!.dirtyEnd);
      if (to === this.region.dispatch) {
        this.get(P_PC);
        o.u8(W.return);
      } else this.tail(this.region.blocks[to]!.pc);
    } else if (this.flow.merge[to] || this.hoisted.has(to)) {
      o.u8(W.br);
      o.u32(this.depthOf('block', to));
    } else {
      this.tree(to);
    }
  }

  /** Writes registers back and hands the address in P_PC to the dispatcher. */
  private leaveTo(dirty: readonly number[]): void {
    this.spill(dirty);
    this.get(P_PC);
    this.out.u8(W.return);
  }

  /** Hands pc to the dispatcher; the thread state holds all registers. */
  private tail(pc: number): void {
    this.i64(pc);
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
