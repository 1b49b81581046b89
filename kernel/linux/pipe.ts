/**
 * Pipes in shared memory: a ring of 64 KiB in frames, counters and an event word in the process area. Readers and
 * writers sleep on the event word; every change bumps it, and P_READY for pollers.
 */
import { Frames } from '../core/frames.js';
import { PAGE_SIZE } from '../core/layout.js';
import { O_NONBLOCK, O_RDONLY, O_WRONLY, PIPE_BUF } from './abi.js';
import { EAGAIN, ENFILE, ENOMEM, EPIPE } from './errno.js';
import { SysError } from './error.js';
import { brokenPipe } from './io.js';
import type { LinuxKernel } from './kernel.js';
import * as P from './process.js';
import { mustGoOn } from './wait.js';

const at = (pipe: number, field: number) => (P.P_PIPES + pipe * P.PIPE_SIZE + field) >> 2;

/** Opens both ends. @returns descriptors [read, write]. @throws SysError EMFILE, ENFILE, ENOMEM. */
export function makePipe(k: LinuxKernel, flags: number, closeOnExec: boolean): [number, number] {
  const { i32 } = k.machine;
  const pipe = k.files.locked(() => {
    for (let i = 0; i < P.PIPE_MAX; i++) {
      if (i32[at(i, P.PP_USED)] !== 0) continue;
      i32[at(i, P.PP_USED)] = 1;
      for (const field of [P.PP_READERS, P.PP_WRITERS]) i32[at(i, field)] = 1;
      for (const field of [P.PP_HEAD, P.PP_TAIL]) i32[at(i, field)] = 0;
      return i;
    }
    return -1;
  });
  if (pipe < 0) throw new SysError(ENFILE);
  if (i32[at(pipe, P.PP_BUFFER)] === 0) {
    const buffer = new Frames(k.machine).reserve(P.PIPE_CAPACITY / PAGE_SIZE);
    if (buffer === 0) {
      i32[at(pipe, P.PP_USED)] = 0;
      throw new SysError(ENOMEM);
    }
    i32[at(pipe, P.PP_BUFFER)] = buffer;
  }
  const status = flags & O_NONBLOCK;
  let reader: number;
  try {
    reader = k.files.install({ kind: P.KIND_PIPE_READ, flags: O_RDONLY | status, host: pipe }, closeOnExec);
  } catch (error) {
    i32[at(pipe, P.PP_USED)] = 0;
    throw error;
  }
  try {
    return [
      reader,
      k.files.install({ kind: P.KIND_PIPE_WRITE, flags: O_WRONLY | status, host: pipe }, closeOnExec),
    ];
  } catch (error) {
    i32[at(pipe, P.PP_WRITERS)] = 0;
    k.files.close(reader);
    throw error;
  }
}

/** Files lock held: an end has lost its last description. */
export function pipeEnd(k: LinuxKernel, pipe: number, writer: boolean): void {
  const { i32 } = k.machine;
  i32[at(pipe, writer ? P.PP_WRITERS : P.PP_READERS)] = 0;
  // The buffer stays with the place: the next pipe here uses it again.
  if (i32[at(pipe, P.PP_WRITERS)] === 0 && i32[at(pipe, P.PP_READERS)] === 0) i32[at(pipe, P.PP_USED)] = 0;
  changed(k, pipe);
}

function changed(k: LinuxKernel, pipe: number): void {
  Atomics.add(k.machine.i32, at(pipe, P.PP_EVENT), 1);
  Atomics.notify(k.machine.i32, at(pipe, P.PP_EVENT));
  k.files.bump();
}

/** Bytes waiting in the pipe. */
export function pipeFill(k: LinuxKernel, pipe: number): number {
  return (k.machine.i32[at(pipe, P.PP_HEAD)] - k.machine.i32[at(pipe, P.PP_TAIL)]) | 0;
}

