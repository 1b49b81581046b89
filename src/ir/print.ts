/**
 * The textual form of blocks, which parse.ts reads back exactly:
 *
 *     block 0x1000 len=4 insns=1 temps=3
 *       imark 0x1000 4 lw
 *       t0:i64 = get a1
 *       t1:i32 = xlat t0-4 size=4 acc=r base=a1
 *       t2:i64 = i64.load32_s [t1-4]
 *       put a0, t2
 *       -> goto 0x1004
 *
 * One statement a line. A temporary shows its type where it is assigned; constants carry theirs (`5:i64`); `ts` is
 * the thread pointer. `fence full 3 3` names its sets as bits. `host` marks accesses that are not the guest's, `call.sync` calls that see the guest registers.
 */
import { F_NAMES, X_NAMES } from '../isa/regs.js';
import {
  type Block,
  EXIT_BREAK,
  EXIT_CLIENT,
  EXIT_FAULT,
  EXIT_FENCEI,
  EXIT_ILLEGAL,
  EXIT_MISALIGNED,
  EXIT_RETURN,
  EXIT_SYSCALL,
  type Opnd,
  REG_F,
  REG_FCSR,
  type Stmt,
  type Term,
  type Tmp,
} from './ir.js';

/** Names of the EXIT_* reasons in the textual form. */
export const WHY_NAMES: ReadonlyMap<number, string> = new Map([
  [EXIT_SYSCALL, 'syscall'],
  [EXIT_FAULT, 'fault'],
  [EXIT_ILLEGAL, 'illegal'],
  [EXIT_BREAK, 'break'],
  [EXIT_FENCEI, 'fence.i'],
  [EXIT_MISALIGNED, 'misaligned'],
  [EXIT_RETURN, 'return'],
  [EXIT_CLIENT, 'client'],
]);

/** ABI name of a guest register, `fcsr` included. */
export function regName(reg: number): string {
  return reg < REG_F ? X_NAMES[reg]! : reg < REG_FCSR ? F_NAMES[reg - REG_F]! : 'fcsr';
}

function addr(v: number): string {
  return `0x${v.toString(16)}`;
}

function opnd(o: Opnd): string {
  return o.k === 't' ? `t${o.id}` : o.k === 'c' ? `${o.v}:${o.ty}` : 'ts';
}

function list(a: readonly Opnd[]): string {
  return a.map(opnd).join(', ');
}

function def(d: Tmp): string {
  return `t${d.id}:${d.ty} = `;
}

function place(h: Opnd, off: number): string {
  return `${opnd(h)}${off < 0 ? off : `+${off}`}`;
}

const why = (w: number): string => WHY_NAMES.get(w) ?? String(w);

/** One statement, without indentation. */
export function printStmt(s: Stmt): string {
  switch (s.s) {
    case 'imark':
      return `imark ${addr(s.pc)} ${s.len} ${s.op}`;
    case 'get':
      return `${def(s.d)}get ${regName(s.reg)}`;
    case 'put':
      return `put ${regName(s.reg)}, ${opnd(s.v)}`;
    case 'op':
      return `${def(s.d)}${s.op} ${list(s.a)}`;
    case 'xlat': {
      const base = s.base < 0 ? '-' : regName(s.base);
      return `${def(s.d)}xlat ${place(s.addr, s.off)} size=${s.size} acc=${s.acc} base=${base}`;
    }
    case 'load':
      return `${def(s.d)}${s.op} ${s.guest ? '' : 'host '}[${place(s.h, s.off)}]`;
    case 'store':
      return `${s.op} ${s.guest ? '' : 'host '}[${place(s.h, s.off)}], ${opnd(s.v)}`;
    case 'fp':
      return `${def(s.d)}fp.${s.op} rm=${s.rm} ${list(s.a)}`;
    case 'call':
      return `${s.d ? def(s.d) : ''}call${s.sync ? '.sync' : ''} ${s.fn}(${list(s.a)})${s.when ? ` when ${opnd(s.when)}` : ''}`;
    case 'exitif':
      return `exitif ${opnd(s.cond)} ${why(s.why)} ${s.arg}`;
    case 'fence':
      return `fence ${s.full ? 'full' : 'weak'} ${s.pred} ${s.succ}`;
    case 'own':
      return `own [${place(s.h, s.off)}] size=${s.size} acc=${s.acc}`;
    case 'undo':
      return `undo ${s.n} [${place(s.h, s.off)}] size=${s.size}`;
    case 'pin':
      return 'pin';
  }
}

/** The terminator, without indentation. */
export function printTerm(t: Term): string {
  switch (t.t) {
    case 'goto':
      return `-> goto ${addr(t.pc)}`;
    case 'br':
      return `-> br ${opnd(t.cond)} ${addr(t.pc)} else ${addr(t.fall)}`;
    case 'call':
      return `-> call ${addr(t.pc)} ret ${addr(t.ret)}`;
    case 'icall':
      return `-> icall ${opnd(t.target)} ret ${addr(t.ret)}`;
    case 'ijump':
    case 'ret':
      return `-> ${t.t} ${opnd(t.target)}`;
    case 'exit':
      return `-> exit ${why(t.why)} at ${addr(t.pc)} next ${addr(t.next)}`;
  }
}

/** The whole block, every line ended by a newline. */
export function printBlock(b: Block): string {
  const head = `block ${addr(b.pc)} len=${b.len} insns=${b.insns} temps=${b.temps}`;
  return `${[head, ...b.stmts.map((s) => `  ${printStmt(s)}`), `  ${printTerm(b.term)}`].join('\n')}\n`;
}
