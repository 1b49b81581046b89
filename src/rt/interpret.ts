// An interpreter for cold code, straight from guest memory: most code of a program runs a few times only, and
// translating it would cost more than it ever gives back. It knows the integer instructions, loads and stores and
// atomics; whatever else comes up, and whatever is reached often, is translated.
import {
  ACCESS_EXEC,
  ACCESS_READ,
  ACCESS_WRITE,
  COLD,
  COLD_CHECKED,
  COLD_EDGES,
  COLD_ENTRIES,
  COLD_FOR_CALLER,
  COLD_KNOWN,
  COLD_NO_STACK,
  COLD_WRAPPED,
  G_COLD,
  G_HEAT_LIMIT,
  G_IMAGES,
  G_OWN,
  HEAT,
  HEAT_ENTRIES,
  JC_ENTRIES,
  JUMP_ENTRIES,
  JUMP_ENTRY,
  JUMP_TARGETS,
  JUMPS,
  PTE_X,
  REGWIN_ENTRY,
  RES_FILTER,
  RES_LINES,
  RVC_TABLE,
  SITE_ENTRIES,
  SITES,
  G_STEPS,
  STEPS_ACCESSES,
  T_BARRIER,
  T_BLOCK_INSNS,
  T_F,
  T_JC,
  T_LIMIT,
  T_MAP_SEEN,
  T_MULTI,
  T_PC,
  T_POINTS,
  T_REGWIN,
  T_SCRATCH,
  T_STEP_HASH,
  T_STEPS,
  T_TASK,
  T_TASKPTR,
  T_UNWIND,
  T_X,
} from '../../kernel/core/layout';
import { EXIT_FAULT, EXIT_RETURN, EXIT_STEP, EXIT_SYSCALL, TRAMPOLINE } from '../ir/exits';
import { mulh, mulhsu, mulhu } from './arith';
import { amo_d, amo_w, lr_d, lr_w, sc_d, sc_w, store_watched } from './atomics';
import { cs_pop, cs_push } from './callstack';
import { hg_read, hg_read_for, hg_write, hg_write_for } from './helgrind';
import { fault, js_page, pte, xlat } from './memory';
import { own_take } from './own';

// Leaves to the kernel at T_PC; what to go on at is in T_PC afterwards, or behind the instruction for result 0.
@external('env', 'exit')
declare function exit(ts: u32, why: i32, arg: i32): i32;

// COLD_* bits for the code at the pc in T_SCRATCH.
@external('env', 'js_cold')
declare function js_cold(ts: u32): u32;
// The thread is at the entry of a wrapped function, its address in T_PC.
@external('env', 'js_wrapped')
declare function js_wrapped(ts: u32): void;

// First halfword of Valgrind's client request sequence, `srli zero, zero, 3`.
const REQUEST: u32 = 0x00305013;
// Major opcodes that access memory, as bits: LOAD, LOAD-FP, STORE, STORE-FP, AMO.
const ACCESS_GROUPS: u32 = (1 << 0) | (1 << 1) | (1 << 8) | (1 << 9) | (1 << 11);
const NO_PAGE: u64 = ~(<u64>0);

// @ts-expect-error: decorator
@inline
function heatOf(pc: u64): u32 {
  return HEAT + (((<u32>(pc >> 1)) & (HEAT_ENTRIES - 1)) << 3);
}

// Counts an arrival at pc; true once it is to be translated.
export function warm(pc: u64): bool {
  const limit = load<u32>(G_HEAT_LIMIT);
  if (limit == 0) return true;
  const e = heatOf(pc);
  if (load<u32>(e) != <u32>pc) {
    store<u32>(e, <u32>pc);
    store<u32>(e + 4, 1);
    return false;
  }
  const n = load<u32>(e + 4) + 1;
  store<u32>(e + 4, n);
  return n >= limit;
}

export function hot(pc: u64): bool {
  const limit = load<u32>(G_HEAT_LIMIT);
  if (limit == 0) return true;
  const e = heatOf(pc);
  return load<u32>(e) == <u32>pc && load<u32>(e + 4) >= limit;
}

// Arrivals at pc so far.
export function heat(pc: u64): u32 {
  const e = heatOf(pc);
  return load<u32>(e) == <u32>pc ? load<u32>(e + 4) : 0;
}

