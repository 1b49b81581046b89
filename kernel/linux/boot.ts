/** Start-up of the Linux face: the process area, the standard streams, the first thread's own words. */
import type { Machine } from '../core/machine.js';
import { FileTable } from './files.js';
import * as P from './process.js';

/** What the guest starts with besides its image. */
export interface BootOptions {
  /** Process id shown to the guest; the host process's own by default. */
  readonly pid?: number;
  /** Nothing of the host enters: clock, parent and creation mask are fixed, the standard streams look like pipes. */
  readonly fixed?: boolean;
  /** Working directory, an absolute host path. */
  readonly cwd: string;
  /** Host descriptors that become the guest's 0, 1, 2, ...; `null` leaves one closed. */
  readonly stdio?: readonly (number | null)[];
  /** Thread name of the first thread: the program's base name. */
  readonly name: string;
}

/** Wall clock at monotonic 0 of a fixed boot: 1 January 2024, 00:00 UTC. */
const FIXED_EPOCH = 1_704_067_200;

/**
 * Fills the process area of a fresh machine. To be called once, by the main thread, before any guest thread runs.
 *
 * @param ts state of the first thread.
 */
export function bootLinux(machine: Machine, ts: number, options: BootOptions): void {
  const { i32, f64, u8 } = machine;
  i32[P.P_PID >> 2] = options.pid ?? process.pid;
  i32[P.P_PPID >> 2] = process.ppid;
  i32[P.P_UMASK >> 2] = process.umask();
  const [sec, nsec] = process.hrtime();
  const now = performance.timeOrigin + performance.now();
  f64[P.P_START >> 3] = sec;
  f64[P.P_WALL_SEC >> 3] = Math.floor(now / 1000) - sec;
  f64[P.P_WALL_NSEC >> 3] = Math.round((now % 1000) * 1e6) - nsec;
  if (options.fixed) {
    i32[P.P_PPID >> 2] = 1;
    i32[P.P_UMASK >> 2] = 0o022;
    f64[P.P_START >> 3] = 0;
    f64[P.P_WALL_SEC >> 3] = FIXED_EPOCH;
    f64[P.P_WALL_NSEC >> 3] = 0;
  }
  const cwd = Buffer.from(options.cwd);
  if (cwd.length > P.P_CWD_SIZE - 4) throw new RangeError('the working directory has too long a name');
  i32[P.P_CWD >> 2] = cwd.length;
  u8.set(cwd, P.P_CWD + 4);
  u8.set(Buffer.from(options.name).subarray(0, 15), ts + P.L_NAME);
  const files = new FileTable(machine);
  (options.stdio ?? [0, 1, 2]).forEach((host, fd) => {
    if (host !== null) files.inherit(fd, host, options.fixed);
  });
}
