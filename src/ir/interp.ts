/**
 * The IR interpreter: what a block means, said as plainly as possible. It is the oracle the translator is tested
 * against and shares nothing with it but the IR itself. It works on the same thread state (kernel/core/layout).
 *
 * Values are bigints: i32 and i64 signed, f32 and f64 as unsigned bit patterns. Guest accesses go byte by byte
 * through the caller's address translation, so an access may straddle pages that are not neighbours.
 */
import { T_F, T_FCSR, T_MULTI, T_PC, T_X } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { type Access, type Block, EXIT_FAULT, type Opnd, REG_F, REG_FCSR, type Term, type Ty } from './ir.js';
import { FP_OPS, LOADS, OPS, STORES } from './ops.js';

/** Result pattern of a floating-point operation and the fflags it raises. */
export interface FpAnswer {
  readonly bits: bigint;
  readonly flags: number;
}

/** What the interpreter asks its surroundings. */
export interface InterpHost {
  /** Host address of the guest byte at `addr` (unsigned), 0 when the access faults. */
  translate(addr: bigint, access: Access): number;
  /** Operation by IR name (also `class_d`, `class_s`) in rounding mode 0..4; operands as unsigned bit patterns. */
  fp(op: string, mode: number, a: bigint, b: bigint, c: bigint): FpAnswer;
  /** Any other function that a `call` names. */
  call?(fn: string, args: readonly bigint[]): bigint;
}

/** How a block ended: the next pc, or an exit to the kernel (T_PC is then that pc). */
export type Outcome =
  | { readonly k: 'next'; readonly pc: bigint }
  | { readonly k: 'exit'; readonly why: number; readonly pc: number; readonly next: number };

/** The block must be left in the middle. */
class Left {
  constructor(
    readonly why: number,
    readonly pc: number,
    readonly next: number,
  ) {}
}

const asInt = (ty: Ty, v: bigint): bigint => {
  if (ty === 'i32') return BigInt.asIntN(32, v);
  if (ty === 'i64') return BigInt.asIntN(64, v);
  return BigInt.asUintN(ty === 'f32' ? 32 : 64, v);
};

const SIGN32 = 1n << 31n;
const SIGN64 = 1n << 63n;
const BOX = 0xffffffff00000000n;
const NAN32 = 0x7fc00000n;

/** Operations on floating-point patterns that raise no flags; everything else has its `fold` in ops.ts. */
const BIT_OPS: Record<string, (a: bigint, b: bigint, c: bigint) => bigint> = {
  'f64.reinterpret_i64': (a) => a,
  'i64.reinterpret_f64': (a) => a,
  'f32.reinterpret_i32': (a) => a,
  'i32.reinterpret_f32': (a) => a,
  'f64.convert_i32_s': (a) => bitsOf(Number(a)),
  'f64.convert_i32_u': (a) => bitsOf(Number(BigInt.asUintN(32, a))),
  'f64.neg': (a) => a ^ SIGN64,
  'f64.abs': (a) => a & (SIGN64 - 1n),
  'f32.neg': (a) => a ^ SIGN32,
  'f32.abs': (a) => a & (SIGN32 - 1n),
  'f64.copysign': (a, b) => (a & (SIGN64 - 1n)) | (b & SIGN64),
  'f32.copysign': (a, b) => (a & (SIGN32 - 1n)) | (b & SIGN32),
  'f64.eq': (a, b) => BigInt(equal(a, b, 64)),
  'f64.ne': (a, b) => 1n - BigInt(equal(a, b, 64)),
  'f32.eq': (a, b) => BigInt(equal(a, b, 32)),
  'f32.ne': (a, b) => 1n - BigInt(equal(a, b, 32)),
  'i64.select': (a, b, c) => (a !== 0n ? b : c),
  'i32.select': (a, b, c) => (a !== 0n ? b : c),
  'rv.unbox': (a) => ((a & BOX) === BOX ? a & 0xffffffffn : NAN32),
  'rv.box': (a) => a | BOX,
};

function bitsOf(v: number): bigint {
  const d = new DataView(new ArrayBuffer(8));
  d.setFloat64(0, v);
  return d.getBigUint64(0);
}

function equal(a: bigint, b: bigint, width: 32 | 64): boolean {
  const magnitude = (v: bigint): bigint => BigInt.asUintN(width - 1, v);
  const infinity = width === 64 ? 0x7ff0000000000000n : 0x7f800000n;
  if (magnitude(a) > infinity || magnitude(b) > infinity) return false;
  return a === b || (magnitude(a) === 0n && magnitude(b) === 0n);
}

