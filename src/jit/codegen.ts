/** From a region's IR to one wasm function `(ts i32, depth i32, pc i64) -> next pc`, with structured control flow. */
import { T_LIMIT, T_PC } from '../../kernel/core/layout.js';
import { type Block, EXIT_FAULT, type Term } from '../ir/ir.js';
import { analyseCells, type BlockFacts, comesBack, missing } from './cells.js';
import { BlockEmitter } from './emit-block.js';
import { OwnEmitter } from './emit-own.js';
import { analyse, type Flow, innermost } from './flow.js';
import { CHUNK, type Group, type LoopPlan, planLoop } from './loops.js';
import type { Region } from './region.js';
import { type Bytes, I32, I64, type ModuleBuilder, VOID, W } from './wasm.js';
import type { CellOf, Xlat } from './windows.js';
import { FunctionWriter, P_DEPTH, P_PC, P_TS } from './writer.js';

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

/** Label of the way out for indirect jumps to addresses that the region has no block for, and those below it. */
const NOWHERE = -1_000_000;
/** Steps of addresses beyond this are left to the checks of single accesses. */
const MAX_STEP = 2 ** 31;
/** Label of the common way out for faults. */
const LEAVE = -2;
/** Labels of the ways out of blocks that start over: this minus the block. */
const OVER = -500_000;

/** One of the two copies of an inner loop. */
interface Copy {
  header: number;
  plan: LoopPlan;
  /** Accesses of the plan go without a check. */
  free: boolean;
  /** Distances to host memory that hold for the whole copy, by cell, where the cell's own may change. */
  deltas: Map<number, number>;
}

interface Frame {
  kind: 'loop' | 'block' | 'other';
  target: number;
}

export class RegionEmitter extends FunctionWriter {
  private frames: Frame[] = [];
  private flow!: Flow;
  /** Blocks written behind an inner loop although a block of it dominates them. */
  private hoisted = new Set<number>();
  facts!: BlockFacts[];
  private fuelLocal = -1;
  private faultLabels = new Map<string, number>();
  /** By header: inner loops that get a copy without checks. */
  private plans = new Map<number, LoopPlan>();
  /** The loop with two copies that is being written. */
  private copy: Copy | null = null;
  private chunkLocal = -1;
  private readonly succ: number[][];
  /** Set where blocks own lines. */
  own: OwnEmitter | null = null;

  constructor(
    readonly region: Region,
    mod: ModuleBuilder,
    readonly opts: CodegenOptions,
  ) {
    super(mod);
    this.succ = region.succ.map((s) => s.slice());
  }

