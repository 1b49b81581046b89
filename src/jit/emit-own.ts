/** Code for blocks that own lines (own.ts): the look at a right, the undo log, and how a block gives up. */
import { T_BLOCK_INSNS, T_LIMIT, T_OWN } from '../../kernel/core/layout.js';
import { OWN_LINES, OWN_UNDO, UNDO_ENTRY } from '../../kernel/core/ownership.js';
import { type Block, regTy, type Stmt } from '../ir/ir.js';
import type { RegionEmitter } from './codegen.js';
import type { GiveUp } from './own.js';
import { I32, VOID, W } from './wasm.js';
import { P_PC, P_TS } from './writer.js';

type Own = Extract<Stmt, { s: 'own' }>;
type Undo = Extract<Stmt, { s: 'undo' }>;

export class OwnEmitter {
  /** Locals: the thread's record, how much of the log counts, copies of registers. */
  private record = -1;
  private logged = -1;
  private readonly copies = new Map<number, number>();

  constructor(private readonly r: RegionEmitter) {}

  /** At the region's entry. */
  enter(): void {
    const { r } = this;
    this.record = r.local(I32);
    this.logged = r.local(I32);
    r.get(P_TS);
    r.mem(W.i32Load, 2, T_OWN);
    r.set(this.record);
  }

  /** At the start of a block. */
  block(g: GiveUp): void {
    for (const reg of g.saved) {
      let l = this.copies.get(reg);
      if (l === undefined) {
        l = this.r.local(this.r.wasmTy(regTy(reg)));
        this.copies.set(reg, l);
      }
      this.r.get(this.r.regLocal(reg));
      this.r.set(l);
    }
  }

  /** Notes that n entries of the block's log count. */
  count(g: GiveUp, n: number): void {
    if (!g.logs) return;
    this.r.i32(n);
    this.r.set(this.logged);
  }

  /** Behind the label: everything back to how the block found it, and the thread state complete. */
  stub(g: GiveUp, block: Block): void {
    const { r } = this;
    if (g.logs) {
      r.get(P_TS);
      r.get(this.logged);
      r.callImport('own_undo', [I32, I32], []);
    }
    for (const reg of g.dirty)
      r.spillReg(reg, g.saved.includes(reg) ? this.copies.get(reg)! : r.regLocal(reg));
    r.get(P_TS);
    r.i32(block.insns);
    r.mem(W.i32Store, 2, T_BLOCK_INSNS);
    r.i64(block.pc);
    r.set(P_PC);
  }

  /** Right to the access at h + off, in block b; `host` pushes h. n: entries of its log that count by now. */
  own(s: Own, host: () => void, b: number, n: number): void {
    const { r } = this;
    const o = r.out;
    const at = this.place(s, host);
    if (s.size > 1) {
      // A misaligned access may lie in two lines: own_take looks.
      r.get(at);
      r.i32(s.size - 1);
      o.u8(W.i32And);
    }
    // Twice the number of the line.
    r.get(at);
    r.i32(5);
    o.u8(W.i32ShrU);
    r.get(at);
    r.i32(16);
    o.u8(W.i32ShrU);
    o.u8(W.i32Xor);
    r.i32((OWN_LINES - 1) * 2);
    o.u8(W.i32And);
    r.get(this.record);
    o.u8(W.i32Add);
    r.mem(W.i32Load8U, 0, s.acc === 'w' ? 1 : 0);
    o.u8(s.size > 1 ? W.i32GeU : W.i32Eqz);
    r.ifRare(VOID);
    r.get(P_TS);
    r.get(at);
    r.i32(s.size | (s.acc === 'w' ? 256 : 0));
    r.callImport('own_take', [I32, I32, I32], [I32]);
    this.overIf(b, n, 1);
    o.u8(W.end);
    r.release(I32, at);
  }

  /** Pushes whether a back edge may be taken: `fuel` is left, and nobody wants the thread between blocks. */
  mayGoOn(fuel: number): void {
    const { r } = this;
    r.get(P_TS);
    r.mem(W.i32Load, 2, T_LIMIT);
    r.i32(0);
    r.get(fuel);
    r.out.u8(W.select);
  }

  pin(b: number): void {
    const { r } = this;
    r.get(P_TS);
    r.callImport('own_pin', [I32], [I32]);
    this.overIf(b, 0, 0);
  }

  private overIf(b: number, n: number, nested: number): void {
    this.r.ifRare(VOID);
    this.r.startOver(b, n, nested + 1);
    this.r.out.u8(W.end);
  }

  undo(s: Undo, host: () => void): void {
    const { r } = this;
    const at = this.place(s, host);
    const entry = OWN_UNDO + s.n * UNDO_ENTRY;
    r.get(this.record);
    r.get(at);
    r.mem(W.i32Store, 2, entry);
    r.get(this.record);
    r.i32(s.size);
    r.mem(W.i32Store, 2, entry + 4);
    r.get(this.record);
    r.get(at);
    r.mem(LOAD[s.size]!, 0, 0);
    r.mem(W.i64Store, 3, entry + 8);
    r.release(I32, at);
  }

  /** A local with h + off. */
  private place(s: Own | Undo, host: () => void): number {
    const { r } = this;
    const at = r.local(I32);
    host();
    if (s.off !== 0) {
      r.i32(s.off);
      r.out.u8(W.i32Add);
    }
    r.set(at);
    return at;
  }
}

/** i64 loads without sign, by size. */
const LOAD: Record<number, number> = { 1: 0x31, 2: 0x33, 4: 0x35, 8: 0x29 };
