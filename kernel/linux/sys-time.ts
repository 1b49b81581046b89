/** Clocks and sleeping. */
import * as abi from './abi.js';
import { EINVAL, EOPNOTSUPP } from './errno.js';
import { ERESTART_BLOCK, ERESTART_NOHAND, LEAVE, SysError } from './error.js';
import type { LinuxKernel } from './kernel.js';
import { P_START } from './process.js';
import type { Handlers } from './table.js';
import * as time from './time.js';

function clock(k: LinuxKernel, id: number): time.TimeSpec {
  switch (id) {
    case abi.CLOCK_REALTIME:
    case abi.CLOCK_REALTIME_COARSE:
    case abi.CLOCK_TAI:
      return time.wall(k);
    case abi.CLOCK_MONOTONIC:
    case abi.CLOCK_MONOTONIC_RAW:
    case abi.CLOCK_MONOTONIC_COARSE:
    case abi.CLOCK_BOOTTIME:
      return time.monotonic(k);
    case abi.CLOCK_PROCESS_CPUTIME_ID:
      return time.processCpu(k);
    case abi.CLOCK_THREAD_CPUTIME_ID:
      return time.threadCpu(k);
    default:
      break;
  }
  // Negative ids name the CPU time of a process (bits 0..2 = 2) or of a thread (6), as clock_getcpuclockid makes them.
  if (id < 0 && (id & 7) === 2) return time.processCpu(k);
  if (id < 0 && (id & 7) === 6) return time.threadCpu(k);
  throw new SysError(EINVAL);
}

/** Sleeps; a signal ends it, and a sleep of some length then says at `rest` (0 for nowhere) what is left of it. */
function sleepFor(k: LinuxKernel, addr: number, rest: number): number {
  const deadline = time.relativeDeadline(k, addr);
  const result = sleepUntil(k, deadline, ERESTART_BLOCK);
  if (result === -ERESTART_BLOCK && rest !== 0) {
    const left = Math.max(0, deadline - k.sleeper.now());
    time.writeTime(k, rest, time.normal(0, Math.ceil(left * 1e6)));
  }
  return result;
}

function sleepUntil(k: LinuxKernel, deadline: number, restart: number): number {
  const result = k.sleeper.sleepUntil(k.ts, deadline);
  if (result === 'signal') return -restart;
  return result === 'exit' ? LEAVE : 0;
}

export const TIME_CALLS: Handlers = {
  clock_gettime(k, id, addr) {
    time.writeTime(k, addr, clock(k, id));
    return 0;
  },

  clock_getres(k, id, addr) {
    clock(k, id);
    if (addr !== 0) time.writeTime(k, addr, [0, 1]);
    return 0;
  },

  gettimeofday(k, addr, zone) {
    const [sec, nsec] = time.wall(k);
    if (addr !== 0) time.writeTime(k, addr, [sec, Math.floor(nsec / 1000)]);
    if (zone !== 0) k.mem.writeU64(zone, 0);
    return 0;
  },

  nanosleep: (k, addr, rest) => sleepFor(k, addr, rest),

  clock_nanosleep(k, id, flags, addr, rest) {
    if (id === abi.CLOCK_THREAD_CPUTIME_ID) return -EINVAL;
    if (id === abi.CLOCK_PROCESS_CPUTIME_ID || id < 0) return -EOPNOTSUPP;
    clock(k, id);
    if ((flags & abi.TIMER_ABSTIME) === 0) return sleepFor(k, addr, rest);
    const onWall = id === abi.CLOCK_REALTIME || id === abi.CLOCK_TAI;
    const until = time.absoluteDeadline(k, time.readTime(k, addr), onWall);
    return sleepUntil(k, until, ERESTART_NOHAND);
  },

  times(k, addr) {
    const [user, nsecs] = time.processCpu(k);
    const fields = [Math.floor((user + nsecs / 1e9) * abi.CLK_TCK), 0, 0, 0];
    if (addr !== 0) for (const [i, t] of fields.entries()) k.mem.writeU64(addr + i * 8, t);
    const [sec, nsec] = time.monotonic(k);
    return Math.floor((sec - k.machine.f64[P_START >> 3]) * abi.CLK_TCK + (nsec * abi.CLK_TCK) / 1e9);
  },
};
