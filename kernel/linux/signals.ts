/**
 * Delivery of signals to the thread that runs on this worker: default actions, frames of handlers, and the way back
 * from a handler. Happens on the way out of a system call and at safepoints, where all registers are in the thread
 * state.
 */
import { GuestFault } from '../core/guest-mem.js';
import { T_PC, T_RES_HOST, T_X } from '../core/layout.js';
import * as abi from './abi.js';
import { EINTR } from './errno.js';
import { ERESTART_BLOCK, ERESTART_NOHAND, ERESTART_SYS } from './error.js';
import type { LinuxKernel } from './kernel.js';
import { SIGNAL_PAGE } from './loader.js';
import { L_ALTSTACK, P_SIGACTIONS, SIGACTION_SIZE } from './process.js';
import { AT_INFO, AT_UCONTEXT, FRAME_SIZE, readFrame, writeFrame } from './signal-frame.js';
import { endsByDefault, type SignalInfo } from './signal-queue.js';

/** A call that a signal ended: what is needed to make it again. */
export interface Interrupted {
  /** Address of the `ecall`. */
  readonly pc: number;
  /** a0 as the call found it: two words. */
  readonly a0: readonly [number, number];
  /** Its result; only ERESTART_* matter. */
  readonly result: number;
}

/** `none`: the thread goes on where it was. `moved`: T_PC and registers are new. `ends`: the process does. */
export type Delivery = 'none' | 'moved' | 'ends';

interface Action {
  readonly handler: number;
  readonly flags: number;
  readonly mask: readonly [number, number];
}

/** Delivers whatever is pending for the running thread; `call` is the system call it comes out of, if any. */
export function deliverSignals(k: LinuxKernel, call?: Interrupted): Delivery {
  let left = call !== undefined && isRestart(call.result) ? call : undefined;
  let delivery: Delivery = 'none';
  for (;;) {
    const info = k.signals.take(k.ts);
    if (info === undefined) break;
    const action = actionOf(k, info.signo);
    if (action.handler === abi.SIG_IGN) continue;
    if (action.handler === abi.SIG_DFL) {
      if (!endsByDefault(info.signo)) continue;
      k.env.threads.killProcess(info.signo);
      return 'ends';
    }
    if (left !== undefined) {
      const again = left.result === -ERESTART_SYS && (action.flags & abi.SA_RESTART) !== 0;
      if (again) callAgain(k, left);
      else k.setX(k.ts, 10, -EINTR);
      left = undefined;
    }
    k.env.heard(info.signo);
    if (!runHandler(k, info, action)) return 'ends';
    delivery = 'moved';
  }
  // No handler ran: as if nothing had been.
  if (left !== undefined) {
    callAgain(k, left);
    delivery = 'moved';
  }
  if (k.savedMask !== undefined) {
    k.signals.setMask(k.ts, k.savedMask);
    k.savedMask = undefined;
  }
  return delivery;
}

/**
 * A signal that the running instruction raised: the handler runs at once. False when there is none, or the signal is
 * blocked or ignored: then the process has to end by it.
 */
export function forceSignal(k: LinuxKernel, info: SignalInfo): boolean {
  const action = actionOf(k, info.signo);
  if (action.handler === abi.SIG_DFL || action.handler === abi.SIG_IGN) return false;
  if (k.signals.blocked(k.ts, info.signo)) return false;
  return writeHandlerFrame(k, info, action);
}

/** rt_sigreturn(2). False when there is no readable frame. */
export function returnFromHandler(k: LinuxKernel): boolean {
  const frame = new Uint8Array(FRAME_SIZE);
  try {
    k.mem.readInto(k.x(k.ts, 2), frame);
  } catch (error) {
    if (error instanceof GuestFault) return false;
    throw error;
  }
  const { stack, mask } = readFrame(k.machine, k.ts, frame);
  k.machine.u8.set(stack, k.ts + L_ALTSTACK);
  if (new DataView(stack.buffer).getInt32(8, true) & abi.SS_DISABLE)
    k.machine.u8.fill(0, k.ts + L_ALTSTACK, k.ts + L_ALTSTACK + 24);
  k.signals.setMask(k.ts, mask);
  return true;
}

