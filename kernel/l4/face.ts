/** The simulated Fiasco.OC as the engine's personality. */
import type { Face } from '../core/face.js';
import { SIGBUS } from '../core/pager.js';
import type { L4Kernel } from './kernel.js';

/** Number under which tools hear of Fiasco.OC's one system call. */
const CALL = 0;
const SIGILL = 4;
const SIGTRAP = 5;
/** Hardware causes of what the engine raises by signal number. */
const CAUSES: ReadonlyMap<number, number> = new Map([
  [SIGILL, 2],
  [SIGTRAP, 3],
  [SIGBUS, 4],
]);

export function l4Face(kernel: L4Kernel): Face {
  return {
    syscall: (ts) => kernel.syscall(ts),
    callNumber: () => CALL,
    endsThread: () => false,
    endsHandler: () => false,
    fault: (ts, addr, access) => kernel.fault(ts, addr, access),
    resolve: (ts, addr, access) => kernel.resolve(ts, addr, access),
    peek: (ts, addr, access) => kernel.peek(ts, addr, access),
    exception(ts, signo, _code, addr) {
      const cause = CAUSES.get(signo);
      // A fault that nobody resolved has been to the handler already.
      return cause !== undefined && kernel.exception(ts, cause, addr);
    },
    signals: () => false,
    pending: (ts) => kernel.pending(ts),
    apply: (ts) => kernel.apply(ts),
    request: () => undefined,
    ended: (ts) => kernel.ended(ts),
  };
}
