/**
 * The frame of a signal handler on riscv64 Linux (arch/riscv/kernel/signal.c): siginfo_t (128 bytes), then struct
 * ucontext (uapi/asm/ucontext.h) with struct sigcontext (uapi/asm/sigcontext.h): pc, x1 .. x31, f0 .. f31, fcsr.
 */
import { T_F, T_FCSR, T_PC, T_RES_HOST, T_X } from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import type { SignalInfo } from './signal-queue.js';

/** Bytes of the frame; a multiple of 16, as sp has to be. */
export const FRAME_SIZE = 1088;
/** Offsets from the frame, which is what sp points to in the handler. */
export const AT_INFO = 0;
export const AT_UCONTEXT = 128;
const AT_STACK = AT_UCONTEXT + 16;
const AT_MASK = AT_UCONTEXT + 40;
const AT_REGS = AT_UCONTEXT + 176;
const AT_FP = AT_REGS + 256;
const AT_FCSR = AT_FP + 256;

/** The trampoline that handlers return to, `li a7, 139; ecall`: debuggers and unwinders know a frame by it. */
export const TRAMPOLINE_CODE: readonly number[] = [0x08b00893, 0x00000073];

export interface Saved {
  /** stack_t of the thread, 24 bytes. */
  readonly stack: Uint8Array;
  readonly mask: readonly [number, number];
}

/** The thread's registers, and what else the handler's return brings back, as bytes of a frame. */
export function writeFrame(machine: Machine, ts: number, info: SignalInfo, saved: Saved): Uint8Array {
  const frame = new Uint8Array(FRAME_SIZE);
  const view = new DataView(frame.buffer);
  const word = (at: number, value: number) => view.setInt32(at, value, true);
  frame.set(infoBytes(info), AT_INFO);
  frame.set(saved.stack, AT_STACK);
  word(AT_MASK, saved.mask[0]);
  word(AT_MASK + 4, saved.mask[1]);
  const { u8, i32 } = machine;
  frame.set(u8.subarray(ts + T_PC, ts + T_PC + 8), AT_REGS);
  frame.set(u8.subarray(ts + T_X + 8, ts + T_X + 256), AT_REGS + 8);
  frame.set(u8.subarray(ts + T_F, ts + T_F + 256), AT_FP);
  word(AT_FCSR, i32[(ts + T_FCSR) >> 2]);
  return frame;
}

/** Takes the thread's registers from a frame and forgets its reservation; returns the rest. */
export function readFrame(machine: Machine, ts: number, frame: Uint8Array): Saved {
  const view = new DataView(frame.buffer, frame.byteOffset);
  const { u8, i32 } = machine;
  u8.set(frame.subarray(AT_REGS, AT_REGS + 8), ts + T_PC);
  // Bit 0 of sepc is always 0 (privileged architecture, 4.1.7).
  u8[ts + T_PC]! &= ~1;
  u8.set(frame.subarray(AT_REGS + 8, AT_REGS + 256), ts + T_X + 8);
  u8.set(frame.subarray(AT_FP, AT_FP + 256), ts + T_F);
  i32[(ts + T_FCSR) >> 2] = view.getInt32(AT_FCSR, true) & 0xff;
  i32[(ts + T_RES_HOST) >> 2] = 0;
  return {
    stack: frame.slice(AT_STACK, AT_STACK + 24),
    mask: [view.getInt32(AT_MASK, true), view.getInt32(AT_MASK + 4, true)],
  };
}

/** siginfo_t of a signal, 128 bytes. */
export function infoBytes(info: SignalInfo): Uint8Array {
  const bytes = new Uint8Array(128);
  new Int32Array(bytes.buffer).set([
    info.signo,
    0,
    info.code,
    0,
    info.word16,
    info.word20,
    info.value[0],
    info.value[1],
  ]);
  return bytes;
}
