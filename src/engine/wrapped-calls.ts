/**
 * Calls of wrapped functions on one worker: their hooks, and the return addresses that lead to the trampoline
 * meanwhile.
 *
 * A call is pending until it returns. One that never does (longjmp, unwinding) is found by its stack pointer: what is
 * entered or returns from a frame further out than the call's own has left it behind.
 */
import { T_PC, T_X } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { TRAMPOLINE } from '../jit/region.js';
import type { Wrap, WrappedCall } from '../tools/api.js';

interface Pending {
  wrap: Wrap;
  /** Address of the function. */
  entry: number;
  ra: number;
  sp: number;
  call: WrappedCall;
}

/** What it takes to put return addresses back where the program keeps them. */
export interface StackMemory {
  word(addr: number): number | null;
  write(addr: number, value: number): void;
}

const RA = 1;
const SP = 2;
const A0 = 10;
const ARGS = 8;

export class WrappedCalls {
  private pending: Pending[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly stack: StackMemory,
  ) {}

  private x(ts: number, n: number): number {
    const { i32, u32 } = this.machine;
    const at = (ts + T_X + n * 8) >> 2;
    return i32[at + 1]! * 4294967296 + u32[at]!;
  }

  private setX(ts: number, n: number, v: number): void {
    const at = (ts + T_X + n * 8) >> 2;
    this.machine.i32[at] = v | 0;
    this.machine.i32[at + 1] = Math.floor(v / 4294967296);
  }

  private pc(ts: number): number {
    const { u32 } = this.machine;
    return u32[(ts + T_PC + 4) >> 2]! * 4294967296 + u32[(ts + T_PC) >> 2]!;
  }

  private setPc(ts: number, v: number): void {
    this.machine.i32[(ts + T_PC) >> 2] = v | 0;
    this.machine.i32[(ts + T_PC + 4) >> 2] = Math.floor(v / 4294967296);
  }

  /** The thread is at the entry of a wrapped function. */
  enter(ts: number, wrap: Wrap): void {
    const sp = this.x(ts, SP);
    const ra = this.x(ts, RA);
    this.leaveBehind((p) => p.sp < sp || (p.sp === sp && ra !== TRAMPOLINE));
    if (this.pending.some((p) => p.wrap.opaque)) return;
    const args = Array.from({ length: ARGS }, (_, i) => this.x(ts, A0 + i));
    const call: WrappedCall = { ts, arg: (i) => args[i]! };
    wrap.pre?.(call);
    if (!wrap.post) return;
    this.pending.push({ wrap, entry: this.pc(ts), ra, sp, call });
    this.setX(ts, RA, TRAMPOLINE);
  }

  private leaveBehind(gone: (p: Pending) => boolean): void {
    while (this.pending.length > 0 && gone(this.pending[this.pending.length - 1]!)) this.pending.pop();
  }

  /** The innermost wrapped function has returned; gives its real return address, 0 when there is none. */
  returned(ts: number): number {
    const sp = this.x(ts, SP);
    if (this.pending.some((p) => p.sp >= sp)) this.leaveBehind((p) => p.sp < sp);
    const p = this.pending.pop();
    if (!p) return 0;
    // Traces taken by the hook show the function itself on top.
    this.setPc(ts, p.entry);
    const replaced = p.wrap.post!(p.call, this.x(ts, A0));
    if (replaced !== undefined) this.setX(ts, A0, replaced);
    return p.ra;
  }

  /**
   * The thread is about to be unwound through all of its frames (cancellation, pthread_exit): an unwinder of the
   * program's own could not get past the trampoline. Every return address goes back to where the trampoline stands for
   * it on the stack, and the calls are given up.
   */
  unwinds(ts: number): void {
    let at = this.x(ts, SP);
    at -= at % 8;
    for (const p of this.pending.reverse()) {
      for (; at < p.sp; at += 8) if (this.stack.word(at) === TRAMPOLINE) this.stack.write(at, p.ra);
    }
    const calls = this.pending;
    this.pending = [];
    for (const p of calls) p.wrap.cancelled?.(p.call);
  }

  /** Return addresses that wrapped functions hide behind the trampoline, innermost first, for unwinders. */
  hiddenReturns(): number[] {
    return this.pending.map((p) => p.ra).reverse();
  }

  threadDone(): void {
    this.pending = [];
  }
}
