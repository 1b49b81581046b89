/** Stack unwinding: by call frame information, by prologues where there is none, by the s0 chain as a last resort. */
import { evaluate } from './cfi-expression.js';
import type { CfiRow, CfiRule } from './cfi-program.js';
import type { Image, ImageSet } from './image-set.js';
import { Prologues } from './prologue.js';

const RA = 1;
const SP = 2;
const FP = 8;
/** `li a7,139; ecall`, the two instructions signal handlers return to. */
const SIGRETURN_CODE = 0x00000073_08b00893;
/** From sp in a signal trampoline to the saved pc: siginfo (128), ucontext up to uc_mcontext (176). */
const SIGNAL_PC = 304;
/** A function without a symbol is taken to start at most this far before pc. */
const GUESS_REACH = 8192;
/** A frame larger than this is taken as damage of the s0 chain. */
const MAX_CHAIN_FRAME = 1 << 20;

/** 64-bit word at a guest address, null where it cannot be read. Words from 2^53 on may be rounded. */
export type ReadWord = (addr: number) => number | null;

interface Caller {
  /** Where the caller goes on; for signal frames the interrupted instruction. */
  readonly pc: number;
  readonly regs: number[];
  readonly signal: boolean;
}

const prologues = new WeakMap<Image, Prologues>();

function prologuesOf(image: Image): Prologues {
  let found = prologues.get(image);
  if (found === undefined) {
    found = new Prologues((addr) => image.code16(addr));
    prologues.set(image, found);
  }
  return found;
}

class Unwinder {
  private readonly readWord: ReadWord;
  private readonly images: ImageSet;

  constructor(readWord: ReadWord, images: ImageSet) {
    this.readWord = readWord;
    this.images = images;
  }

  /** @param exact pc is the next instruction to run, not one byte before a return address */
  caller(pc: number, regs: readonly number[], exact: boolean): Caller | null {
    const image = this.images.imageAt(pc);
    if (image === null) return exact ? this.byReturnAddress(regs) : null;
    const row = image.cfiAt(pc);
    if (row !== null) return this.apply(row, regs);
    const fn = image.functionAt(pc);
    if (fn !== null) {
      const known = prologuesOf(image).at(pc, fn.addr + image.bias, fn.size);
      return known === null ? this.byFramePointer(regs) : this.apply(known, regs);
    }
    return (
      this.byGuess(image, pc, regs) ??
      this.byFramePointer(regs) ??
      (exact ? this.byReturnAddress(regs) : null)
    );
  }

  /** A wild jump, or a stub without a frame: ra is as the caller set it. */
  private byReturnAddress(regs: readonly number[]): Caller {
    return { pc: regs[RA], regs: [...regs], signal: false };
  }

  private apply(row: CfiRow, regs: readonly number[]): Caller | null {
    const cfa =
      row.cfaExpression === null
        ? regs[row.cfaRegister] + row.cfaOffset
        : this.expression(row.cfaExpression, regs, []);
    if (cfa === null || !(cfa >= 0)) return null;
    const next = [...regs];
    let lost = false;
    for (const [register, rule] of row.rules) {
      const value = this.restore(rule, register, cfa, regs);
      if (register === row.raColumn && value === null) lost = true;
      if (register < 32 || register === row.raColumn) next[register] = value ?? 0;
    }
    if (lost) return null;
    if (!row.rules.has(SP)) next[SP] = cfa;
    return { pc: next[row.raColumn] ?? 0, regs: next, signal: row.signal };
  }

  private restore(rule: CfiRule, register: number, cfa: number, regs: readonly number[]): number | null {
    switch (rule.kind) {
      case 'undefined':
        return null;
      case 'same':
        return regs[register] ?? null;
      case 'offset':
        return this.readWord(cfa + rule.value);
      case 'valOffset':
        return cfa + rule.value;
      case 'register':
        return regs[rule.value] ?? null;
      default: {
        const value = this.expression(rule.code, regs, [cfa]);
        return value === null || rule.kind === 'valExpression' ? value : this.readWord(value);
      }
    }
  }

