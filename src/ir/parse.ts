/** Reads the textual form of blocks that print.ts writes. Blank lines and lines that start with `#` are skipped. */
import { F_NAMES, X_NAMES } from '../isa/regs.js';
import {
  type Access,
  type Block,
  c32,
  c64,
  type Opnd,
  REG_F,
  REG_FCSR,
  type Stmt,
  type Term,
  type Tmp,
  TS,
  type Ty,
} from './ir.js';
import { FP_OPS, LOADS, OPS, STORES } from './ops.js';
import { WHY_NAMES } from './print.js';

/** A mistake in the text; the message starts with `line N: `. */
export class IrSyntaxError extends Error {
  constructor(
    /** Line of the mistake, from 1. */
    readonly line: number,
    what: string,
  ) {
    super(`line ${line}: ${what}`);
  }
}

const REGS = new Map<string, number>([
  ...X_NAMES.map((n, i): [string, number] => [n, i]),
  ...F_NAMES.map((n, i): [string, number] => [n, REG_F + i]),
  ['fcsr', REG_FCSR],
]);
const WHYS = new Map([...WHY_NAMES].map(([n, name]) => [name, n]));
const TYS = new Set<string>(['i32', 'i64', 'f32', 'f64']);

/** One line being read from left to right. */
class Line {
  private rest: string;

  constructor(
    text: string,
    readonly no: number,
    private readonly types: Map<number, Ty>,
  ) {
    this.rest = text.trim();
  }

  fail(what: string): never {
    throw new IrSyntaxError(this.no, what);
  }

  /** Takes a match at the front, and the blanks behind it. */
  take(re: RegExp, what: string): RegExpExecArray {
    const m = new RegExp(`^(?:${re.source})`).exec(this.rest);
    if (!m) this.fail(`expected ${what} at "${this.rest}"`);
    this.rest = this.rest.slice(m[0].length).trimStart();
    return m;
  }

  /** Takes a literal if it comes next. */
  opt(text: string): boolean {
    if (!this.rest.startsWith(text)) return false;
    this.rest = this.rest.slice(text.length).trimStart();
    return true;
  }

  lit(text: string): void {
    if (!this.opt(text)) this.fail(`expected "${text}" at "${this.rest}"`);
  }

  end(): void {
    if (this.rest !== '') this.fail(`left over: "${this.rest}"`);
  }

  word(what: string): string {
    return this.take(/[A-Za-z_][\w.]*/, what)[0];
  }

  int(what: string): number {
    return Number(this.take(/-?\d+/, what)[0]);
  }

  addr(): number {
    const m = this.take(/(-?)0x([0-9a-f]+)/, 'an address');
    const v = Number.parseInt(m[2]!, 16);
    return m[1] ? -v : v;
  }

  reg(): number {
    const name = this.word('a register');
    return REGS.get(name) ?? this.fail(`no register ${name}`);
  }

  why(): number {
    const name = this.take(/[\w.]+/, 'a reason')[0];
    return WHYS.get(name) ?? (/^\d+$/.test(name) ? Number(name) : this.fail(`no exit reason ${name}`));
  }

  opnd(): Opnd {
    const m = this.take(/ts\b|t(\d+)|(-?\d+):(i32|i64)/, 'an operand');
    if (m[1] !== undefined) {
      const id = Number(m[1]);
      const ty = this.types.get(id) ?? this.fail(`t${id} is not set`);
      return { k: 't', id, ty };
    }
    if (m[2] === undefined) return TS;
    return m[3] === 'i32' ? c32(Number(m[2])) : c64(BigInt(m[2]));
  }

  opnds(stop?: string): Opnd[] {
    const out: Opnd[] = [];
    if (stop !== undefined && this.opt(stop)) return out;
    do out.push(this.opnd());
    while (this.opt(','));
    if (stop !== undefined) this.lit(stop);
    return out;
  }

  /** `t4:i64 =` if it comes next. */
  def(): Tmp | null {
    if (!/^t\d+:/.test(this.rest)) return null;
    const m = this.take(/t(\d+):(\w+)\s*=/, 'an assignment');
    if (!TYS.has(m[2]!)) this.fail(`no type ${m[2]}`);
    const d: Tmp = { k: 't', id: Number(m[1]), ty: m[2] as Ty };
    return d;
  }

  /** Makes the temporary known from the next line on. */
  define(d: Tmp): void {
    if (this.types.has(d.id)) this.fail(`t${d.id} is set twice`);
    this.types.set(d.id, d.ty);
  }

  place(): { h: Opnd; off: number } {
    const h = this.opnd();
    return { h, off: Number(this.take(/[+-]\d+/, 'an offset')[0]) };
  }

  bracketed(): { guest: boolean; h: Opnd; off: number } {
    const guest = !this.opt('host');
    this.lit('[');
    const p = this.place();
    this.lit(']');
    return { guest, ...p };
  }
}

