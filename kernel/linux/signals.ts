/** What becomes of a signal, as far as no handler runs: dispositions of the process, default actions. */
import * as abi from './abi.js';
import type { LinuxKernel } from './kernel.js';
import { P_SIGACTIONS, SIGACTION_SIZE } from './process.js';

/** SIG_DFL, SIG_IGN or the address of a handler. */
export function disposition(k: LinuxKernel, signal: number): number {
  const at = (P_SIGACTIONS + (signal - 1) * SIGACTION_SIZE) >> 2;
  const { u32 } = k.machine;
  return u32[at + 1] * 4294967296 + u32[at];
}

/** Signals whose default action is nothing (signal(7)). */
const IGNORED: readonly number[] = [abi.SIGCHLD, abi.SIGURG, abi.SIGWINCH, abi.SIGCONT];
/** Signals that stop a process; here nothing could continue it, so they are left out. */
const STOPS: readonly number[] = [abi.SIGSTOP, abi.SIGTSTP, abi.SIGTTIN, abi.SIGTTOU];

/** Whether the signal's default action ends the process. */
export function endsByDefault(signal: number): boolean {
  return !IGNORED.includes(signal) && !STOPS.includes(signal);
}

/** Name of a signal: SIGABRT, SIGRT3, ... */
export function signalName(signal: number): string {
  return abi.SIGNAL_NAMES[signal] ?? `SIGRT${signal - 32}`;
}