  /** Emits the function body: local declarations and code, ready for the code section. */
  emit(): Bytes {
    this.flow = analyse(this.region.blocks.length, this.succ, (from, to) => {
      this.succ[from] = this.succ[from]!.filter((t) => t !== to);
    });
    this.separateTargets();
    this.facts = analyseCells(this.region, this.flow, this.succ, this.opts.cellOf);
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
    if (this.facts.some((f) => f.giveUp)) {
      this.own = new OwnEmitter(this);
      this.own.enter();
    }
    this.planLoops();
    this.noteLimits();
    const { need } = this.facts[0]!;
    this.loadCells([...need.keys()].filter((c) => need[c] !== 0));
    this.open(W.block, { kind: 'block', target: LEAVE });
    const over = this.flow.order.filter((b) => this.facts[b]!.giveUp);
    for (const b of over) this.open(W.block, { kind: 'block', target: OVER - b });
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
    for (const b of over.reverse()) {
      this.close();
      this.own!.stub(this.facts[b]!.giveUp!, this.region.blocks[b]!);
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
    return this.body();
  }

  /** One way out for each set of registers that are dirty where an instruction may fault. */
  private collectFaultSets(): { label: number; dirty: readonly number[] }[] {
    const sets: { label: number; dirty: readonly number[] }[] = [];
    for (const b of this.flow.order) {
      this.region.blocks[b]!.stmts.forEach((s, i) => {
        const { giveUp } = this.facts[b]!;
        if (s.s !== 'xlat' || (giveUp && !giveUp.pinned)) return;
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

  /** Gives the block up, from within `nested` wasm blocks opened since it began; n entries of its undo log count. */
  startOver(b: number, n: number, nested: number): void {
    this.own!.count(this.facts[b]!.giveUp!, n);
    this.out.u8(W.br);
    this.out.u32(this.depthOf('block', OVER - b) + nested);
  }

  // --- structure -----------------------------------------------------------------------------------------------

  private tree(b: number): void {
    const merges = this.flow.children[b]!.filter((c) => this.flow.merge[c] && !this.hoisted.has(c));
    if (!this.flow.loopHeader[b]) {
      this.within(b, this.latestFirst(merges));
      return;
    }
    this.open(W.loop, { kind: 'loop', target: b });
    const inner = this.plans.get(b)?.body ?? this.flow.inner.get(b);
    if (inner) this.innerLoop(b, inner, merges);
    else this.within(b, this.latestFirst(merges));
    this.close();
  }

  private planLoops(): void {
    if (this.opts.slow) return;
    for (const b of this.flow.order) {
      if (!this.flow.loopHeader[b]) continue;
      const body = innermost(this.flow, this.succ, b);
      const plan = body && planLoop(this.region, body, this.opts.cellOf);
      if (plan) this.plans.set(b, plan);
    }
    if (this.plans.size > 0) this.chunkLocal = this.local(I32);
  }

  private noteLimits(): void {
    for (const block of this.region.blocks) {
      for (const s of block.stmts) {
        if (s.s === 'xlat') (s.above === undefined ? this.single : this.joint).add(this.opts.cellOf(s));
      }
    }
    for (const { groups } of this.plans.values()) for (const g of groups) this.single.add(g.cell);
  }

  /** Both copies of an inner loop: the one without checks while a look at the windows says that it may run. */
  private twoCopies(b: number, plan: LoopPlan, merges: number[]): void {
    const chunk = Math.min(CHUNK, this.opts.fuel);
    this.copy = { header: b, plan, free: true, deltas: new Map() };
    this.open(W.block, { kind: 'other', target: -1 });
    for (const g of plan.groups) this.look(g);
    for (const { cell } of plan.groups) {
      if (!plan.unsteady.has(cell) || this.copy.deltas.has(cell)) continue;
      const l = this.local(I32);
      this.get(this.window(cell).delta);
      this.set(l);
      this.copy.deltas.set(cell, l);
    }
    for (const free of [true, false]) {
      this.copy.free = free;
      this.i32(chunk);
      this.set(this.chunkLocal);
      this.open(W.loop, { kind: 'loop', target: b });
      this.within(b, this.latestFirst(merges));
      this.close();
      if (free) this.close();
    }
    for (const l of this.copy.deltas.values()) this.release(I32, l);
    this.copy = null;
  }

  /** Branches out of the block around when an access of the group may leave its window within CHUNK turns. */
  private look(g: Group): void {
    const o = this.out;
    const w = this.window(g.cell);
    const outside = (op: number): void => {
      o.u8(op);
      this.hint(false);
      o.u8(W.brIf);
      o.u32(0);
    };
    const x = this.local(I64);
    this.i64(g.low);
    for (const [reg, coef] of g.terms) {
      this.scaled(reg, coef);
      o.u8(W.i64Add);
    }
    this.get(w.lo);
    o.u8(W.i64Sub);
    this.set(x);
    const inside = (): void => {
      this.get(x);
      this.get(w.lim);
      outside(W.i64GeU);
      if (g.high === g.low) return;
      this.get(x);
      this.i64(g.high - g.low);
      o.u8(W.i64Add);
      this.get(w.lim);
      outside(W.i64GeU);
    };
    inside();
    if (g.step) {
      // A small step: many turns of a large one might come around to the same window.
      this.get(this.regLocal(g.step.reg));
      this.i64(MAX_STEP);
      o.u8(W.i64Add);
      this.i64(2 * MAX_STEP);
      outside(W.i64GeU);
      this.get(x);
      this.scaled(g.step.reg, CHUNK * g.step.coef);
      o.u8(W.i64Add);
      this.set(x);
      inside();
    }
    this.release(I64, x);
  }

  private scaled(reg: number, by: number): void {
    this.get(this.regLocal(reg));
    if (by === 1) return;
    this.i64(by);
    this.out.u8(W.i64Mul);
  }

  /** The distance to host memory for an access that needs no check in the copy being written, or -1. */
  freeDelta(s: Xlat): number {
    if (!this.copy?.free || !this.copy.plan.covered.has(s)) return -1;
    const cell = this.opts.cellOf(s);
    return this.copy.deltas.get(cell) ?? this.window(cell).delta;
  }

  /** The inner one of two loops with the same header; what its blocks alone dominate goes behind it. */
  private innerLoop(b: number, body: ReadonlySet<number>, merges: number[]): void {
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
    const own = merges.filter((c) => body.has(c));
    const plan = this.plans.get(b);
    if (plan) this.twoCopies(b, plan, own);
    else {
      this.open(W.loop, { kind: 'loop', target: b });
      this.within(b, this.latestFirst(own));
      this.close();
    }
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

  /** Distance to the label, or to the one around it that is `outer` times farther out. */
  private depthOf(kind: 'loop' | 'block', target: number, outer = 0): number {
    let skip = outer;
    for (let i = this.frames.length - 1, d = 0; i >= 0; i--, d++) {
      const f = this.frames[i]!;
      if (f.kind === kind && f.target === target && skip-- === 0) return d;
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
    const e = new BlockEmitter(this, block, this.facts[b]!, b);
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

  /** Takes `n` from a local, and branches while something is left. */
  private count(local: number, n: number, label: number): void {
    this.get(local);
    this.i32(n);
    this.out.u8(W.i32Sub);
    if (this.own) {
      this.set(local);
      this.own.mayGoOn(local);
    } else this.tee(local);
    if (n > 1) {
      this.i32(0);
      this.out.u8(W.i32GtS);
    }
    this.hint(true);
    this.out.u8(W.brIf);
    this.out.u32(label);
  }

  private edge(from: number, to: number): void {
    const o = this.out;
    if (this.facts[to]!.clean.has(from)) this.spill(this.facts[from]!.dirtyEnd);
    this.loadCells(missing(this.facts[from]!, this.facts[to]!));
    if (this.flow.rpo[to]! <= this.flow.rpo[from]!) {
      if (this.copy?.header === to) {
        this.count(this.chunkLocal, 1, this.depthOf('loop', to));
        this.count(this.fuelLocal, Math.min(CHUNK, this.opts.fuel), this.depthOf('loop', to, 1));
      } else this.count(this.fuelLocal, 1, this.depthOf('loop', to));
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
}