function assignment(l: Line, d: Tmp): Stmt {
  const op = l.word('an operation');
  if (op === 'get') return { s: 'get', d, reg: l.reg() };
  if (op === 'xlat') {
    const { h, off } = l.place();
    l.lit('size=');
    const size = l.int('a size');
    l.lit('acc=');
    const acc = l.take(/rw|r|w/, 'an access')[0] as Access;
    l.lit('base=');
    return { s: 'xlat', d, addr: h, off, size, acc, base: l.opt('-') ? -1 : l.reg() };
  }
  if (op === 'call' || op === 'call.sync') return call(l, op, d);
  if (op.startsWith('fp.')) {
    const name = op.slice(3);
    if (!FP_OPS.has(name)) l.fail(`no floating-point operation ${name}`);
    l.lit('rm=');
    const rm = l.int('a rounding mode');
    return { s: 'fp', d, op: name, rm, a: l.opnds() };
  }
  if (LOADS.has(op)) {
    const { h, off, guest } = l.bracketed();
    return { s: 'load', d, op, h, off, guest };
  }
  if (!OPS.has(op)) l.fail(`no operation ${op}`);
  return { s: 'op', d, op, a: l.opnds() };
}

function call(l: Line, op: string, d: Tmp | null): Stmt {
  const fn = l.word('a function');
  l.lit('(');
  const a = l.opnds(')');
  const sync = op === 'call.sync';
  return l.opt('when') ? { s: 'call', d, fn, a, sync, when: l.opnd() } : { s: 'call', d, fn, a, sync };
}

/** `[t1+8] size=8` */
function hostRange(l: Line): { h: Opnd; off: number; size: number } {
  l.lit('[');
  const p = l.place();
  l.lit(']');
  l.lit('size=');
  return { ...p, size: l.int('a size') };
}

function statement(l: Line): Stmt {
  const d = l.def();
  if (d) {
    const s = assignment(l, d);
    l.define(d);
    return s;
  }
  const op = l.word('a statement');
  switch (op) {
    case 'imark': {
      const pc = l.addr();
      return { s: 'imark', pc, len: l.int('a length'), op: l.word('a mnemonic') };
    }
    case 'put': {
      const reg = l.reg();
      l.lit(',');
      return { s: 'put', reg, v: l.opnd() };
    }
    case 'exitif': {
      const cond = l.opnd();
      return { s: 'exitif', cond, why: l.why(), arg: l.int('an argument') };
    }
    case 'fence': {
      const full = l.take(/full|weak/, 'full or weak')[0] === 'full';
      return { s: 'fence', full, pred: l.int('a set'), succ: l.int('a set') };
    }
    case 'call':
    case 'call.sync':
      return call(l, op, null);
    case 'own': {
      const range = hostRange(l);
      l.lit('acc=');
      return { s: 'own', ...range, acc: l.take(/r|w/, 'an access')[0] as 'r' | 'w' };
    }
    case 'undo':
      return { s: 'undo', n: l.int('a number'), ...hostRange(l) };
    case 'pin':
      return { s: 'pin' };
  }
  if (!STORES.has(op)) l.fail(`no statement ${op}`);
  const { h, off, guest } = l.bracketed();
  l.lit(',');
  return { s: 'store', op, h, off, v: l.opnd(), guest };
}

function terminator(l: Line): Term {
  const t = l.word('a terminator');
  switch (t) {
    case 'goto':
      return { t, pc: l.addr() };
    case 'br': {
      const cond = l.opnd();
      const pc = l.addr();
      l.lit('else');
      return { t, cond, pc, fall: l.addr() };
    }
    case 'call': {
      const pc = l.addr();
      l.lit('ret');
      return { t, pc, ret: l.addr() };
    }
    case 'icall': {
      const target = l.opnd();
      l.lit('ret');
      return { t, target, ret: l.addr() };
    }
    case 'ijump':
    case 'ret':
      return { t, target: l.opnd() };
    case 'exit': {
      const why = l.why();
      l.lit('at');
      const pc = l.addr();
      l.lit('next');
      return { t, why, pc, next: l.addr() };
    }
    default:
      return l.fail(`no terminator ${t}`);
  }
}

/**
 * Reads any number of blocks.
 * @throws IrSyntaxError with the line number, for anything print.ts would not write and for temporaries that are set
 * twice or used before they are set
 */
export function parseBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | null = null;
  let types = new Map<number, Ty>();
  const lines = text.split('\n');
  lines.forEach((raw, i) => {
    if (raw.trim() === '' || raw.trimStart().startsWith('#')) return;
    const l: Line = new Line(raw, i + 1, types);
    if (open === null) {
      l.lit('block ');
      const pc = l.addr();
      l.lit('len=');
      const len = l.int('a length');
      l.lit('insns=');
      const insns = l.int('a count');
      l.lit('temps=');
      open = { pc, len, insns, temps: l.int('a count'), stmts: [], term: { t: 'goto', pc } };
      types = new Map();
    } else if (l.opt('->')) {
      open.term = terminator(l);
      blocks.push(open);
      open = null;
    } else {
      open.stmts.push(statement(l));
    }
    l.end();
  });
  if (open !== null) throw new IrSyntaxError(lines.length, 'the block has no terminator');
  return blocks;
}

/** Reads exactly one block; see parseBlocks. */
export function parseBlock(text: string): Block {
  const blocks = parseBlocks(text);
  if (blocks.length !== 1) throw new IrSyntaxError(1, `one block expected, ${blocks.length} found`);
  return blocks[0]!;
}