// The instruction at pc is not for the interpreter: has it translated at the next attempt to run it.
function refuse(pc: u64): u64 {
  const e = heatOf(pc);
  store<u32>(e, <u32>pc);
  store<u32>(e + 4, load<u32>(G_HEAT_LIMIT));
  return pc;
}

// Host page of executable code at pc, 0 when there is none.
function codePage(ts: u32, pc: u64): u32 {
  while (true) {
    const e = pte(load<u32>(ts + T_TASKPTR), pc);
    if (e & PTE_X) return e & ~0xfff;
    fault(ts, pc, 2, ACCESS_EXEC);
    if (!js_page(ts)) return 0;
  }
}

// @ts-expect-error: decorator
@inline
function x(ts: u32, r: u32): u64 {
  return load<u64>(ts + T_X + (r << 3));
}

// @ts-expect-error: decorator
@inline
function set(ts: u32, rd: u32, v: u64): void {
  if (rd) store<u64>(ts + T_X + (rd << 3), v);
}

// Host address of the operand of the instruction at pc, through the window of its base register; 0 = fault. Notes
// for the translation what window it was.
// @ts-expect-error: decorator
@inline
function operand(ts: u32, pc: u64, base: u32, addr: u64, size: u32, acc: u32): u32 {
  const cell = (base << 1) + (acc >> 1);
  const w = ts + T_REGWIN + cell * REGWIN_ENTRY;
  const h =
    addr - load<u64>(w) < load<u64>(w + 8)
      ? <u32>addr + load<u32>(w + 16)
      : xlat(ts, addr, size | (acc << 8) | (cell << 16));
  const site = SITES + (((<u32>(pc >> 1)) & (SITE_ENTRIES - 1)) << 3);
  store<u32>(site, <u32>pc);
  store<u32>(site + 4, <u32>(load<u64>(w) >> 12));
  // Each instruction is a block of its own here.
  if (load<u32>(G_OWN) != 0 && h != 0 && own_take(ts, h, size | ((acc >> 1) << 8))) return 0;
  return h;
}

// @ts-expect-error: decorator
@inline
function put(ts: u32, h: u32, v: u64, size: u32): void {
  if (load<u32>(ts + T_MULTI) != 0 && load<u8>(RES_FILTER + ((h >> 6) & (RES_LINES - 1))) != 0) {
    store_watched(ts, h, v, size);
  } else if (size == 8) store<u64>(h, v);
  else if (size == 4) store<u32>(h, <u32>v);
  else if (size == 2) store<u16>(h, <u16>v);
  else store<u8>(h, <u8>v);
}

// What the tool wants done to code that control has reached at pc: COLD_* bits.
function treatment(ts: u32, pc: u64): u32 {
  const e = COLD + ((<u32>(pc >> 1) & (COLD_ENTRIES - 1)) << 3);
  const key = (pc << 16) | <u64>(load<u32>(ts + T_TASK) << 8) | COLD_KNOWN;
  const known = atomic.load<u64>(e);
  if (((known ^ key) & ~(<u64>127)) == 0) return <u32>known & 127;
  const images = atomic.load<u32>(G_IMAGES);
  store<u64>(ts + T_SCRATCH, pc);
  const how = js_cold(ts);
  atomic.store<u64>(e, key | <u64>how);
  // Files that were mapped meanwhile may change the answer.
  if (atomic.load<u32>(G_IMAGES) != images) atomic.store<u64>(e, 0);
  return how;
}

// An instruction that runs to its end once it is begun: the hook of a wrapped function must not run twice.
// @ts-expect-error: decorator
@inline
function surely(i: u32): bool {
  const group = (i >> 2) & 31;
  const f = (i >> 12) & 7;
  return ((group == 4 || group == 6) && f == 0) || group == 5 || group == 13 || (group == 12 && f == 0 && i >> 25 == 0);
}