/** The effect of AMO number `kind` (the order of lift.ts) on two signed values of `bits` bits. */
function amo(kind: number, bits: number, old: bigint, v: bigint): bigint {
  const u = (x: bigint): bigint => BigInt.asUintN(bits, x);
  switch (kind) {
    case 0:
      return v;
    case 1:
      return old + v;
    case 2:
      return old ^ v;
    case 3:
      return old & v;
    case 4:
      return old | v;
    case 5:
      return old < v ? old : v;
    case 6:
      return old > v ? old : v;
    case 7:
      return u(old) < u(v) ? old : v;
    default:
      return u(old) > u(v) ? old : v;
  }
}

export class Interpreter {
  private readonly dv: DataView;
  private temps: bigint[] = [];
  /** Guest address behind a host address that an `xlat` gave, by temporary. */
  private origin: ({ addr: bigint; acc: Access } | undefined)[] = [];
  private pc = 0;
  /** LR's reservation. */
  private reserved: { h: number; size: number; value: bigint } | null = null;

  constructor(
    readonly machine: Machine,
    readonly ts: number,
    readonly host: InterpHost,
  ) {
    this.dv = machine.dv;
  }

  /** Value of a guest register: i64 and fcsr signed, f as pattern. */
  getReg(reg: number): bigint {
    if (reg === 0) return 0n;
    if (reg < REG_F) return this.dv.getBigInt64(this.ts + T_X + reg * 8, true);
    if (reg < REG_FCSR) return this.dv.getBigUint64(this.ts + T_F + (reg - REG_F) * 8, true);
    return BigInt(this.dv.getInt32(this.ts + T_FCSR, true));
  }

  setReg(reg: number, v: bigint): void {
    if (reg === 0) return;
    if (reg < REG_F) this.dv.setBigInt64(this.ts + T_X + reg * 8, v, true);
    else if (reg < REG_FCSR) this.dv.setBigUint64(this.ts + T_F + (reg - REG_F) * 8, v, true);
    else this.dv.setInt32(this.ts + T_FCSR, Number(v), true);
  }

  /** Forgets LR's reservation. */
  unreserve(): void {
    this.reserved = null;
  }

  /** Runs one block and sets T_PC. Throws Error for IR that means nothing. */
  run(block: Block): Outcome {
    this.temps = new Array(block.temps);
    this.origin = new Array(block.temps);
    this.pc = block.pc;
    let out: Outcome;
    try {
      for (const s of block.stmts) this.stmt(s);
      out = this.term(block.term);
    } catch (e) {
      if (!(e instanceof Left)) throw e;
      out = { k: 'exit', why: e.why, pc: e.pc, next: e.next };
    }
    const pc = out.k === 'next' ? out.pc : BigInt(out.pc);
    this.dv.setBigUint64(this.ts + T_PC, BigInt.asUintN(64, pc), true);
    return out;
  }

  private val(o: Opnd): bigint {
    if (o.k === 'ts') return BigInt(this.ts | 0);
    if (o.k === 'c') return BigInt(o.v);
    const v = this.temps[o.id];
    if (v === undefined) throw new Error(`t${o.id} used before it is set`);
    return v;
  }

  private stmt(s: Block['stmts'][number]): void {
    switch (s.s) {
      case 'imark':
        this.pc = s.pc;
        return;
      case 'get':
        this.temps[s.d.id] = this.getReg(s.reg);
        return;
      case 'put':
        this.setReg(s.reg, this.val(s.v));
        return;
      case 'op':
        this.temps[s.d.id] = asInt(
          s.d.ty,
          this.pure(
            s.op,
            s.a.map((o) => this.val(o)),
          ),
        );
        return;
      case 'xlat': {
        const addr = this.val(s.addr);
        for (let i = 0; i < s.size; i++) this.byte(addr + BigInt(s.off + i), s.acc);
        const h = this.byte(addr + BigInt(s.off), s.acc) - s.off;
        this.temps[s.d.id] = BigInt(h | 0);
        this.origin[s.d.id] = { addr, acc: s.acc };
        return;
      }
      case 'load': {
        const info = LOADS.get(s.op)!;
        const raw = this.read(s.h, s.off, info.size, s.guest);
        const signed = s.op.endsWith('_s');
        this.temps[s.d.id] = asInt(info.ty, signed ? BigInt.asIntN(info.size * 8, raw) : raw);
        return;
      }
      case 'store':
        this.write(s.h, s.off, STORES.get(s.op)!.size, s.guest, this.val(s.v));
        return;
      case 'fp':
        this.temps[s.d.id] = asInt(s.d.ty, this.fp(s.op, s.rm, s.a));
        return;
      case 'call': {
        if (s.when && this.val(s.when) === 0n) return;
        const r = this.call(s.fn, s.a);
        if (s.d) this.temps[s.d.id] = asInt(s.d.ty, r);
        return;
      }
      case 'exitif':
        if (this.val(s.cond) !== 0n) throw new Left(s.why, this.pc, this.pc);
        return;
      // One thread at a time: nothing ever starts over.
      case 'own':
      case 'undo':
      case 'pin':
      case 'fence':
    }
  }

