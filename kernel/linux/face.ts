/** The Linux kernel as the engine's personality. */
import type { Face } from '../core/face.js';
import { T_X } from '../core/layout.js';
import type { LinuxKernel } from './kernel.js';

/** exit(2) of one thread. */
const SYS_EXIT = 93;
const SYS_RT_SIGRETURN = 139;

export function linuxFace(kernel: LinuxKernel): Face {
  const { i32 } = kernel.machine;
  const number = (ts: number): number => i32[(ts + T_X + 17 * 8) >> 2];
  const { managers, mem } = kernel;
  const { managed } = kernel.space.space;
  /** What runs here may wait for a region manager. */
  const waiting = <R>(fn: () => R): R => {
    mem.manager = managers;
    try {
      return fn();
    } finally {
      mem.manager = null;
    }
  };
  return {
    syscall: (ts) => waiting(() => kernel.syscall(ts)),
    callNumber: number,
    endsThread: (ts) => number(ts) === SYS_EXIT,
    endsHandler: (ts) => number(ts) === SYS_RT_SIGRETURN,
    fault: (ts, addr, access) =>
      managed.any ? managers.fault(ts, addr, access) : kernel.space.fault(addr, access),
    peek: (ts, addr, access) =>
      managed.any ? managers.peek(ts, addr, access) : kernel.space.fault(addr, access),
    resolve: (ts, addr, access) => managed.any && managers.fault(ts, addr, access) === 0,
    exception: (ts, signo, code, addr) => waiting(() => kernel.force(ts, signo, code, addr)),
    signals: (ts) => waiting(() => kernel.deliver(ts)) !== 'none',
    pending: () => false,
    apply() {},
    request: (ts, request, args) => waiting(() => kernel.request(ts, request, args)),
    ended: (ts) => managers.ended(ts),
  };
}
