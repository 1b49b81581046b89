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
