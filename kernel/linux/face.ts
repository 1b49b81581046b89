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
  const fault = (_ts: number, addr: number, access: number) => kernel.space.fault(addr, access);
  return {
    syscall: (ts) => kernel.syscall(ts),
    callNumber: number,
    endsThread: (ts) => number(ts) === SYS_EXIT,
    endsHandler: (ts) => number(ts) === SYS_RT_SIGRETURN,
    fault,
    peek: fault,
    exception: (ts, signo, code, addr) => kernel.force(ts, signo, code, addr),
    signals: (ts) => kernel.deliver(ts) !== 'none',
    pending: () => false,
    apply() {},
    ended() {},
  };
}
