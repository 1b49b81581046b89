/**
 * Where helgrind's calls go in a block. A plain load is looked at after it, a plain store before it; what the thread
 * has done before at its present clock is told from its home cell without a call (src/rt/helgrind.ts). Atomic
 * instructions are enclosed in begin and end (src/rt/hg-atomics.ts).
 *
 * What compilers make of C++ atomics on RISC-V decides which plain accesses are atomic ones:
 * a load with `fence r,rw` (or stronger) right behind it is a load-acquire; a store with `fence rw,w` (or stronger)
 * in front of it, and nothing but arithmetic between, is a store-release. A full fence right behind a load whose sets
 * name devices too (gcc up to 12) belongs to that load, and makes no store after it atomic.
 */
import { type Block, c32, c64, type Opnd, type Stmt, TS } from '../../ir/ir.js';
import { LOADS, STORES } from '../../ir/ops.js';
import { BlockEditor } from '../edit.js';
import { CELL_ATOMIC_BIT, CELL_BYTES_BIT, CELL_READ_BIT, CELL_STALE_BIT, HG_HOME, HG_TAG } from './layout.js';

/**
 * How much of a function is looked at: everything, its accesses if the program called it, its atomic instructions and
 * fences only, or nothing.
 */
export type Attention = 'all' | 'for-caller' | 'edges' | 'none';

const AQ = 1;
export const RL = 2;
export const FIRST = 4;
export const SILENT = 8;
const SET_READ = 2;
const SET_WRITE = 1;
const SP = 2;
const EPOCH = 0xffffffffn;

export interface Policy {
  attention: Attention;
  /** Accesses through the stack pointer are looked at. */
  stack: boolean;
}

export function instrumentBlock(block: Block, policy: Policy): Block {
  return new Instrumenter(block, policy).run();
}

class Instrumenter {
  private readonly e: BlockEditor;
  private pc: number;
  private op = '';
  private base = -1;
  /** A release fence came, and nothing but arithmetic since. */
  private released = false;
  private readonly plain: boolean;
  private readonly edges: boolean;
  private readonly silent: number;

  constructor(
    private readonly block: Block,
    private readonly policy: Policy,
  ) {
    this.e = new BlockEditor(block);
    this.pc = block.pc;
    this.plain = policy.attention === 'all' || policy.attention === 'for-caller';
    this.edges = policy.attention === 'all' || policy.attention === 'edges';
    this.silent = this.plain ? 0 : SILENT;
  }

  run(): Block {
    const { block, e } = this;
    return e.rewrite(
      (s, i) => this.visit(s, i),
      () => {
        const t = block.term;
        if (t.t === 'call' || t.t === 'icall') e.call('cs_push', c64(t.ret), e.reg(SP));
        else if (t.t === 'ret') e.call('cs_pop', t.target, e.reg(SP));
      },
    );
  }

  private visit(s: Stmt, i: number): void {
    const { e } = this;
    if (s.s === 'imark') {
      this.pc = s.pc;
      this.op = s.op;
    } else if (s.s === 'xlat') this.base = s.base;
    if (!this.edges && !this.plain) {
      e.add(s);
      return;
    }
    if (s.s === 'fence' && this.edges) {
      e.add(s);
      this.released = releases(s) && !belongsToLoad(this.block.stmts, i, s);
      e.call('hg_fence', c32(s.pred), c32(s.succ));
    } else if (s.s === 'load' && s.guest) this.load(s, i);
    else if (s.s === 'store' && s.guest) this.store(s);
    else if (s.s === 'call' && this.edges && /^(amo|lr|sc)_/.test(s.fn)) this.atomic(s);
    else e.add(s);
  }

  private load(s: Extract<Stmt, { s: 'load' }>, i: number): void {
    const { e } = this;
    this.released = false;
    const size = LOADS.get(s.op)!.size;
    const h = e.host(s.h, s.off);
    e.add(s);
    if (this.edges && acquires(this.block.stmts, i)) {
      e.call('hg_load_acquire', h, c32(size), c32(this.silent), c64(this.pc));
    } else if (this.plain && (this.base !== SP || this.policy.stack)) this.check(h, size, true);
  }