// Lets the tool look at an access.
// @ts-expect-error: decorator
@inline
function check(ts: u32, how: u32, base: u32, h: u32, size: u32, pc: u64, write: bool): void {
  if ((how & COLD_CHECKED) == 0 || (base == 2 && (how & COLD_NO_STACK) != 0)) return;
  if (how & COLD_FOR_CALLER) {
    if (write) hg_write_for(ts, h, size, pc);
    else hg_read_for(ts, h, size, pc);
  } else if (write) hg_write(ts, h, size, pc);
  else hg_read(ts, h, size, pc);
}

// Remembers where an indirect jump that is no return has gone.
function noteJump(pc: u64, target: u64): void {
  const e = JUMPS + ((<u32>(pc >> 1)) & (JUMP_ENTRIES - 1)) * JUMP_ENTRY;
  if (load<u32>(e) != <u32>pc) {
    store<u32>(e, <u32>pc);
    store<u32>(e + 4, 0);
  }
  const n = min<u32>(load<u32>(e + 4), JUMP_TARGETS);
  for (let i: u32 = 0; i < n; i++) if (load<u32>(e + 8 + (i << 2)) == <u32>target) return;
  if (n == JUMP_TARGETS) return;
  store<u32>(e + 8 + (n << 2), <u32>target);
  store<u32>(e + 4, n + 1);
}

function leave(ts: u32, pc: u64, why: i32, len: i32): u64 {
  store<u64>(ts + T_PC, pc);
  store<u32>(ts + T_BLOCK_INSNS, 1);
  exit(ts, why, len);
  return load<u64>(ts + T_PC);
}

// The instruction at pc ends a step (jit/steps.ts).
function stepped(ts: u32, pc: u64, point: bool): void {
  const left = load<u64>(ts + T_STEPS);
  store<u64>(ts + T_STEPS, left - (point ? <u64>0x100000001 : 1));
  store<u64>(ts + T_STEP_HASH, load<u64>(ts + T_STEP_HASH) * 0x9e3779b97f4a7c15 + pc);
}

// @ts-expect-error: decorator
@inline
function sx(v: i32): u64 {
  return <u64>(<i64>v);
}

// Immediates by format.
// @ts-expect-error: decorator
@inline
function immI(i: u32): u64 {
  return sx(<i32>i >> 20);
}
// @ts-expect-error: decorator
@inline
function immS(i: u32): u64 {
  return sx(((<i32>i >> 20) & ~31) | <i32>((i >> 7) & 31));
}
// @ts-expect-error: decorator
@inline
function immB(i: u32): u64 {
  return sx(
    ((<i32>i >> 19) & ~0xfff) | <i32>((i << 4) & 0x800) | <i32>((i >> 20) & 0x7e0) | <i32>((i >> 7) & 0x1e),
  );
}
// @ts-expect-error: decorator
@inline
function immJ(i: u32): u64 {
  return sx(
    ((<i32>i >> 11) & ~0xfffff) | <i32>(i & 0xff000) | <i32>((i >> 9) & 0x800) | <i32>((i >> 20) & 0x7fe),
  );
}

function op(i: u32, a: u64, b: u64): u64 {
  switch ((i >> 12) & 7) {
    case 0:
      return i >> 25 ? a - b : a + b;
    case 1:
      return a << (b & 63);
    case 2:
      return <i64>a < <i64>b ? 1 : 0;
    case 3:
      return a < b ? 1 : 0;
    case 4:
      return a ^ b;
    case 5:
      return i >> 25 ? <u64>(<i64>a >> (b & 63)) : a >> (b & 63);
    case 6:
      return a | b;
    default:
      return a & b;
  }
}

function mulDiv(f: u32, a: u64, b: u64): u64 {
  switch (f) {
    case 0:
      return a * b;
    case 1:
      return <u64>mulh(<i64>a, <i64>b);
    case 2:
      return <u64>mulhsu(<i64>a, b);
    case 3:
      return mulhu(a, b);
    case 4:
      if (b == 0) return ~(<u64>0);
      return b == ~(<u64>0) ? 0 - a : <u64>(<i64>a / <i64>b);
    case 5:
      return b == 0 ? ~(<u64>0) : a / b;
    case 6:
      if (b == 0) return a;
      return b == ~(<u64>0) ? 0 : <u64>(<i64>a % <i64>b);
    default:
      return b == 0 ? a : a % b;
  }
}