  private expression(code: Uint8Array, regs: readonly number[], start: readonly number[]): number | null {
    try {
      return evaluate(code, { regs, readWord: this.readWord }, start);
    } catch {
      return null;
    }
  }

  private byGuess(image: Image, pc: number, regs: readonly number[]): Caller | null {
    const code = prologuesOf(image);
    const start = code.guessStart(pc, pc - GUESS_REACH);
    // A prologue that belongs to another function, by its symbol or its FDE, says nothing about this one.
    if (start !== null && (image.functionAt(start) !== null || image.cfiAt(start) !== null)) return null;
    const row = start === null ? null : code.at(pc, start, pc + 4 - start);
    const found = row === null ? null : this.apply(row, regs);
    return found !== null && this.isReturnAddress(found.pc) ? found : null;
  }

  /** With frame pointers s0 is the CFA; ra and the caller's s0 lie right below it. */
  private byFramePointer(regs: readonly number[]): Caller | null {
    const cfa = regs[FP];
    if (!(cfa > regs[SP] && cfa - regs[SP] < MAX_CHAIN_FRAME) || cfa % 16 !== 0) return null;
    const ra = this.readWord(cfa - 8);
    const fp = this.readWord(cfa - 16);
    if (ra === null || fp === null || !this.isReturnAddress(ra)) return null;
    const next = [...regs];
    next[RA] = ra;
    next[FP] = fp;
    next[SP] = cfa;
    return { pc: ra, regs: next, signal: false };
  }

  private isReturnAddress(addr: number): boolean {
    const image = this.images.imageAt(addr);
    return image !== null && prologuesOf(image).followsCall(addr);
  }

  /** The interrupted registers, when pc is where the kernel lets signal handlers return to; else null. */
  interrupted(pc: number, regs: readonly number[]): Caller | null {
    if (this.readWord(pc) !== SIGRETURN_CODE) return null;
    const saved: number[] = [];
    for (let i = 0; i < 32; i++) {
      const word = this.readWord(regs[SP] + SIGNAL_PC + 8 * i);
      if (word === null) return null;
      saved.push(word);
    }
    const [at] = saved;
    saved[0] = 0;
    return { pc: at, regs: saved, signal: true };
  }
}

/**
 * The program counters of a stack, innermost first: the exact pc, then each caller's return address minus 1, which
 * lies in the call. The frame that a signal interrupted is given by its exact pc again.
 * It ends where the next pc lies in no mapped file, where the stack does not get any higher, and where the code that
 * started the thread says that nobody called it.
 * @param state the innermost pc and the 32 integer registers
 * @param max frames at most
 * @param hidden return addresses, innermost first, that stand behind return addresses which lie in no mapped file:
 * those of functions whose return is intercepted
 */
export function unwindStack(
  state: { pc: number; regs: number[] },
  readWord: ReadWord,
  images: ImageSet,
  max: number,
  hidden: readonly number[] = [],
): number[] {
  let hiddenUsed = 0;
  const unwinder = new Unwinder(readWord, images);
  const pcs = [state.pc];
  let pc = state.pc;
  let regs: readonly number[] = state.regs;
  let exact = true;
  while (pcs.length < max) {
    let next = unwinder.caller(pc, regs, exact);
    if (next === null) break;
    if (!next.signal) next = unwinder.interrupted(next.pc, next.regs) ?? next;
    if (next.pc !== 0 && hiddenUsed < hidden.length && images.imageAt(next.pc) === null) {
      next = { ...next, pc: hidden[hiddenUsed++] };
    }
    // A leaf function and its caller may share sp; any other frame has saved ra in a frame of its own.
    const risen = next.signal || next.regs[SP] > regs[SP] || (exact && next.regs[SP] === regs[SP]);
    const at = next.signal ? next.pc : next.pc - 1;
    if (!risen || (at === pc && next.regs[SP] === regs[SP]) || images.imageAt(at) === null) break;
    pcs.push(at);
    pc = at;
    exact = next.signal;
    regs = next.regs;
  }
  return pcs;
}
