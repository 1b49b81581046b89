/** Clocks and timeouts. The monotonic clock is the host's, so all workers agree on it. */
import fs from 'node:fs';
import { EINVAL } from './errno.js';
import { SysError } from './error.js';
import type { LinuxKernel } from './kernel.js';
import { P_WALL_NSEC, P_WALL_SEC } from './process.js';

/** Seconds and nanoseconds, normalised. */
export type TimeSpec = readonly [number, number];

const BILLION = 1_000_000_000;

export function normal(sec: number, nsec: number): TimeSpec {
  const carry = Math.floor(nsec / BILLION);
  return [sec + carry, nsec - carry * BILLION];
}

/** A count of nanoseconds. */
const spec = (ns: number): TimeSpec => normal(0, Math.floor(ns));

export function monotonic(k: LinuxKernel): TimeSpec {
  return k.env.scheduled ? spec(k.env.scheduled.now()) : process.hrtime();
}

/** The wall clock: the monotonic one plus the distance taken at start-up, so it never steps while a guest runs. */
export function wall(k: LinuxKernel): TimeSpec {
  const [sec, nsec] = monotonic(k);
  const { f64 } = k.machine;
  return normal(sec + f64[P_WALL_SEC >> 3], nsec + f64[P_WALL_NSEC >> 3]);
}

/** CPU time of the host process: the translator's work counts as the guest's. */
export function processCpu(k: LinuxKernel): TimeSpec {
  if (k.env.scheduled)
    return spec(k.env.threads.live().reduce((sum, ts) => sum + k.env.scheduled!.cpu(ts), 0));
  const { user, system } = process.cpuUsage();
  return normal(0, (user + system) * 1000);
}

/** CPU time of the calling host thread, which is the guest thread's worker. */
export function threadCpu(k: LinuxKernel): TimeSpec {
  if (k.env.scheduled) return spec(k.env.scheduled.cpu(k.ts));
  const text = fs.readFileSync('/proc/thread-self/schedstat', 'latin1');
  return normal(0, Number.parseInt(text, 10));
}

/** struct timespec at `addr`. @throws GuestFault; SysError EINVAL for a time that is none. */
export function readTime(k: LinuxKernel, addr: number): TimeSpec {
  const sec = k.mem.readI64(addr);
  const nsec = k.mem.readI64(addr + 8);
  if (sec < 0 || nsec < 0 || nsec >= BILLION) throw new SysError(EINVAL);
  return [sec, nsec];
}

export function writeTime(k: LinuxKernel, addr: number, [sec, nsec]: TimeSpec): void {
  k.mem.writeU64(addr, sec);
  k.mem.writeU64(addr + 8, nsec);
}

/** Monotonic ms at which the timeout at `addr`, counted from now, has passed. */
export function relativeDeadline(k: LinuxKernel, addr: number): number {
  const [sec, nsec] = readTime(k, addr);
  return k.sleeper.now() + sec * 1e3 + nsec / 1e6;
}

/** Monotonic ms of a point of the monotonic or the wall clock. */
export function absoluteDeadline(k: LinuxKernel, [sec, nsec]: TimeSpec, wallClock: boolean): number {
  const { f64 } = k.machine;
  const from: TimeSpec = wallClock ? [f64[P_WALL_SEC >> 3], f64[P_WALL_NSEC >> 3]] : [0, 0];
  return (sec - from[0]) * 1e3 + (nsec - from[1]) / 1e6;
}