  private store(s: Extract<Stmt, { s: 'store' }>): void {
    const { e } = this;
    const size = STORES.get(s.op)!.size;
    const h = e.host(s.h, s.off);
    if (this.released && this.base !== SP) {
      this.released = false;
      // Half a word may share its object with a neighbour, whose releases must not be forgotten.
      const how = this.silent | (size >= 4 ? FIRST : 0);
      e.call('hg_atomic_begin', h, c32(size), c32(how), c64(this.pc));
      e.add(s);
      e.call('hg_store_end', c32(how));
      return;
    }
    if (this.plain && (this.base !== SP || this.policy.stack)) this.check(h, size, false);
    e.add(s);
  }

  private atomic(s: Extract<Stmt, { s: 'call' }>): void {
    const { e } = this;
    this.released = false;
    const order = /\.(aqrl|aq|rl)$/.exec(this.op)?.[1] ?? '';
    const how = c32(this.silent | (order.includes('aq') ? AQ : 0) | (order.includes('rl') ? RL : 0));
    const size = c32(s.fn.endsWith('_d') ? 8 : 4);
    const pc = c64(this.pc);
    const h: Opnd = s.fn.startsWith('amo') ? s.a[1]! : s.a[0]!;
    if (s.fn.startsWith('lr')) {
      e.add(s);
      e.call('hg_lr', h, size, how, pc);
      return;
    }
    e.call('hg_atomic_begin', h, size, how, pc);
    e.add(s);
    if (s.fn.startsWith('sc')) e.call('hg_sc_end', how, s.d!);
    else e.call('hg_amo_end', how);
  }

  /** Calls the run time unless the home cell says that this access, or more, was made at the present clock. */
  private check(h: Opnd, size: number, read: boolean): void {
    const { e } = this;
    const scaled = e.op('i32.shl', 'i32', h, c32(2));
    const inWord = size >= 4 ? scaled : e.op('i32.and', 'i32', scaled, c32(~15));
    const cell = e.op('i32.add', 'i32', inWord, e.load('i32.load', 'i32', TS, HG_HOME));
    const differs = e.op(
      'i64.xor',
      'i64',
      e.load('i64.load', 'i64', cell),
      e.load('i64.load', 'i64', TS, HG_TAG),
    );
    const offset = e.op('i64.extend_i32_u', 'i64', e.op('i32.and', 'i32', h, c32(7)));
    const always =
      EPOCH |
      (1n << BigInt(CELL_STALE_BIT)) |
      (read ? 0n : (1n << BigInt(CELL_READ_BIT)) | (1n << BigInt(CELL_ATOMIC_BIT)));
    const bytes = ((1n << BigInt(size)) - 1n) << BigInt(CELL_BYTES_BIT);
    const need =
      size === 8
        ? c64(always | bytes)
        : e.op('i64.or', 'i64', e.op('i64.shl', 'i64', c64(bytes), offset), c64(always));
    let unknown = e.op('i64.and', 'i64', differs, need);
    // What is not aligned takes the long way.
    if (size > 1) {
      const odd = e.op('i64.extend_i32_u', 'i64', e.op('i32.and', 'i32', h, c32(size - 1)));
      unknown = e.op('i64.or', 'i64', unknown, odd);
    }
    const when = e.op('i64.ne', 'i32', unknown, c64(0));
    const name = (read ? 'hg_read' : 'hg_write') + (this.policy.attention === 'for-caller' ? '_for' : '');
    e.callWhen(when, name, h, c32(size), c64(this.pc));
  }
}

type Fence = Extract<Stmt, { s: 'fence' }>;

const releases = (f: Fence): boolean => (f.pred & SET_WRITE) !== 0 && (f.succ & SET_WRITE) !== 0;

/** Whether a fence is the second half of a load-acquire as gcc writes it up to version 12. */
function belongsToLoad(stmts: readonly Stmt[], at: number, f: Fence): boolean {
  if ((f.succ & 12) === 0 || (f.succ & SET_READ) === 0) return false;
  for (let i = at - 1; i >= 0; i--) {
    const s = stmts[i]!;
    if (s.s === 'load') return s.guest;
    if (s.s === 'imark' && s.op !== 'fence') return false;
    if (s.s === 'store' || s.s === 'call' || s.s === 'fence') return false;
  }
  return false;
}

/** Whether a load has a fence right behind it that keeps later accesses behind reads: an acquire. */
function acquires(stmts: readonly Stmt[], at: number): boolean {
  for (let i = at + 1; i < stmts.length; i++) {
    const s = stmts[i]!;
    if (s.s === 'fence') return (s.pred & SET_READ) !== 0 && (s.succ & SET_READ) !== 0;
    if (s.s === 'imark' && s.op !== 'fence') return false;
    if (s.s === 'load' || s.s === 'store') return false;
  }
  return false;
}
