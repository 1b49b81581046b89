/** futex(2): arguments and timeouts; the queues are futex.ts. */
import * as abi from './abi.js';
import { EINVAL, ENOSYS } from './errno.js';
import { ERESTART_BLOCK, ERESTART_SYS, LEAVE } from './error.js';
import { MATCH_ANY, type WaitEnd } from './futex.js';
import type { LinuxKernel } from './kernel.js';
import type { Handlers } from './table.js';
import { absoluteDeadline, readTime, relativeDeadline } from './time.js';

/** A wait with a timeout is not made again after a handler: its time would start anew (futex(2)). */
function outcome(result: WaitEnd, timed: boolean): number {
  if (result === 'exit') return LEAVE;
  if (result === 'signal') return timed ? -ERESTART_BLOCK : -ERESTART_SYS;
  return result;
}

function absolute(k: LinuxKernel, addr: number, wall: boolean): number {
  return addr === 0 ? Infinity : absoluteDeadline(k, readTime(k, addr), wall);
}

export const FUTEX_CALLS: Handlers = {
  /** `timeout` is a count, val2, for the operations that wake two words. */
  futex(k, addr, op, value, timeout, addr2, value3) {
    const { ts, futex } = k;
    const shared = (op & abi.FUTEX_PRIVATE_FLAG) === 0;
    const wall = (op & abi.FUTEX_CLOCK_REALTIME) !== 0;
    const command = op & ~(abi.FUTEX_PRIVATE_FLAG | abi.FUTEX_CLOCK_REALTIME);
    const waits = command === abi.FUTEX_WAIT || command === abi.FUTEX_WAIT_BITSET;
    if (wall && !waits && command !== abi.FUTEX_LOCK_PI2) return -ENOSYS;
    switch (command) {
      case abi.FUTEX_WAIT: {
        // The one relative timeout; it is monotonic whatever the clock flag says.
        const deadline = timeout === 0 ? Infinity : relativeDeadline(k, timeout);
        return outcome(futex.wait(ts, addr, shared, value, MATCH_ANY, deadline), timeout !== 0);
      }
      case abi.FUTEX_WAIT_BITSET:
        return outcome(
          futex.wait(ts, addr, shared, value, value3, absolute(k, timeout, wall)),
          timeout !== 0,
        );
      case abi.FUTEX_WAKE:
        return futex.wake(ts, addr, shared, value, MATCH_ANY);
      case abi.FUTEX_WAKE_BITSET:
        return futex.wake(ts, addr, shared, value, value3);
      case abi.FUTEX_REQUEUE:
        return futex.requeue(ts, addr, addr2, shared, value, timeout | 0, null);
      case abi.FUTEX_CMP_REQUEUE:
        return futex.requeue(ts, addr, addr2, shared, value, timeout | 0, value3);
      case abi.FUTEX_WAKE_OP:
        return futex.wakeOp(ts, addr, addr2, shared, value, timeout | 0, value3);
      case abi.FUTEX_LOCK_PI:
        return outcome(futex.lockPi(ts, addr, shared, absolute(k, timeout, true), false), false);
      case abi.FUTEX_LOCK_PI2:
        return outcome(futex.lockPi(ts, addr, shared, absolute(k, timeout, wall), false), false);
      case abi.FUTEX_TRYLOCK_PI:
        return outcome(futex.lockPi(ts, addr, shared, Infinity, true), false);
      case abi.FUTEX_UNLOCK_PI:
        return futex.unlockPi(ts, addr, shared);
      default:
        return command < 0 || command === 2 ? -EINVAL : -ENOSYS;
    }
  },
};
