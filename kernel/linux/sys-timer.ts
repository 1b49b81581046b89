/** Timers that send signals: setitimer and timer_create. They run out on the main thread (timers.ts). */
import { T_TID } from '../core/layout.js';
import * as abi from './abi.js';
import { EAGAIN, EINVAL } from './errno.js';
import { SysError } from './error.js';
import type { LinuxKernel } from './kernel.js';
import type { Handlers } from './table.js';
import { absoluteDeadline, normal, readTime, type TimeSpec, writeTime } from './time.js';
import { REAL_TIMER, type TimerSetting } from './timers.js';

const ITIMER_REAL = 0;
const SIGEV_SIGNAL = 0;
const SIGEV_NONE = 1;
const SIGEV_THREAD_ID = 4;
const CLOCKS: readonly number[] = [
  abi.CLOCK_REALTIME,
  abi.CLOCK_MONOTONIC,
  abi.CLOCK_BOOTTIME,
  abi.CLOCK_TAI,
];

const ms = ([sec, nsec]: TimeSpec) => sec * 1e3 + nsec / 1e6;
const spec = (time: number): TimeSpec => normal(0, Math.ceil(time * 1e6));

/** Time until a timer runs out, in ms, 0 when it is not set. */
function left(k: LinuxKernel, { deadline }: TimerSetting): number {
  return deadline === 0 ? 0 : Math.max(deadline - k.sleeper.now(), 0.001);
}

/** struct timeval at `addr`, in ms. */
function readTimeval(k: LinuxKernel, addr: number): number {
  const sec = k.mem.readI64(addr);
  const usec = k.mem.readI64(addr + 8);
  if (sec < 0 || usec < 0 || usec >= 1e6) throw new SysError(EINVAL);
  return sec * 1e3 + usec / 1e3;
}

/** struct itimerval: interval, then the time left. */
function writeItimer(k: LinuxKernel, addr: number, setting: TimerSetting): void {
  [setting.interval, left(k, setting)].forEach((time, i) => {
    const [sec, nsec] = spec(time);
    writeTime(k, addr + i * 16, [sec, Math.floor(nsec / 1000)]);
  });
}

/** struct itimerspec: interval, then the time left. */
function writeSetting(k: LinuxKernel, addr: number, setting: TimerSetting): void {
  writeTime(k, addr, spec(setting.interval));
  writeTime(k, addr + 16, spec(left(k, setting)));
}

/** Who gets a timer's signal: a thread of the process. @throws SysError EINVAL. */
function threadTarget(k: LinuxKernel, tid: number): number {
  const ts = k.env.threads.live().find((t) => k.machine.i32[(t + T_TID) >> 2] === tid);
  if (ts === undefined) throw new SysError(EINVAL);
  return ts;
}

function existing(k: LinuxKernel, id: number): void {
  if (!k.timers.exists(id)) throw new SysError(EINVAL);
}

export const TIMER_CALLS: Handlers = {
  getitimer(k, which, addr) {
    if (which !== ITIMER_REAL) return -EINVAL;
    writeItimer(k, addr, k.timers.setting(REAL_TIMER));
    return 0;
  },

  setitimer(k, which, fresh, old) {
    if (which !== ITIMER_REAL) return -EINVAL;
    const interval = fresh === 0 ? 0 : readTimeval(k, fresh);
    const first = fresh === 0 ? 0 : readTimeval(k, fresh + 16);
    const deadline = first === 0 ? 0 : k.sleeper.now() + first;
    const before = k.timers.set(REAL_TIMER, { deadline, interval });
    k.env.timersChanged();
    if (old !== 0) writeItimer(k, old, before);
    return 0;
  },

  /** struct sigevent: sigev_value u64, sigev_signo i32, sigev_notify i32, thread id i32. */
  timer_create(k, clock, event, id) {
    if (!CLOCKS.includes(clock)) return -EINVAL;
    let signo = abi.SIGALRM;
    let target = 0;
    let value: [number, number] | undefined;
    if (event !== 0) {
      const notify = k.mem.readI32(event + 12);
      if (notify !== SIGEV_SIGNAL && notify !== SIGEV_NONE && notify !== SIGEV_THREAD_ID) return -EINVAL;
      value = [k.mem.readI32(event), k.mem.readI32(event + 4)];
      signo = notify === SIGEV_NONE ? 0 : k.mem.readI32(event + 8);
      if (notify !== SIGEV_NONE && (signo < 1 || signo > abi.NSIG)) return -EINVAL;
      if (notify === SIGEV_THREAD_ID) target = threadTarget(k, k.mem.readI32(event + 16));
    }
    const made = k.timers.create({ signo, target, clock }, value);
    if (made < 0) return -EAGAIN;
    k.mem.writeU32(id, made);
    return 0;
  },

  timer_settime(k, id, flags, fresh, old) {
    existing(k, id);
    const interval = ms(readTime(k, fresh));
    const first = readTime(k, fresh + 16);
    const wall = k.timers.clock(id) === abi.CLOCK_REALTIME || k.timers.clock(id) === abi.CLOCK_TAI;
    let deadline = 0;
    if (ms(first) > 0) {
      // A point in the past is now: 0 would mean that the timer is not set.
      if (flags & abi.TIMER_ABSTIME) deadline = Math.max(absoluteDeadline(k, first, wall), 1e-6);
      else deadline = k.sleeper.now() + ms(first);
    }
    const before = k.timers.set(id, { deadline, interval });
    k.env.timersChanged();
    if (old !== 0) writeSetting(k, old, before);
    return 0;
  },

  timer_gettime(k, id, addr) {
    existing(k, id);
    writeSetting(k, addr, k.timers.setting(id));
    return 0;
  },

  timer_getoverrun(k, id) {
    existing(k, id);
    return k.timers.overrun(id);
  },

  timer_delete(k, id) {
    existing(k, id);
    k.timers.delete(id);
    return 0;
  },
};
