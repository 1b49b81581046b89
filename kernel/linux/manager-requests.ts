/**
 * Client requests of region managers (include/capgrind.h). The same program runs either way: with
 * --region-manager=virtual what it attaches is mapped at once, and it is never asked; with `guest` it is.
 */

import { USER_TOP } from '../core/address-space.js';
import { GuestFault } from '../core/guest-mem.js';
import { PAGE_SIZE, T_TID } from '../core/layout.js';
import { UNASKED } from '../core/managed.js';
import * as abi from './abi.js';
import { EFAULT, EINTR, EINVAL, ENOMEM, ESRCH, errnoOf } from './errno.js';
import { SysError } from './error.js';
import type { LinuxKernel } from './kernel.js';
import { MEM_CALLS } from './sys-mem.js';
import { probe } from './user.js';

/** 'R', 'M', and the number of the request. */
const REGISTER = 0x524d0000;
const UNREGISTER = 0x524d0001;
const ATTACH = 0x524d0002;
const WAIT = 0x524d0003;
const ANSWER = 0x524d0004;

/** Answers to REGISTER. */
const GUEST = 1;
const VIRTUAL = 2;

type Request = (k: LinuxKernel, a: number, b: number, c: number, d: number, e: number) => number;

const REQUESTS: ReadonlyMap<number, Request> = new Map<number, Request>([
  [
    REGISTER,
    (k, start, length) => {
      const end = start + length;
      const virtual = k.env.config.regionManager === 'virtual';
      if (!isRange(start, length)) return -EINVAL;
      const range = { start, end, owner: virtual ? UNASKED : k.ts, tid: k.machine.i32[(k.ts + T_TID) >> 2]! };
      if (!locked(k, () => k.space.space.managed.add(range))) return -ENOMEM;
      return virtual ? VIRTUAL : GUEST;
    },
  ],
  [
    UNREGISTER,
    (k, start, length) =>
      locked(k, () => {
        const { managed } = k.space.space;
        const gone = managed.hand((r) => r.start === start && r.end === start + length, null);
        if (gone) k.managers.again();
        return gone ? 0 : -EINVAL;
      }),
  ],
  [
    ATTACH,
    (k, start, length, prot, fd, offset) => {
      const range = locked(k, () => k.space.space.managed.at(start));
      if (!isRange(start, length) || range === undefined || start + length > range.end) return -EINVAL;
      if (range.owner !== UNASKED) return 0;
      const flags = abi.MAP_FIXED | abi.MAP_PRIVATE | (fd < 0 ? abi.MAP_ANONYMOUS : 0);
      return Math.min(0, MEM_CALLS['mmap']!(k, start, length, prot, flags, fd, offset));
    },
  ],
  [
    WAIT,
    (k, at) => {
      if (!locked(k, () => k.space.space.managed.all().some((r) => r.owner === k.ts))) return 0;
      probe(k.mem, at, 32);
      const fault = k.managers.listen(k.ts);
      if (fault === undefined) return -EINTR;
      [fault.number, fault.addr, fault.access, fault.tid].forEach((word, i) => {
        k.mem.writeU64(at + i * 8, word);
      });
      return 1;
    },
  ],
  [ANSWER, (k, number, refused) => (k.managers.answer(k.ts, number, refused === 0) ? 0 : -ESRCH)],
]);

/** The answer to a request of a region manager, a negative error number among them; undefined when it is none. */
export function managerRequest(k: LinuxKernel, request: number, args: readonly number[]): number | undefined {
  const fn = REQUESTS.get(request);
  if (fn === undefined) return undefined;
  try {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = args;
    return fn(k, a, b, c, d, e);
  } catch (error) {
    if (error instanceof SysError) return -error.errno;
    return error instanceof GuestFault ? -EFAULT : -errnoOf(error);
  }
}

function isRange(start: number, length: number): boolean {
  const whole = start % PAGE_SIZE === 0 && length % PAGE_SIZE === 0;
  return whole && start > 0 && length > 0 && start + length <= USER_TOP;
}

function locked<R>(k: LinuxKernel, fn: () => R): R {
  const { space } = k.space;
  space.lock();
  try {
    return fn();
  } finally {
    space.unlock();
  }
}