export const pipeReaders = (k: LinuxKernel, pipe: number) => k.machine.i32[at(pipe, P.PP_READERS)];
export const pipeWriters = (k: LinuxKernel, pipe: number) => k.machine.i32[at(pipe, P.PP_WRITERS)];

/** Takes what is there, waiting for the first byte; 0 = all writers are gone. */
export function pipeRead(k: LinuxKernel, desc: number, into: Uint8Array, count: number): number {
  const pipe = k.files.word(desc, P.D_HOST);
  const { i32 } = k.machine;
  if (count === 0) return 0;
  for (;;) {
    const event = Atomics.load(i32, at(pipe, P.PP_EVENT));
    const got = k.files.locked(() => {
      const n = Math.min(pipeFill(k, pipe), count);
      if (n === 0) return i32[at(pipe, P.PP_WRITERS)] === 0 ? 0 : -1;
      copyRing(k, pipe, i32[at(pipe, P.PP_TAIL)], into, n, false);
      i32[at(pipe, P.PP_TAIL)] = (i32[at(pipe, P.PP_TAIL)] + n) | 0;
      return n;
    });
    if (got > 0) changed(k, pipe);
    if (got >= 0) return got;
    awaitChange(k, desc, pipe, event);
  }
}

/** Puts all bytes in, or with O_NONBLOCK what fits; up to PIPE_BUF bytes go in one piece. */
export function pipeWrite(k: LinuxKernel, desc: number, from: Uint8Array, count: number): number {
  const pipe = k.files.word(desc, P.D_HOST);
  const { i32 } = k.machine;
  let done = 0;
  while (done < count) {
    const event = Atomics.load(i32, at(pipe, P.PP_EVENT));
    const put = k.files.locked(() => {
      if (i32[at(pipe, P.PP_READERS)] === 0) return -1;
      const room = P.PIPE_CAPACITY - pipeFill(k, pipe);
      const left = count - done;
      if (room === 0 || (count <= PIPE_BUF && room < left)) return 0;
      const n = Math.min(room, left);
      copyRing(k, pipe, i32[at(pipe, P.PP_HEAD)], from.subarray(done, done + n), n, true);
      i32[at(pipe, P.PP_HEAD)] = (i32[at(pipe, P.PP_HEAD)] + n) | 0;
      return n;
    });
    if (put < 0) {
      if (done > 0) return done;
      brokenPipe(k);
      throw new SysError(EPIPE);
    }
    done += put;
    if (put > 0) changed(k, pipe);
    else if (done > 0 && k.files.nonblocking(desc)) return done;
    else {
      try {
        awaitChange(k, desc, pipe, event);
      } catch (error) {
        // What has gone through is the answer when a signal ends the wait for the rest.
        if (done > 0 && error instanceof SysError) return done;
        throw error;
      }
    }
  }
  return done;
}

function awaitChange(k: LinuxKernel, desc: number, pipe: number, event: number): void {
  if (k.files.nonblocking(desc)) throw new SysError(EAGAIN);
  const word = P.P_PIPES + pipe * P.PIPE_SIZE + P.PP_EVENT;
  mustGoOn(k.sleeper.wait(k.ts, word, event, Infinity));
}

function copyRing(
  k: LinuxKernel,
  pipe: number,
  counter: number,
  bytes: Uint8Array,
  n: number,
  put: boolean,
): void {
  const { u8 } = k.machine;
  const base = k.machine.i32[at(pipe, P.PP_BUFFER)] >>> 0;
  const start = counter & (P.PIPE_CAPACITY - 1);
  const first = Math.min(n, P.PIPE_CAPACITY - start);
  if (put) {
    u8.set(bytes.subarray(0, first), base + start);
    u8.set(bytes.subarray(first, n), base);
  } else {
    bytes.set(u8.subarray(base + start, base + start + first), 0);
    bytes.set(u8.subarray(base, base + n - first), first);
  }
}