function opW(f: u32, sub: bool, a: i32, b: i32): u64 {
  if (f == 0) return sx(sub ? a - b : a + b);
  if (f == 1) return sx(a << (b & 31));
  return sx(sub ? a >> (b & 31) : <i32>(<u32>a >> (b & 31)));
}

function mulDivW(f: u32, a: i32, b: i32): u64 {
  switch (f) {
    case 0:
      return sx(a * b);
    case 4:
      if (b == 0) return ~(<u64>0);
      return sx(b == -1 ? 0 - a : a / b);
    case 5:
      return b == 0 ? ~(<u64>0) : sx(<i32>(<u32>a / <u32>b));
    case 6:
      if (b == 0) return sx(a);
      return sx(b == -1 ? 0 : a % b);
    default:
      return b == 0 ? sx(a) : sx(<i32>(<u32>a % <u32>b));
  }
}

// Number of src/rt/atomics' amo_* for a funct5, -1 for none.
function amoKind(funct5: u32): i32 {
  switch (funct5) {
    case 0:
      return 1;
    case 1:
      return 0;
    case 4:
      return 2;
    case 8:
      return 4;
    case 12:
      return 3;
    case 16:
      return 5;
    case 20:
      return 6;
    case 24:
      return 7;
    case 28:
      return 8;
    default:
      return -1;
  }
}

function holds(f: u32, a: u64, b: u64): bool {
  switch (f) {
    case 0:
      return a == b;
    case 1:
      return a != b;
    case 4:
      return <i64>a < <i64>b;
    case 5:
      return <i64>a >= <i64>b;
    case 6:
      return a < b;
    default:
      return a >= b;
  }
}

// x1 and x5 are link registers (ISA manual, "Return-address stack prediction hints").
// @ts-expect-error: decorator
@inline
function isLink(r: u32): bool {
  return r == 1 || r == 5;
}

// Whether there is a FENCE at a host address of code. At the end of a page it may be: that is for the translation to see.
// @ts-expect-error: decorator
@inline
function fenceAt(at: u32): bool {
  return (at & 0xfff) == 0 || (load<u16>(at) & 0x707f) == 0x000f;
}

