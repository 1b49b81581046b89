/** Signals: dispositions and masks are stored, default actions happen; handlers are not run. */

import { T_TID } from '../core/layout.js';
import * as abi from './abi.js';
import { EINVAL, ENOMEM, EPERM, ESRCH } from './errno.js';
import { LEAVE } from './error.js';
import type { LinuxKernel } from './kernel.js';
import { L_ALTSTACK, L_SIGMASK, P_PID, P_SIGACTIONS, SIGACTION_SIZE } from './process.js';
import { disposition, endsByDefault, signalName } from './signals.js';
import type { Handlers } from './table.js';

const SIGSET_BYTES = 8;
/** Neither caught, ignored nor blocked. */
const FIXED: readonly number[] = [abi.SIGKILL, abi.SIGSTOP];

/** Sends a signal to the own process. */
function raise(k: LinuxKernel, signal: number): number {
  if (signal === 0) return 0;
  const action = FIXED.includes(signal) ? abi.SIG_DFL : disposition(k, signal);
  if (action === abi.SIG_IGN) return 0;
  if (action === abi.SIG_DFL) {
    if (!endsByDefault(signal)) return 0;
    k.env.threads.killProcess(signal);
    return LEAVE;
  }
  k.env.warn(
    `WARNING: the handler of ${signalName(signal)} is not run: signal handlers come with a later issue`,
  );
  return 0;
}

const valid = (signal: number) => signal >= 0 && signal <= abi.NSIG;

function sendTo(k: LinuxKernel, tid: number, signal: number): number {
  if (!valid(signal) || tid <= 0) return -EINVAL;
  const { i32 } = k.machine;
  if (!k.env.threads.live().some((ts) => i32[(ts + T_TID) >> 2] === tid)) return -ESRCH;
  return raise(k, signal);
}

export const SIGNAL_CALLS: Handlers = {
  kill(k, pid, signal) {
    if (!valid(signal)) return -EINVAL;
    const own = k.machine.i32[P_PID >> 2];
    if (pid === own || pid === 0 || pid === -1 || pid === -own) return raise(k, signal);
    // Other processes are the host's: they exist for the guest, but are not its to signal.
    try {
      process.kill(Math.abs(pid), 0);
    } catch {
      return -ESRCH;
    }
    return -EPERM;
  },

  tkill: (k, tid, signal) => sendTo(k, tid, signal),

  tgkill(k, pid, tid, signal) {
    if (pid <= 0) return -EINVAL;
    return pid === k.machine.i32[P_PID >> 2] ? sendTo(k, tid, signal) : -ESRCH;
  },

  rt_sigaction(k, signal, act, old, size) {
    if (size !== SIGSET_BYTES || signal < 1 || signal > abi.NSIG) return -EINVAL;
    if (act !== 0 && FIXED.includes(signal)) return -EINVAL;
    const at = P_SIGACTIONS + (signal - 1) * SIGACTION_SIZE;
    const fresh = new Uint8Array(SIGACTION_SIZE);
    if (act !== 0) k.mem.readInto(act, fresh);
    const before = k.files.locked(() => {
      const bytes = k.machine.u8.slice(at, at + SIGACTION_SIZE);
      if (act !== 0) k.machine.u8.set(fresh, at);
      return bytes;
    });
    if (old !== 0) k.mem.copyOut(old, before);
    return 0;
  },

  rt_sigprocmask(k, how, set, old, size) {
    if (size !== SIGSET_BYTES) return -EINVAL;
    const at = (k.ts + L_SIGMASK) >> 2;
    const { i32 } = k.machine;
    const before = [i32[at], i32[at + 1]];
    if (set !== 0) {
      if (how < abi.SIG_BLOCK || how > abi.SIG_SETMASK) return -EINVAL;
      for (let i = 0; i < 2; i++) {
        const bits = k.mem.readU32(set + i * 4);
        if (how === abi.SIG_BLOCK) i32[at + i] = before[i]! | bits;
        else if (how === abi.SIG_UNBLOCK) i32[at + i] = before[i]! & ~bits;
        else i32[at + i] = bits;
      }
      for (const signal of FIXED) i32[at] = i32[at] & ~(1 << (signal - 1));
    }
    if (old !== 0) for (let i = 0; i < 2; i++) k.mem.writeU32(old + i * 4, before[i]! >>> 0);
    return 0;
  },

  rt_sigpending(k, set, size) {
    if (size < 0 || size > SIGSET_BYTES) return -EINVAL;
    k.mem.copyOut(set, new Uint8Array(size));
    return 0;
  },

  /** struct stack_t: ss_sp u64, ss_flags i32, padding, ss_size u64. */
  sigaltstack(k, fresh, old) {
    const at = k.ts + L_ALTSTACK;
    const before = k.machine.u8.slice(at, at + 24);
    // A thread that never set one has size 0, which reads as SS_DISABLE.
    if (before.subarray(16, 24).every((byte) => byte === 0)) before[8] = abi.SS_DISABLE;
    if (fresh !== 0) {
      const stack = new Uint8Array(24);
      k.mem.readInto(fresh, stack);
      const view = new DataView(stack.buffer);
      const flags = view.getInt32(8, true) & 0x7fffffff;
      if (flags !== 0 && flags !== abi.SS_DISABLE && flags !== abi.SS_ONSTACK) return -EINVAL;
      if (flags === abi.SS_DISABLE) stack.fill(0);
      else if (view.getUint32(20, true) === 0 && view.getUint32(16, true) < abi.MINSIGSTKSZ) return -ENOMEM;
      k.machine.u8.set(stack, at);
    }
    if (old !== 0) k.mem.copyOut(old, before);
    return 0;
  },
};