  private pure(op: string, a: readonly bigint[]): bigint {
    const bits = BIT_OPS[op];
    if (bits) return bits(a[0]!, a[1] ?? 0n, a[2] ?? 0n);
    const fold = OPS.get(op)?.fold;
    if (!fold) throw new Error(`no meaning for ${op}`);
    return fold(a[0]!, a[1] ?? 0n);
  }

  private byte(addr: bigint, acc: Access): number {
    const h = this.host.translate(BigInt.asUintN(64, addr), acc);
    if (h === 0) throw new Left(EXIT_FAULT, this.pc, this.pc);
    return h;
  }

  /** Host address of each byte of an access. */
  private places(h: Opnd, off: number, size: number, guest: boolean): number[] {
    const origin = h.k === 't' ? this.origin[h.id] : undefined;
    const first = (Number(this.val(h)) >>> 0) + off;
    return Array.from({ length: size }, (_, i) =>
      guest && origin ? this.byte(origin.addr + BigInt(off + i), origin.acc) : first + i,
    );
  }

  private read(h: Opnd, off: number, size: number, guest: boolean): bigint {
    let v = 0n;
    for (const [i, at] of this.places(h, off, size, guest).entries()) {
      v |= BigInt(this.machine.u8[at]!) << BigInt(8 * i);
    }
    return v;
  }

  private write(h: Opnd, off: number, size: number, guest: boolean, v: bigint): void {
    const places = this.places(h, off, size, guest);
    for (const [i, at] of places.entries()) this.machine.u8[at] = Number((v >> BigInt(8 * i)) & 255n);
    if (guest) for (const at of places) this.disturb(at);
  }

  /** Once threads exist a write to a reserved line ends the reservation, the own thread's included. */
  private disturb(at: number): void {
    if (this.reserved === null || this.dv.getInt32(this.ts + T_MULTI, true) === 0) return;
    if (this.reserved.h >>> 6 === at >>> 6) this.reserved = null;
  }

  private fp(op: string, rm: number, a: readonly Opnd[]): bigint {
    const fcsr = Number(this.getReg(REG_FCSR));
    const info = FP_OPS.get(op)!;
    const [x = 0n, y = 0n, z = 0n] = a.map((o) => BigInt.asUintN(o.ty.endsWith('32') ? 32 : 64, this.val(o)));
    const mode = !info.rm ? 0 : rm === 7 ? fcsr >> 5 : rm;
    const r = this.host.fp(op, mode, x, y, z);
    this.setReg(REG_FCSR, BigInt(fcsr | r.flags));
    return r.bits;
  }

  private call(fn: string, a: readonly Opnd[]): bigint {
    const v = a.map((o) => this.val(o));
    const size = fn.endsWith('_d') ? 8 : 4;
    const host = (o: Opnd): number => Number(this.val(o)) >>> 0;
    switch (fn) {
      case 'amo_w':
      case 'amo_d': {
        const at = host(a[1]!);
        const bits = size * 8;
        const old = this.word(at, size);
        this.setWord(at, size, amo(Number(v[0]), bits, old, BigInt.asIntN(bits, v[2]!)));
        this.disturb(at);
        return old;
      }
      case 'lr_w':
      case 'lr_d': {
        const at = host(a[0]!);
        const value = this.word(at, size);
        this.reserved = { h: at, size, value };
        return value;
      }
      case 'sc_w':
      case 'sc_d': {
        const at = host(a[0]!);
        const r = this.reserved;
        this.reserved = null;
        if (r === null || r.h !== at || r.size !== size || this.word(at, size) !== r.value) return 1n;
        this.setWord(at, size, v[1]!);
        return 0n;
      }
      case 'class_d':
      case 'class_s':
        return this.host.fp(fn, 0, BigInt.asUintN(size * 8, v[0]!), 0n, 0n).bits;
    }
    if (!this.host.call) throw new Error(`no function ${fn}`);
    return this.host.call(fn, v);
  }

  private word(at: number, size: number): bigint {
    return size === 8 ? this.dv.getBigInt64(at, true) : BigInt(this.dv.getInt32(at, true));
  }

  private setWord(at: number, size: number, v: bigint): void {
    if (size === 8) this.dv.setBigInt64(at, BigInt.asIntN(64, v), true);
    else this.dv.setInt32(at, Number(BigInt.asIntN(32, v)), true);
  }

  private term(t: Term): Outcome {
    switch (t.t) {
      case 'goto':
      case 'call':
        return { k: 'next', pc: BigInt(t.pc) };
      case 'br':
        return { k: 'next', pc: BigInt(this.val(t.cond) !== 0n ? t.pc : t.fall) };
      case 'icall':
      case 'ijump':
      case 'ret':
        return { k: 'next', pc: BigInt.asUintN(64, this.val(t.target)) };
      case 'exit':
        return { k: 'exit', why: t.why, pc: t.pc, next: t.next };
    }
  }
}
