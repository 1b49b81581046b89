/** Signals: sending, waiting, dispositions, masks, alternate stacks. Delivery is signals.ts. */

import { T_TID } from '../core/layout.js';
import * as abi from './abi.js';
import { EAGAIN, EINTR, EINVAL, ENOMEM, EPERM, ESRCH } from './errno.js';
import { ERESTART_NOHAND, LEAVE, RESUME, SysError } from './error.js';
import type { LinuxKernel } from './kernel.js';
import { L_ALTSTACK, P_PID, P_SIGACTIONS, SIGACTION_SIZE } from './process.js';
import { infoBytes } from './signal-frame.js';
import { inSet, type SignalInfo } from './signal-queue.js';
import { onStack, returnFromHandler, stackOf } from './signals.js';
import type { Handlers } from './table.js';
import { relativeDeadline } from './time.js';
import { probe } from './user.js';

const SIGSET_BYTES = 8;
/** Neither caught, ignored nor blocked. */
const FIXED: readonly number[] = [abi.SIGKILL, abi.SIGSTOP];

const valid = (signal: number) => signal >= 0 && signal <= abi.NSIG;

/** Sends to a thread, or to the process with target 0. */
function send(k: LinuxKernel, target: number, info: SignalInfo): number {
  if (info.signo === 0) return 0;
  if (info.signo === abi.SIGKILL) {
    k.env.threads.killProcess(abi.SIGKILL);
    return LEAVE;
  }
  return k.signals.send(target, info) ? 0 : -EAGAIN;
}

/** The thread state of a thread id, 0 for none. */
function threadOf(k: LinuxKernel, tid: number): number {
  const { i32 } = k.machine;
  return k.env.threads.live().find((ts) => i32[(ts + T_TID) >> 2] === tid) ?? 0;
}

function sendTo(k: LinuxKernel, tid: number, info: SignalInfo): number {
  if (!valid(info.signo) || tid <= 0) return -EINVAL;
  const ts = threadOf(k, tid);
  return ts === 0 ? -ESRCH : send(k, ts, info);
}

/** Whether a process id means the guest's own process; other processes are the host's, not the guest's to signal. */
function own(k: LinuxKernel, pid: number): boolean {
  const self = k.machine.i32[P_PID >> 2];
  return pid === self || pid === 0 || pid === -1 || pid === -self;
}

function stranger(pid: number): number {
  try {
    process.kill(Math.abs(pid), 0);
  } catch {
    return -ESRCH;
  }
  return -EPERM;
}

/** siginfo_t that a sender made up. A code of the kernel's own is not a sender's to use. */
function readInfo(k: LinuxKernel, signal: number, addr: number): SignalInfo {
  const word = (at: number) => k.mem.readI32(addr + at);
  const code = word(8);
  if (code >= 0 || code === abi.SI_TKILL) throw new SysError(EPERM);
  return { signo: signal, code, word16: word(16), word20: word(20), value: [word(24), word(28)] };
}

function readSet(k: LinuxKernel, addr: number): [number, number] {
  return [k.mem.readI32(addr), k.mem.readI32(addr + 4)];
}

/**
 * Runs a call under the signal mask at `addr`, 0 for the present one. When a signal ends the call, the mask stays
 * until that signal has been delivered.
 */
export function withMask<R>(k: LinuxKernel, addr: number, size: number, fn: () => R): R {
  if (addr === 0) return fn();
  if (size !== SIGSET_BYTES) throw new SysError(EINVAL);
  const before = k.signals.mask(k.ts);
  k.signals.setMask(k.ts, readSet(k, addr));
  try {
    return fn();
  } catch (error) {
    if (error instanceof SysError && error.errno === ERESTART_NOHAND) k.savedMask = before;
    throw error;
  } finally {
    if (k.savedMask === undefined) k.signals.setMask(k.ts, before);
  }
}

