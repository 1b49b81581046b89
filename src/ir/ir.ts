/**
 * The intermediate representation: what a basic block of guest code means, in the vocabulary of WebAssembly.
 *
 * A block is a list of statements over temporaries (assigned once, used within the block) and guest
 * registers, ended by one terminator. Pure operations carry wasm's own names (`i64.add`), so lowering is a
 * table look-up; what RISC-V defines differently from wasm (division, floating point with flags) has `rv.*`
 * operations and `fp` statements. Memory is reached in two steps: `xlat` turns a guest address into a host
 * address, checking permissions and raising exact faults; `load` and `store` then work on host addresses. Tools
 * insert statements between the two and find shadow from the same host address.
 */

export type Ty = 'i32' | 'i64' | 'f32' | 'f64';

/** A temporary: assigned by exactly one statement. */
export interface Tmp {
  readonly k: 't';
  readonly id: number;
  readonly ty: Ty;
}

/** An integer constant. i64 values are numbers while they are safe integers, bigints (signed) beyond. */
export interface Const {
  readonly k: 'c';
  readonly ty: 'i32' | 'i64';
  readonly v: number | bigint;
}

/** The address of the running thread's state block (i32), see kernel/core/layout. */
export interface ThreadPtr {
  readonly k: 'ts';
  readonly ty: 'i32';
}

export type Opnd = Tmp | Const | ThreadPtr;

/** Guest register numbers: x0..x31 are 0..31 (i64), f0..f31 are 32..63 (f64 holding NaN-boxed bits), fcsr (i32). */
export const REG_F = 32;
export const REG_FCSR = 64;
export const REG_COUNT = 65;

/** Type of a guest register's value. */
export function regTy(reg: number): Ty {
  return reg < REG_F ? 'i64' : reg < REG_FCSR ? 'f64' : 'i32';
}

export type Access = 'r' | 'w' | 'rw';

export type Stmt =
  /** A guest instruction starts here. The pc of later faults is this one. */
  | { s: 'imark'; pc: number; len: number; op: string }
  | { s: 'get'; d: Tmp; reg: number }
  | { s: 'put'; reg: number; v: Opnd }
  | { s: 'op'; d: Tmp; op: string; a: Opnd[] }
  /** d:i32 = host address of guest address `addr`, valid for `size` bytes at addr+off; `base` names the guest
   * register that the address came from (its window is used), -1 for none. Faults exactly. With `below` and `above`
   * d is valid for the bytes from addr+off-below up to addr+off+above as well (code generator only). */
  | {
      s: 'xlat';
      d: Tmp;
      addr: Opnd;
      off: number;
      size: number;
      acc: Access;
      base: number;
      below?: number;
      above?: number;
    }
  /** Host memory: `op` is a wasm load or store; the address is h + off. */
  | { s: 'load'; d: Tmp; op: string; h: Opnd; off: number; guest: boolean }
  | { s: 'store'; op: string; h: Opnd; off: number; v: Opnd; guest: boolean }
  /** Floating-point operation with RISC-V rounding and flags; reads and writes fcsr. rm as encoded (7 = dynamic). */
  | { s: 'fp'; d: Tmp; op: string; rm: number; a: Opnd[] }
  /** Call of a run-time function `fn(ts, ...a)`. `sync`: guest registers and pc are written to the thread state
   * before and may be changed by it (they are read back after). `when` (i32): the call is made only if that is not
   * 0; such a call has no result and is not sync. */
  | { s: 'call'; d: Tmp | null; fn: string; a: Opnd[]; sync: boolean; when?: Opnd }
  /** Leave the block before the current instruction when cond (i32) is not 0; why: see EXIT_*. */
  | { s: 'exitif'; cond: Opnd; why: number; arg: number }
  /** FENCE with its sets (bits: 8 input, 4 output, 2 read, 1 write). full: orders stores before loads; other
   * fences are free on TSO hosts. */
  | { s: 'fence'; full: boolean; pred: number; succ: number }
  /** Under --atomicity=restart (jit/own.ts): the thread gets the right to access `size` bytes at h + off, or the block
   * starts over. */
  | { s: 'own'; h: Opnd; off: number; size: number; acc: 'r' | 'w' }
  /** Entry n of the undo log: what the `size` bytes at h + off are now. */
  | { s: 'undo'; n: number; h: Opnd; off: number; size: number }
  /** All other threads stay between blocks until this one comes to a safepoint; or the block starts over. */
  | { s: 'pin' };

export type Term =
  | { t: 'goto'; pc: number }
  | { t: 'br'; cond: Opnd; pc: number; fall: number }
  /** Direct call: the link register is already written. */
  | { t: 'call'; pc: number; ret: number }
  | { t: 'icall'; target: Opnd; ret: number }
  /** Indirect jump that is no call and no return. */
  | { t: 'ijump'; target: Opnd }
  | { t: 'ret'; target: Opnd }
  /** Leave to the kernel before or after the last instruction; `next` is where execution goes on. */
  | { t: 'exit'; why: number; pc: number; next: number };

export * from './exits.js';

export interface Block {
  /** Guest address of the first instruction. */
  pc: number;
  /** Guest bytes covered. */
  len: number;
  /** Number of guest instructions. */
  insns: number;
  stmts: Stmt[];
  term: Term;
  /** Number of temporaries: ids are 0..temps-1. */
  temps: number;
}

export const TS: ThreadPtr = { k: 'ts', ty: 'i32' };

export function c32(v: number): Const {
  return { k: 'c', ty: 'i32', v: v | 0 };
}

export function c64(v: number | bigint): Const {
  return { k: 'c', ty: 'i64', v: norm64(v) };
}

/** Wraps to 64 bits, signed, in the canonical form of Const. */
export function norm64(v: number | bigint): number | bigint {
  if (typeof v === 'number') {
    if (Number.isSafeInteger(v)) return v === 0 ? 0 : v;
    return norm64(BigInt(v));
  }
  const w = BigInt.asIntN(64, v);
  return w >= -9007199254740991n && w <= 9007199254740991n ? Number(w) : w;
}

export function isConst(o: Opnd, v?: number): o is Const {
  return o.k === 'c' && (v === undefined || o.v === v);
}