// Runs from pc until control reaches ret, translated or often reached code, a safepoint's request or an
// instruction that it does not know; returns the pc reached. Registers are in the thread state throughout.
export function interpret(ts: u32, depth: u32, pc: u64, ret: u64): u64 {
  const counting = load<u32>(G_STEPS);
  const asking = load<u32>(G_COLD) != 0;
  let page = NO_PAGE;
  let host: u32 = 0;
  let maps: u32 = 0;
  let how: u32 = 0;
  let arrived = asking;
  while (true) {
    if (counting && (load<i32>(ts + T_STEPS) <= 0 || load<i32>(ts + T_POINTS) <= 0)) {
      return leave(ts, pc, EXIT_STEP, 0);
    }
    if (arrived) {
      if (pc == <u64>TRAMPOLINE) return leave(ts, pc, EXIT_RETURN, 0);
      how = treatment(ts, pc);
      if (load<i32>(ts + T_UNWIND) != 0) return pc;
    }
    if ((pc & ~(<u64>0xfff)) != page || load<u32>(ts + T_MAP_SEEN) != maps) {
      if (pc & 1) return refuse(pc);
      host = codePage(ts, pc);
      if (host == 0) return refuse(pc);
      page = pc & ~(<u64>0xfff);
      maps = load<u32>(ts + T_MAP_SEEN);
    }
    const at = host + (<u32>pc & 0xfff);
    let i: u32 = load<u16>(at);
    let len: u32 = 4;
    if ((i & 3) != 3) {
      len = 2;
      i = load<u32>(RVC_TABLE + (i << 2));
    } else if ((<u32>pc & 0xfff) == 0xffe) {
      const next = codePage(ts, pc + 2);
      if (next == 0) return refuse(pc);
      i |= <u32>load<u16>(next) << 16;
      // The look-up may have moved the first page.
      page = NO_PAGE;
    } else i = load<u32>(at);
    if (arrived) {
      arrived = false;
      if (how & COLD_WRAPPED) {
        if (!surely(i)) return refuse(pc);
        store<u64>(ts + T_PC, pc);
        js_wrapped(ts);
      }
    }
    const rd = (i >> 7) & 31;
    const rs1 = (i >> 15) & 31;
    const rs2 = (i >> 20) & 31;
    const f = (i >> 12) & 7;
    let next = pc + len;
    let jumped = false;
    switch ((i >> 2) & 31) {
      case 0: {
        const addr = x(ts, rs1) + immI(i);
        if (f == 7 || (how & COLD_EDGES && fenceAt(at + len))) return refuse(pc);
        const h = operand(ts, pc, rs1, addr, 1 << (f & 3), ACCESS_READ);
        if (h == 0) return leave(ts, pc, EXIT_FAULT, 0);
        let v: u64;
        switch (f) {
          case 0:
            v = <u64>(<i64>load<i8>(h));
            break;
          case 1:
            v = <u64>(<i64>load<i16>(h));
            break;
          case 2:
            v = <u64>(<i64>load<i32>(h));
            break;
          case 3:
            v = load<u64>(h);
            break;
          case 4:
            v = load<u8>(h);
            break;
          case 5:
            v = load<u16>(h);
            break;
          default:
            v = load<u32>(h);
        }
        set(ts, rd, v);
        check(ts, how, rs1, h, 1 << (f & 3), pc, false);
        break;
      }
      case 1: {
        if ((f != 2 && f != 3) || (how & COLD_EDGES && fenceAt(at + len))) return refuse(pc);
        const h = operand(ts, pc, rs1, x(ts, rs1) + immI(i), 1 << f, ACCESS_READ);
        if (h == 0) return leave(ts, pc, EXIT_FAULT, 0);
        // A single is boxed in ones.
        store<u64>(ts + T_F + (rd << 3), f == 3 ? load<u64>(h) : <u64>load<u32>(h) | 0xffffffff00000000);
        check(ts, how, rs1, h, 1 << f, pc, false);
        break;
      }
      case 3:
        if (f != 0 || how & COLD_EDGES) return refuse(pc);
        atomic.add<i32>(ts + T_BARRIER, 0);
        break;
      case 4: {
        const a = x(ts, rs1);
        if (f == 1) {
          if (i >> 26) return refuse(pc);
          set(ts, rd, a << ((i >> 20) & 63));
        } else if (f == 5) {
          if ((i >> 26) & ~16 || i == REQUEST) return refuse(pc);
          const n = (i >> 20) & 63;
          set(ts, rd, i >> 26 ? <u64>(<i64>a >> n) : a >> n);
        } else set(ts, rd, op(f << 12, a, immI(i)));
        break;
      }
      case 5:
        set(ts, rd, pc + sx(<i32>(i & 0xfffff000)));
        break;
      case 6: {
        const a = <i32>x(ts, rs1);
        if (f == 0) set(ts, rd, sx(a + (<i32>i >> 20)));
        else {
          if ((f != 1 && f != 5) || (i >> 25) & ~32 || (f == 1 && i >> 25)) return refuse(pc);
          set(ts, rd, opW(f, i >> 25 != 0, a, rs2));
        }
        break;
      }
      case 8: {
        if (f > 3) return refuse(pc);
        const h = operand(ts, pc, rs1, x(ts, rs1) + immS(i), 1 << f, ACCESS_WRITE);
        if (h == 0) return leave(ts, pc, EXIT_FAULT, 0);
        check(ts, how, rs1, h, 1 << f, pc, true);
        if (load<u32>(ts + T_MAP_SEEN) != maps) return pc;
        const v = x(ts, rs2);
        if (f == 3) put(ts, h, v, 8);
        else if (f == 2) put(ts, h, v, 4);
        else if (f == 1) put(ts, h, v, 2);
        else put(ts, h, v, 1);
        break;
      }
      case 9: {
        if (f != 2 && f != 3) return refuse(pc);
        const h = operand(ts, pc, rs1, x(ts, rs1) + immS(i), 1 << f, ACCESS_WRITE);
        if (h == 0) return leave(ts, pc, EXIT_FAULT, 0);
        check(ts, how, rs1, h, 1 << f, pc, true);
        if (load<u32>(ts + T_MAP_SEEN) != maps) return pc;
        const v = load<u64>(ts + T_F + (rs2 << 3));
        if (f == 3) put(ts, h, v, 8);
        else put(ts, h, v, 4);
        break;
      }
      case 11: {
        const addr = x(ts, rs1);
        if ((f != 2 && f != 3) || <u32>addr & ((1 << f) - 1) || how & COLD_EDGES) return refuse(pc);
        const kind = i >> 27;
        if (kind == 2) {
          if (rs2) return refuse(pc);
          const h = operand(ts, pc, rs1, addr, 1 << f, ACCESS_READ);
          if (h == 0) return leave(ts, pc, EXIT_FAULT, 0);
          set(ts, rd, <u64>(f == 2 ? lr_w(ts, h) : lr_d(ts, h)));
          break;
        }
        const amo = amoKind(kind);
        if (kind != 3 && amo < 0) return refuse(pc);
        const h = operand(ts, pc, rs1, addr, 1 << f, kind == 3 ? ACCESS_WRITE : ACCESS_READ | ACCESS_WRITE);
        if (h == 0) return leave(ts, pc, EXIT_FAULT, 0);
        const v = <i64>x(ts, rs2);
        if (kind == 3) set(ts, rd, <u64>(f == 2 ? sc_w(ts, h, v) : sc_d(ts, h, v)));
        else set(ts, rd, <u64>(f == 2 ? amo_w(ts, amo, h, v) : amo_d(ts, amo, h, v)));
        break;
      }
      case 12: {
        const g = i >> 25;
        const a = x(ts, rs1);
        const b = x(ts, rs2);
        if (g == 0 || (g == 32 && (f == 0 || f == 5))) set(ts, rd, op(i, a, b));
        else if (g == 1) set(ts, rd, mulDiv(f, a, b));
        else return refuse(pc);
        break;
      }
      case 13:
        set(ts, rd, sx(<i32>(i & 0xfffff000)));
        break;
      case 14: {
        const g = i >> 25;
        const a = <i32>x(ts, rs1);
        const b = <i32>x(ts, rs2);
        if (g == 1 && (f == 0 || f >= 4)) set(ts, rd, mulDivW(f, a, b));
        else if ((g == 0 && (f < 2 || f == 5)) || (g == 32 && (f == 0 || f == 5)))
          set(ts, rd, opW(f, g != 0, a, b));
        else return refuse(pc);
        break;
      }
      case 24:
        if (f == 2 || f == 3) return refuse(pc);
        jumped = holds(f, x(ts, rs1), x(ts, rs2));
        if (jumped) next = pc + immB(i);
        break;
      case 25:
        if (f != 0) return refuse(pc);
        next = (x(ts, rs1) + immI(i)) & ~(<u64>1);
        set(ts, rd, pc + len);
        jumped = true;
        if (rd == 0 && rs1 != 1 && rs1 != 5) noteJump(pc, next);
        if (asking) {
          if (isLink(rd)) cs_push(ts, pc + len, x(ts, 2));
          else if (rd == 0 && isLink(rs1)) cs_pop(ts, next, x(ts, 2));
        }
        break;
      case 27:
        if (asking && isLink(rd)) cs_push(ts, next, x(ts, 2));
        set(ts, rd, next);
        next = pc + immJ(i);
        jumped = true;
        break;
      case 28:
        if (i != 0x73) return refuse(pc);
        if (counting) stepped(ts, pc, true);
        return leave(ts, pc, EXIT_SYSCALL, len);
      default:
        return refuse(pc);
    }
    if (counting) {
      // Branches and jumps; with accesses, also loads, stores and atomics that are not of the thread's own frame.
      const group = (i >> 2) & 31;
      if (group >= 24) stepped(ts, pc, false);
      else if (counting == STEPS_ACCESSES && rs1 != 2 && ACCESS_GROUPS & (1 << group)) stepped(ts, pc, true);
    }
    pc = next;
    if (!jumped) continue;
    if (pc == ret || depth >= atomic.load<u32>(ts + T_LIMIT)) return pc;
    arrived = asking;
    if (load<u64>(ts + T_JC + (((<u32>(pc >> 1)) & (JC_ENTRIES - 1)) << 4)) == pc || warm(pc)) return pc;
  }
}
