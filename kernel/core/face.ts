/**
 * What the engine asks of a personality (Linux, L4): what happens at an `ecall`, at a fault, at a synchronous
 * exception. One instance per worker and task. `ts` is the byte address of a thread state.
 */
import type { BadFault } from './pager.js';

export interface Face {
  /**
   * Runs the call that the registers at `ts` ask for. On entry T_PC is the address of the `ecall`.
   * 0: results are in the registers, go on behind the `ecall`. 1: T_UNWIND says why the thread has to leave its code.
   */
  syscall(ts: number): number;
  /** Number under which tools hear of the call. */
  callNumber(ts: number): number;
  /** Whether the call ends the thread: what a tool does at a thread's end has to come before. */
  endsThread(ts: number): boolean;
  /** Whether the call returns from a signal handler. */
  endsHandler(ts: number): boolean;
  /**
   * Resolves a fault of a thread whose registers are all in its state; may wait. 0: go on at T_PC, unless T_UNWIND is
   * set. Otherwise the signal that it deserves.
   */
  fault(ts: number, addr: number, access: number): 0 | BadFault;
  /** The same in the middle of translated code: only what needs no other thread and changes no register. */
  peek(ts: number, addr: number, access: number): 0 | BadFault;
  /**
   * What `peek` does not resolve, of a block that has been undone: T_PC is its start. Waits for whoever has to be asked, and
   * raises nothing. True: the block starts over.
   */
  resolve(ts: number, addr: number, access: number): boolean;
  /** A synchronous exception, as a signal. True when it was handled: T_UNWIND and T_PC say how to go on. */
  exception(ts: number, signo: number, code: number, addr: number): boolean;
  /** Delivers pending signals at a safepoint. True when T_PC is where to go on, or the process ends. */
  signals(ts: number): boolean;
  /** Whether `apply` has something to do: the thread then leaves its translated code. */
  pending(ts: number): boolean;
  /** Changes the thread's registers as others have asked for. No translated code is on the stack. */
  apply(ts: number): void;
  /** Client request: the result, or undefined when it is none of this face's. May wait. */
  request(ts: number, request: number, args: readonly number[]): number | undefined;
  /** The thread has run its last guest instruction on this worker. */
  ended(ts: number): void;
}