/** stack_t of the running thread as sigaltstack(2) tells it: 24 bytes. */
export function stackOf(k: LinuxKernel): Uint8Array {
  const stack = k.machine.u8.slice(k.ts + L_ALTSTACK, k.ts + L_ALTSTACK + 24);
  const size = sizeOf(stack);
  const view = new DataView(stack.buffer);
  view.setInt32(8, size === 0 ? abi.SS_DISABLE : onStack(k) ? abi.SS_ONSTACK : 0, true);
  return stack;
}

/** Whether the running thread is on its alternate stack. */
export function onStack(k: LinuxKernel): boolean {
  const stack = k.machine.u8.slice(k.ts + L_ALTSTACK, k.ts + L_ALTSTACK + 24);
  const sp = k.x(k.ts, 2);
  const low = Number(new DataView(stack.buffer).getBigUint64(0, true));
  return sp > low && sp - low <= sizeOf(stack);
}

function sizeOf(stack: Uint8Array): number {
  return Number(new DataView(stack.buffer, stack.byteOffset).getBigUint64(16, true));
}

function isRestart(result: number): boolean {
  return result === -ERESTART_SYS || result === -ERESTART_NOHAND || result === -ERESTART_BLOCK;
}

function callAgain(k: LinuxKernel, call: Interrupted): void {
  setPc(k, call.pc);
  const at = (k.ts + T_X + 10 * 8) >> 2;
  k.machine.i32[at] = call.a0[0];
  k.machine.i32[at + 1] = call.a0[1];
}

/** Bit 0 of sepc is always 0, so that of a handler's address does not count. */
function setPc(k: LinuxKernel, pc: number): void {
  k.machine.i32[(k.ts + T_PC) >> 2] = pc & ~1;
  k.machine.i32[(k.ts + T_PC + 4) >> 2] = Math.floor(pc / 4294967296);
}

function actionOf(k: LinuxKernel, signo: number): Action {
  const at = (P_SIGACTIONS + (signo - 1) * SIGACTION_SIZE) >> 2;
  return k.signals.locked(() => {
    const { u32, i32 } = k.machine;
    return {
      handler: u32[at + 1] * 4294967296 + u32[at],
      flags: u32[at + 2],
      mask: [i32[at + 4], i32[at + 5]],
    };
  });
}

/** A handler whose frame cannot be written ends the process, as a fault in the kernel's stead would. */
function runHandler(k: LinuxKernel, info: SignalInfo, action: Action): boolean {
  if (writeHandlerFrame(k, info, action)) return true;
  k.env.threads.killProcess(abi.SIGSEGV);
  return false;
}

function writeHandlerFrame(k: LinuxKernel, info: SignalInfo, action: Action): boolean {
  const { ts, machine, signals } = k;
  const { signo } = info;
  const stack = stackOf(k);
  let sp = k.x(ts, 2);
  if (action.flags & abi.SA_ONSTACK && sizeOf(stack) !== 0 && !onStack(k))
    sp = Number(new DataView(stack.buffer).getBigUint64(0, true)) + sizeOf(stack);
  sp = Math.floor((sp - FRAME_SIZE) / 16) * 16;
  const mask = k.savedMask ?? signals.mask(ts);
  try {
    k.mem.copyOut(sp, writeFrame(machine, ts, info, { stack, mask }));
  } catch (error) {
    if (error instanceof GuestFault) return false;
    throw error;
  }
  k.savedMask = undefined;
  machine.i32[(ts + T_RES_HOST) >> 2] = 0;
  k.setX(ts, 1, SIGNAL_PAGE);
  k.setX(ts, 2, sp);
  k.setX(ts, 10, signo);
  k.setX(ts, 11, sp + AT_INFO);
  k.setX(ts, 12, sp + AT_UCONTEXT);
  setPc(k, action.handler);
  const blocked: [number, number] = [action.mask[0], action.mask[1]];
  if ((action.flags & abi.SA_NODEFER) === 0) blocked[signo > 32 ? 1 : 0]! |= 1 << ((signo - 1) & 31);
  const now = signals.mask(ts);
  signals.setMask(ts, [now[0] | blocked[0], now[1] | blocked[1]]);
  if (action.flags & abi.SA_RESETHAND) signals.reset(signo);
  return true;
}
