/**
 * Lackey: counts what a program does (calls of one function, conditional branches, blocks, instructions, and with
 * --detailed-counts operations by type), or traces its memory accesses. Texts and layout as Valgrind's lackey.
 */
import { type Block, c32, c64 } from '../../ir/ir.js';
import { LOADS, OPS, STORES } from '../../ir/ops.js';
import type { Tool, ToolHost, ToolInstance } from '../api.js';
import { BlockEditor } from '../edit.js';

const CALLS = 0;
const JCC = 1;
const TAKEN = 2;
const ENTERED = 3;
const COMPLETED = 4;
const INSNS = 5;
const STMTS = 6;
/** Loads, stores and operations by type: three counters for each entry of TYPES. */
const DETAIL = 7;
const TYPES = ['I8', 'I16', 'I32', 'I64', 'F32', 'F64'] as const;

const lackey: Tool = {
  name: 'lackey',
  title: 'Lackey, an example Valgrind tool',
  copyright: 'capgrind, after Valgrind by Nicholas Nethercote',
  atomicity: 'access',
  shadowScale: 0,
  findsErrors: false,
  options: {
    'basic-counts': { describe: 'count instructions, branches and calls', default: 'yes' },
    'detailed-counts': { describe: 'count loads, stores and operations by type', default: 'no' },
    'trace-mem': { describe: 'print every memory access', default: 'no' },
    fnname: { describe: 'function whose calls are counted', default: 'main' },
  },
  create: (host) => new Lackey(host),
};
export default lackey;

class Lackey implements ToolInstance {
  private readonly basic: boolean;
  private readonly detailed: boolean;
  private readonly traceMem: boolean;
  private entries: Set<number> | null = null;
  readonly imports: Record<string, CallableFunction>;

  constructor(private readonly host: ToolHost) {
    this.basic = host.options['basic-counts'] === 'yes';
    this.detailed = host.options['detailed-counts'] === 'yes';
    this.traceMem = host.options['trace-mem'] === 'yes';
    this.imports = {
      lk_trace: (_ts: number, kind: number, lo: number, hi: number, size: number) => {
        const addr = (hi >>> 0) * 4294967296 + (lo >>> 0);
        const mark = ['I ', ' L', ' S', ' M'][kind]!;
        host.log.raw(`${mark} ${addr.toString(16).padStart(8, '0')},${size}\n`);
      },
    };
  }

  instrument(block: Block): Block {
    const e = new BlockEditor(block);
    const at = (i: number): number => this.host.counterOffset(i);
    let begun = false;
    return e.rewrite(
      (s) => {
        e.add(s);
        if (s.s === 'imark') {
          if (!begun) {
            begun = true;
            if (this.basic) this.countBlock(e, block, at);
          }
          if (this.traceMem) this.trace(e, 0, c64(s.pc), s.len);
        } else if (s.s === 'xlat') {
          if (this.traceMem) {
            const addr = s.off === 0 ? s.addr : e.op('i64.add', 'i64', s.addr, c64(s.off));
            this.trace(e, s.acc === 'r' ? 1 : s.acc === 'w' ? 2 : 3, addr, s.size);
          }
        } else if (this.detailed) this.countOperation(e, s, at);
      },
      () => {
        if (!this.basic) return;
        e.count(at(COMPLETED), 1);
        const t = block.term;
        if (t.t !== 'br') return;
        e.count(at(JCC), 1);
        e.countIf(at(TAKEN), t.cond.ty === 'i32' ? t.cond : c32(1));
      },
    );
  }

  private countBlock(e: BlockEditor, block: Block, at: (i: number) => number): void {
    this.entries ??= new Set(this.host.symbols.addressesOf(this.host.options['fnname']!));
    e.count(at(ENTERED), 1);
    e.count(at(INSNS), block.insns);
    e.count(at(STMTS), block.stmts.length);
    if (this.entries.has(block.pc)) e.count(at(CALLS), 1);
  }

  private countOperation(e: BlockEditor, s: Block['stmts'][number], at: (i: number) => number): void {
    const add = (column: number, ty: string): void =>
      e.count(at(DETAIL + column * TYPES.length + TYPES.indexOf(ty as 'I8')), 1);
    if (s.s === 'load' && s.guest) {
      const info = LOADS.get(s.op)!;
      add(0, typeName(info.ty, info.size));
    } else if (s.s === 'store' && s.guest) {
      const info = STORES.get(s.op)!;
      add(1, typeName(info.ty, info.size));
    } else if (s.s === 'op') add(2, OPS.get(s.op)!.ret.toUpperCase());
    else if (s.s === 'fp') add(2, s.d.ty.toUpperCase());
  }

  private trace(e: BlockEditor, kind: number, addr: Parameters<BlockEditor['op']>[2], size: number): void {
    const lo = e.op('i32.wrap_i64', 'i32', addr);
    const hi = e.op('i32.wrap_i64', 'i32', e.op('i64.shr_u', 'i64', addr, c64(32)));
    e.call('lk_trace', c32(kind), lo, hi, c32(size));
  }

  finish(exit: { status: number }): void {
    const { log } = this.host;
    const n = (i: number): bigint => this.host.counter(i);
    if (this.basic) {
      const calls = n(CALLS);
      const taken = n(TAKEN);
      const jcc = n(JCC);
      log.user(`Counted ${commas(calls)} call${calls === 1n ? '' : 's'} to ${this.host.options['fnname']}()`);
      log.user();
      log.user('Jccs:');
      log.user(`  total:         ${commas(jcc)}`);
      log.user(`  taken:         ${commas(taken)} (${jcc === 0n ? 0n : (taken * 100n) / jcc}%)`);
      log.user();
      log.user('Executed:');
      log.user(`  SBs entered:   ${commas(n(ENTERED))}`);
      log.user(`  SBs completed: ${commas(n(COMPLETED))}`);
      log.user(`  guest instrs:  ${commas(n(INSNS))}`);
      log.user(`  IRStmts:       ${commas(n(STMTS))}`);
      log.user();
      log.user('Ratios:');
      log.user(`  guest instrs : SB entered  = ${ratio(n(INSNS), n(ENTERED))} : 10`);
      log.user(`       IRStmts : SB entered  = ${ratio(n(STMTS), n(ENTERED))} : 10`);
      log.user(`       IRStmts : guest instr = ${ratio(n(STMTS), n(INSNS))} : 10`);
      log.user();
    }
    if (this.detailed) {
      log.user('IR-level counts by type:');
      log.user('  Type        Loads       Stores       AluOps');
      log.user('  -------------------------------------------');
      TYPES.forEach((ty, i) => {
        const cells = [0, 1, 2].map((c) => commas(n(DETAIL + c * TYPES.length + i)).padStart(12));
        log.user(`  ${ty.padEnd(3)} ${cells.join(' ')}`);
      });
      log.user();
    }
    if (this.basic) log.user(`Exit code:       ${exit.status}`);
  }
}

function typeName(ty: string, size: number): string {
  return ty.startsWith('f') ? ty.toUpperCase() : `I${size * 8}`;
}

function ratio(a: bigint, b: bigint): string {
  return b === 0n ? '0' : String((a * 10n) / b);
}

function commas(n: bigint): string {
  return n.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}
