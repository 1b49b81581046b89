/**
 * Reading and writing an open file description, whatever is behind it. Moves bytes between a buffer of ours and
 * the file; the system calls move them between that buffer and guest memory.
 */
import fs from 'node:fs';
import { O_APPEND, SI_USER, SIGPIPE } from './abi.js';
import { EAGAIN, EBADF, EINVAL, EISDIR, EPIPE, ESPIPE, errnoOf } from './errno.js';
import { SysError, ThreadLeaves } from './error.js';
import { hostOffset } from './files.js';
import type { LinuxKernel } from './kernel.js';
import { pipeRead, pipeWrite } from './pipe.js';
import * as P from './process.js';
import { mustGoOn } from './wait.js';

/** A description's own position; any other number is a position of the caller's. */
export const CURRENT = -1;

/** How long a stream without data is left alone between two looks, in ms. */
const POLL_FIRST = 1;
const POLL_MOST = 16;

/**
 * Reads up to `count` bytes into `into`. 0 = end of file. Waits for streams and pipes that have nothing yet.
 *
 * @throws SysError, ThreadLeaves, or an exception of node:fs.
 */
export function readDescription(
  k: LinuxKernel,
  desc: number,
  into: Uint8Array,
  count: number,
  at: number,
): number {
  const { files } = k;
  if (!files.readable(desc)) throw new SysError(EBADF);
  const kind = files.word(desc, P.D_KIND);
  const host = files.word(desc, P.D_HOST);
  if (kind === P.KIND_DIR) throw new SysError(EISDIR);
  if (kind === P.KIND_FILE) {
    if (at !== CURRENT) return fs.readSync(host, into, 0, count, at);
    return files.locked(() => {
      if (files.word(desc, P.D_AUX) & P.DA_HOST_OFFSET) return fs.readSync(host, into, 0, count, null);
      const from = files.offset(desc);
      const n = fs.readSync(host, into, 0, count, from);
      files.setOffset(desc, from + n);
      return n;
    });
  }
  if (at !== CURRENT) throw new SysError(ESPIPE);
  if (kind === P.KIND_PIPE_READ) return pipeRead(k, desc, into, count);
  return readStream(k, desc, into, count);
}

/** Writes `count` bytes from `from`; may write fewer. */
export function writeDescription(
  k: LinuxKernel,
  desc: number,
  from: Uint8Array,
  count: number,
  at: number,
): number {
  const { files } = k;
  if (!files.writable(desc)) throw new SysError(EBADF);
  const kind = files.word(desc, P.D_KIND);
  const host = files.word(desc, P.D_HOST);
  if (kind === P.KIND_FILE) {
    const append = (files.word(desc, P.D_FLAGS) & O_APPEND) !== 0;
    if (at !== CURRENT) return fs.writeSync(host, from, 0, count, append ? null : at);
    return files.locked(() => {
      if (files.word(desc, P.D_AUX) & P.DA_HOST_OFFSET) return fs.writeSync(host, from, 0, count, null);
      if (append) {
        const n = fs.writeSync(host, from, 0, count, null);
        files.setOffset(desc, fs.fstatSync(host).size);
        return n;
      }
      const to = files.offset(desc);
      const n = fs.writeSync(host, from, 0, count, to);
      files.setOffset(desc, to + n);
      return n;
    });
  }
  if (at !== CURRENT) throw new SysError(ESPIPE);
  if (kind === P.KIND_PIPE_WRITE) return pipeWrite(k, desc, from, count);
  if (kind !== P.KIND_STREAM) throw new SysError(EINVAL);
  return writeStream(k, desc, from, count);
}

function readStream(k: LinuxKernel, desc: number, into: Uint8Array, count: number): number {
  const { files } = k;
  if (count === 0) return 0;
  const host = files.word(desc, P.D_HOST);
  const peeked = takePeeked(k, desc);
  if (peeked >= 0) {
    into[0] = peeked;
    return 1 + readMore(host, into.subarray(1, count));
  }
  return retrying(k, desc, () => fs.readSync(host, into, 0, count, null));
}

function writeStream(k: LinuxKernel, desc: number, from: Uint8Array, count: number): number {
  const host = k.files.word(desc, P.D_HOST);
  try {
    return retrying(k, desc, () => fs.writeSync(host, from, 0, count, null));
  } catch (error) {
    if (error instanceof ThreadLeaves || error instanceof SysError) throw error;
    if (errnoOf(error) === EPIPE) brokenPipe(k);
    throw error;
  }
}

/** Answers a host's EAGAIN by waiting and trying again, unless the guest asked not to wait. */
function retrying(k: LinuxKernel, desc: number, attempt: () => number): number {
  for (let pause = POLL_FIRST; ; pause = Math.min(pause * 2, POLL_MOST)) {
    try {
      return attempt();
    } catch (error) {
      if (errnoOf(error) !== EAGAIN || k.files.nonblocking(desc)) throw error;
    }
    const slept = k.sleeper.pause(k.ts, pause);
    if (slept !== 'timeout') mustGoOn(slept);
  }
}

/** What else is there behind a byte read ahead; streams that are read ahead do not block. */
function readMore(host: number, into: Uint8Array): number {
  if (into.length === 0) return 0;
  try {
    return fs.readSync(host, into, 0, into.length, null);
  } catch (error) {
    errnoOf(error);
    return 0;
  }
}

/** The byte that a poll read ahead, -1 for none. */
function takePeeked(k: LinuxKernel, desc: number): number {
  return k.files.locked(() => {
    const aux = k.files.word(desc, P.D_AUX);
    if ((aux & P.DA_PEEKED) === 0) return -1;
    k.files.setWord(desc, P.D_AUX, aux & ~(P.DA_PEEKED | 0xff));
    return aux & 0xff;
  });
}

/** Whether a read of a stream would return at once: for those we can ask without blocking, by reading a byte ahead. */
export function streamReadable(k: LinuxKernel, desc: number): boolean {
  // When bytes arrive is the host's timing: under a schedule a read waits for them, and no poll can tell.
  if (k.env.scheduled) return true;
  return k.files.locked(() => {
    const aux = k.files.word(desc, P.D_AUX);
    if ((aux & P.DA_POLLED) === 0 || (aux & P.DA_PEEKED) !== 0) return true;
    const one = new Uint8Array(1);
    try {
      if (fs.readSync(k.files.word(desc, P.D_HOST), one, 0, 1, null) === 1) {
        k.files.setWord(desc, P.D_AUX, aux | P.DA_PEEKED | one[0]!);
      }
      return true;
    } catch (error) {
      return errnoOf(error) !== EAGAIN;
    }
  });
}

/** A write to a pipe nobody reads: the writer gets SIGPIPE, and the call is EPIPE if it survives that. */
export function brokenPipe(k: LinuxKernel): void {
  k.signals.send(k.ts, k.sentBySelf(SIGPIPE, SI_USER));
}

/** Present offset of a seekable description, in bytes. */
export function currentOffset(k: LinuxKernel, desc: number): number {
  if (k.files.word(desc, P.D_AUX) & P.DA_HOST_OFFSET) return hostOffset(k.files.word(desc, P.D_HOST)) ?? 0;
  return k.files.offset(desc);
}
