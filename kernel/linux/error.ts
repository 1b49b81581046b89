/** A handler's answer when the thread does not come back from the call: syscall() then returns 1. */
export const LEAVE = -(2 ** 40);

/** Thrown below a handler: the call answers -errno. No Error, since it carries no stack and is part of normal work. */
export class SysError {
  readonly errno: number;
  constructor(errno: number) {
    this.errno = errno;
  }
}

/** Thrown below a handler: the thread has been told to end while it waited. */
export class ThreadLeaves {}

/**
 * Results of calls that a signal ended early; the guest never sees them (linux/errno.h). SYS: made again after a
 * handler with SA_RESTART. NOHAND and BLOCK: made again only if no handler ran.
 */
export const ERESTART_SYS = 512;
export const ERESTART_NOHAND = 514;
export const ERESTART_BLOCK = 516;

/** A handler's answer when it has set all registers, T_PC too: rt_sigreturn. */
export const RESUME = -(2 ** 41);
