/**
 * The optimiser: one forward pass (copies and constants through operations, common pure subexpressions, reads of
 * registers already known) and one backward pass (dead pure operations, loads of guest registers and puts that a
 * later put overtakes with no way out between them).
 */
import { identity } from './builder.js';
import { type Block, type Opnd, REG_FCSR, type Stmt, type Term } from './ir.js';
import { foldOp, OPS } from './ops.js';

export function optimise(block: Block): Block {
  return removeDead(forward(block));
}

function forward(block: Block): Block {
  const value: (Opnd | undefined)[] = new Array(block.temps);
  const regs: (Opnd | undefined)[] = [];
  const seen = new Map<string, Opnd>();
  const r = (o: Opnd): Opnd => (o.k === 't' ? (value[o.id] ?? o) : o);
  const out: Stmt[] = [];
  for (const s of block.stmts) {
    switch (s.s) {
      case 'get': {
        const known = regs[s.reg];
        if (known) value[s.d.id] = known;
        else {
          regs[s.reg] = s.d;
          out.push(s);
        }
        break;
      }
      case 'put': {
        const v = r(s.v);
        regs[s.reg] = v;
        out.push(v === s.v ? s : { ...s, v });
        break;
      }
      case 'op': {
        const a = s.a.map(r);
        const easy = foldOp(s.op, a) ?? identity(s.op, a);
        if (easy) {
          value[s.d.id] = easy;
          break;
        }
        const key = keyOf(s.op, a);
        const same = seen.get(key);
        if (same) value[s.d.id] = same;
        else {
          seen.set(key, s.d);
          out.push({ ...s, a });
        }
        break;
      }
      case 'fp':
        regs[REG_FCSR] = undefined;
        out.push({ ...s, a: s.a.map(r) });
        break;
      case 'call':
        if (s.sync) regs.length = 0;
        if (!s.when) out.push({ ...s, a: s.a.map(r) });
        else {
          const when = r(s.when);
          if (when.k !== 'c' || when.v !== 0) out.push({ ...s, a: s.a.map(r), when });
        }
        break;
      case 'xlat':
        out.push({ ...s, addr: r(s.addr) });
        break;
      case 'own':
      case 'undo':
      case 'load':
        out.push({ ...s, h: r(s.h) });
        break;
      case 'store':
        out.push({ ...s, h: r(s.h), v: r(s.v) });
        break;
      case 'exitif': {
        const cond = r(s.cond);
        if (cond.k !== 'c' || cond.v !== 0) out.push({ ...s, cond });
        break;
      }
      default:
        out.push(s);
    }
  }
  return { ...block, stmts: out, term: forwardTerm(block.term, r) };
}

function forwardTerm(t: Term, r: (o: Opnd) => Opnd): Term {
  switch (t.t) {
    case 'br': {
      const cond = r(t.cond);
      if (cond.k === 'c') return { t: 'goto', pc: cond.v !== 0 ? t.pc : t.fall };
      return { ...t, cond };
    }
    case 'icall':
    case 'ijump':
    case 'ret':
      return { ...t, target: r(t.target) };
    default:
      return t;
  }
}

function keyOf(op: string, a: readonly Opnd[]): string {
  let key = op;
  for (const o of a) key += o.k === 't' ? ` t${o.id}` : o.k === 'c' ? ` ${o.ty}:${o.v}` : ' ts';
  return key;
}

function removeDead(block: Block): Block {
  const used = new Uint8Array(block.temps);
  const overtaken = new Uint8Array(REG_FCSR + 1);
  const mark = (o: Opnd): void => {
    if (o.k === 't') used[o.id] = 1;
  };
  const t = block.term;
  if (t.t === 'br') mark(t.cond);
  else if (t.t === 'icall' || t.t === 'ijump' || t.t === 'ret') mark(t.target);
  const out: Stmt[] = [];
  for (let i = block.stmts.length - 1; i >= 0; i--) {
    const s = block.stmts[i]!;
    switch (s.s) {
      case 'op':
        if (!used[s.d.id]) continue;
        if (!OPS.has(s.op)) throw new Error(`unknown IR operation ${s.op}`);
        for (const a of s.a) mark(a);
        break;
      case 'get':
        if (!used[s.d.id]) continue;
        overtaken[s.reg] = 0;
        break;
      case 'put':
        if (overtaken[s.reg]) continue;
        overtaken[s.reg] = 1;
        mark(s.v);
        break;
      case 'xlat':
        overtaken.fill(0);
        mark(s.addr);
        break;
      case 'exitif':
        overtaken.fill(0);
        mark(s.cond);
        break;
      case 'call':
        if (s.sync) overtaken.fill(0);
        if (s.when) mark(s.when);
        for (const a of s.a) mark(a);
        break;
      case 'fp':
        overtaken[REG_FCSR] = 0;
        for (const a of s.a) mark(a);
        break;
      case 'own':
      case 'undo':
      case 'load':
        mark(s.h);
        break;
      case 'store':
        mark(s.h);
        mark(s.v);
        break;
      default:
    }
    out.push(s);
  }
  return { ...block, stmts: out.reverse() };
}