export const SIGNAL_CALLS: Handlers = {
  kill(k, pid, signal) {
    if (!valid(signal)) return -EINVAL;
    return own(k, pid) ? send(k, 0, k.sentBySelf(signal, abi.SI_USER)) : stranger(pid);
  },

  tkill: (k, tid, signal) => sendTo(k, tid, k.sentBySelf(signal, abi.SI_TKILL)),

  tgkill(k, pid, tid, signal) {
    if (pid <= 0) return -EINVAL;
    return own(k, pid) ? sendTo(k, tid, k.sentBySelf(signal, abi.SI_TKILL)) : -ESRCH;
  },

  rt_sigqueueinfo(k, pid, signal, addr) {
    if (!valid(signal)) return -EINVAL;
    const info = readInfo(k, signal, addr);
    return own(k, pid) ? send(k, 0, info) : stranger(pid);
  },

  rt_tgsigqueueinfo(k, pid, tid, signal, addr) {
    if (pid <= 0) return -EINVAL;
    const info = readInfo(k, signal, addr);
    return own(k, pid) ? sendTo(k, tid, info) : -ESRCH;
  },

  rt_sigaction(k, signal, act, old, size) {
    if (size !== SIGSET_BYTES || signal < 1 || signal > abi.NSIG) return -EINVAL;
    if (act !== 0 && FIXED.includes(signal)) return -EINVAL;
    const at = P_SIGACTIONS + (signal - 1) * SIGACTION_SIZE;
    const fresh = new Uint8Array(SIGACTION_SIZE);
    if (act !== 0) k.mem.readInto(act, fresh);
    const before = k.signals.locked(() => {
      const bytes = k.machine.u8.slice(at, at + SIGACTION_SIZE);
      if (act !== 0) k.machine.u8.set(fresh, at);
      return bytes;
    });
    if (act !== 0 && k.signals.ignores(signal)) k.signals.drop(signal);
    if (old !== 0) k.mem.copyOut(old, before);
    return 0;
  },

  rt_sigprocmask(k, how, set, old, size) {
    if (size !== SIGSET_BYTES) return -EINVAL;
    const before = k.signals.mask(k.ts);
    if (set !== 0) {
      if (how < abi.SIG_BLOCK || how > abi.SIG_SETMASK) return -EINVAL;
      const bits = readSet(k, set);
      const changed = (i: 0 | 1) => {
        if (how === abi.SIG_BLOCK) return before[i] | bits[i];
        return how === abi.SIG_UNBLOCK ? before[i] & ~bits[i] : bits[i];
      };
      k.signals.setMask(k.ts, [changed(0), changed(1)]);
    }
    if (old !== 0) for (const i of [0, 1] as const) k.mem.writeU32(old + i * 4, before[i] >>> 0);
    return 0;
  },

  rt_sigpending(k, set, size) {
    if (size < 0 || size > SIGSET_BYTES) return -EINVAL;
    const bytes = new Uint8Array(new Int32Array(k.signals.pending(k.ts)).buffer);
    k.mem.copyOut(set, bytes.subarray(0, size));
    return 0;
  },

  rt_sigsuspend(k, set, size) {
    if (set === 0) return -EINVAL;
    return withMask(k, set, size, () => {
      if (k.sleeper.sleepUntil(k.ts, Infinity) === 'exit') return LEAVE;
      throw new SysError(ERESTART_NOHAND);
    });
  },

  /** The signals of the set are usually blocked; whoever sends one wakes the thread all the same. */
  rt_sigtimedwait(k, set, info, timeout, size) {
    if (size !== SIGSET_BYTES) return -EINVAL;
    const wanted = readSet(k, set);
    for (const signal of FIXED) wanted[0] &= ~(1 << (signal - 1));
    const deadline = timeout === 0 ? Infinity : relativeDeadline(k, timeout);
    if (info !== 0) probe(k.mem, info, 128);
    k.signals.setAwaited(k.ts, wanted);
    try {
      for (;;) {
        const found = k.signals.take(k.ts, wanted);
        if (found !== undefined) {
          if (info !== 0) k.mem.copyOut(info, infoBytes(found));
          return found.signo;
        }
        const result = k.sleeper.sleepUntil(k.ts, deadline);
        if (result === 'exit') return LEAVE;
        if (result === 'timeout') return -EAGAIN;
        if (!k.signals.any(k.ts, (signo) => inSet(wanted, signo))) return -EINTR;
      }
    } finally {
      k.signals.setAwaited(k.ts, [0, 0]);
    }
  },

  rt_sigreturn(k) {
    if (returnFromHandler(k)) return RESUME;
    k.env.threads.killProcess(abi.SIGSEGV);
    return LEAVE;
  },

  /** struct stack_t: ss_sp u64, ss_flags i32, padding, ss_size u64. */
  sigaltstack(k, fresh, old) {
    const before = stackOf(k);
    if (fresh !== 0) {
      const stack = new Uint8Array(24);
      k.mem.readInto(fresh, stack);
      const view = new DataView(stack.buffer);
      const flags = view.getInt32(8, true) & 0x7fffffff;
      if (onStack(k)) return -EPERM;
      if (flags !== 0 && flags !== abi.SS_DISABLE && flags !== abi.SS_ONSTACK) return -EINVAL;
      if (flags === abi.SS_DISABLE) stack.fill(0);
      else if (view.getUint32(20, true) === 0 && view.getUint32(16, true) < abi.MINSIGSTKSZ) return -ENOMEM;
      k.machine.u8.set(stack, k.ts + L_ALTSTACK);
    }
    if (old !== 0) k.mem.copyOut(old, before);
    return 0;
  },
};
