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
  /** Signal handlers that run: how many calls were pending when each began, and the stack pointer then. */
  private handlers: { count: number; sp: number }[] = [];

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
    if (this.pending.slice(this.floor()).some((p) => p.wrap.opaque)) return;
    const args = Array.from({ length: ARGS }, (_, i) => this.x(ts, A0 + i));
    const call: WrappedCall = { ts, arg: (i) => args[i]! };
    wrap.pre?.(call);
    if (!wrap.post) return;
    this.pending.push({ wrap, entry: this.pc(ts), ra, sp, call });
    this.setX(ts, RA, TRAMPOLINE);
  }

  /** Calls below this many were interrupted by the handler that runs: it is no part of them. */
  private floor(): number {
    return this.handlers[this.handlers.length - 1]?.count ?? 0;
  }

  private leaveBehind(gone: (p: Pending) => boolean): void {
    const floor = this.floor();
    while (this.pending.length > floor && gone(this.pending[this.pending.length - 1]!)) this.pending.pop();
  }

  /** A signal handler is about to run; the registers are still those that it interrupts. */
  handlerBegins(ts: number): void {
    this.handlers.push({ count: this.pending.length, sp: this.x(ts, SP) });
  }

  /** It returns. One that leaves by longjmp does not: its calls are dropped when a call from before it returns. */
  handlerEnds(): void {
    const handler = this.handlers.pop();
    if (handler) this.pending.length = Math.min(this.pending.length, handler.count);
  }

  /** The innermost wrapped function has returned; gives its real return address, 0 when there is none. */
  returned(ts: number): number {
    const sp = this.x(ts, SP);
    while (this.handlers.length > 0 && this.pending.length <= this.floor()) this.handlers.pop();
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
    const calls = this.pending.reverse();
    calls.forEach((p, i) => {
      // What a handler interrupted lies elsewhere, if the handler has a stack of its own.
      for (let h = this.handlers.at(-1); h && calls.length - i <= h.count; h = this.handlers.at(-1)) {
        at = h.sp;
        this.handlers.pop();
      }
      for (at -= at % 8; at < p.sp; at += 8)
        if (this.stack.word(at) === TRAMPOLINE) this.stack.write(at, p.ra);
    });
    this.pending = [];
    this.handlers = [];
    for (const p of calls) p.wrap.cancelled?.(p.call);
  }

  /** Return addresses that wrapped functions hide behind the trampoline, innermost first, for unwinders. */
  hiddenReturns(): number[] {
    return this.pending.map((p) => p.ra).reverse();
  }

  threadDone(): void {
    this.pending = [];
    this.handlers = [];
  }
}
