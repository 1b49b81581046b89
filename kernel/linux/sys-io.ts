/** read, write and their kin: bytes between guest memory and open files, in chunks through a bounce buffer. */
import fs from 'node:fs';
import { GuestFault } from '../core/guest-mem.js';
import * as abi from './abi.js';
import { EBADF, EINVAL, EIO, EISDIR, EOPNOTSUPP, ESPIPE, errnoOf } from './errno.js';
import { SysError, ThreadLeaves } from './error.js';
import { CURRENT, currentOffset, readDescription, writeDescription } from './io.js';
import type { LinuxKernel } from './kernel.js';
import * as P from './process.js';
import { eventRead, eventWrite } from './sys-event.js';
import type { Handlers } from './table.js';
import { BOUNCE, probe } from './user.js';

/** Bytes to move; negative 64-bit lengths are enormous unsigned ones. */
function length(count: number): number {
  return count < 0 ? abi.MAX_RW_COUNT : Math.min(count, abi.MAX_RW_COUNT);
}

/** Runs one step of a transfer: an error after the first byte ends the transfer, and only a later call sees it. */
function step(done: number, run: () => number): number {
  try {
    return run();
  } catch (error) {
    if (error instanceof ThreadLeaves || done === 0) throw error;
    if (!(error instanceof SysError) && !(error instanceof GuestFault)) errnoOf(error);
    return -1;
  }
}

function readInto(k: LinuxKernel, desc: number, addr: number, count: number, at: number): number {
  if (k.files.word(desc, P.D_KIND) === P.KIND_EVENT) return eventRead(k, desc, addr, count);
  const total = length(count);
  if (total === 0) return readDescription(k, desc, k.bounce, 0, at);
  let done = 0;
  while (done < total) {
    const want = Math.min(total - done, BOUNCE);
    const n = step(done, () => {
      // Before anything is taken from a stream, so that a bad buffer loses no data.
      probe(k.mem, addr + done, 1);
      const got = readDescription(k, desc, k.bounce, want, at === CURRENT ? at : at + done);
      k.mem.copyOut(addr + done, k.bounce.subarray(0, got));
      return got;
    });
    if (n > 0) done += n;
    // Streams give what they have: asking again could block.
    if (n < want || k.files.word(desc, P.D_KIND) !== P.KIND_FILE) break;
  }
  return done;
}

function writeFrom(k: LinuxKernel, desc: number, addr: number, count: number, at: number): number {
  if (k.files.word(desc, P.D_KIND) === P.KIND_EVENT) return eventWrite(k, desc, addr, count);
  const total = length(count);
  if (total === 0) return k.files.writable(desc) ? 0 : -EBADF;
  let done = 0;
  while (done < total) {
    const want = Math.min(total - done, BOUNCE);
    const n = step(done, () => {
      const bytes = k.bounce.subarray(0, want);
      k.mem.readInto(addr + done, bytes);
      return writeDescription(k, desc, bytes, want, at === CURRENT ? at : at + done);
    });
    if (n > 0) done += n;
    if (n < want) break;
  }
  return done;
}

/** The vectors of readv and kin. @throws SysError EINVAL, GuestFault. */
function vectors(k: LinuxKernel, addr: number, count: number): [number, number][] {
  if (count < 0 || count > abi.IOV_MAX) throw new SysError(EINVAL);
  const out: [number, number][] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const size = k.mem.readI64(addr + i * 16 + 8);
    if (size < 0) throw new SysError(EINVAL);
    const part = Math.min(size, abi.MAX_RW_COUNT - total);
    total += part;
    out.push([k.mem.readI64(addr + i * 16), part]);
  }
  return out;
}

type Mover = (k: LinuxKernel, desc: number, addr: number, count: number, at: number) => number;

function vectored(k: LinuxKernel, fd: number, iov: number, count: number, at: number, move: Mover): number {
  return k.files.use(fd, (desc) => {
    const parts = vectors(k, iov, count);
    let done = 0;
    for (const [addr, size] of parts) {
      if (size === 0) continue;
      const n = step(done, () => move(k, desc, addr, size, at === CURRENT ? at : at + done));
      if (n < 0) return done > 0 ? done : n;
      done += n;
      if (n < size) break;
    }
    if (parts.length === 0 || done === 0) move(k, desc, 0, 0, at);
    return done;
  });
}

/** writev to a pipe or terminal goes out in one piece where it fits the bounce buffer: lines do not mix. */
function gathered(k: LinuxKernel, fd: number, iov: number, count: number): number {
  const whole = k.files.use(fd, (desc) => {
    const kind = k.files.word(desc, P.D_KIND);
    if (kind !== P.KIND_STREAM && kind !== P.KIND_PIPE_WRITE) return null;
    const parts = vectors(k, iov, count);
    const total = parts.reduce((sum, [, size]) => sum + size, 0);
    if (total === 0 || total > BOUNCE) return null;
    let at = 0;
    for (const [addr, size] of parts) {
      if (size > 0) k.mem.readInto(addr, k.bounce.subarray(at, at + size));
      at += size;
    }
    return writeDescription(k, desc, k.bounce, total, CURRENT);
  });
  return whole ?? vectored(k, fd, iov, count, CURRENT, writeFrom);
}

function positioned(at: number): number {
  if (at < 0) throw new SysError(EINVAL);
  return at;
}

/** Copies between two open files inside the kernel; positions of null are the descriptions' own. */
function transfer(
  k: LinuxKernel,
  from: number,
  fromAt: number | null,
  to: number,
  toAt: number | null,
  count: number,
): number {
  return k.files.use(from, (source) =>
    k.files.use(to, (target) => {
      const total = length(count);
      let done = 0;
      while (done < total) {
        const want = Math.min(total - done, BOUNCE);
        const n = step(done, () => {
          const got = readDescription(k, source, k.bounce, want, fromAt === null ? CURRENT : fromAt + done);
          for (let put = 0; put < got; ) {
            const at = toAt === null ? CURRENT : toAt + done + put;
            const w = writeDescription(k, target, k.bounce.subarray(put, got), got - put, at);
            if (w <= 0) throw new SysError(EIO);
            put += w;
          }
          return got;
        });
        if (n > 0) done += n;
        if (n < want) break;
      }
      return done;
    }),
  );
}

/** An optional offset in guest memory: its value, or null. */
function offsetAt(k: LinuxKernel, addr: number): number | null {
  return addr === 0 ? null : positioned(k.mem.readI64(addr));
}

export const IO_CALLS: Handlers = {
  read: (k, fd, addr, count) => k.files.use(fd, (desc) => readInto(k, desc, addr, count, CURRENT)),
  write: (k, fd, addr, count) => k.files.use(fd, (desc) => writeFrom(k, desc, addr, count, CURRENT)),
  pread64: (k, fd, addr, count, at) =>
    k.files.use(fd, (desc) => readInto(k, desc, addr, count, positioned(at))),
  pwrite64: (k, fd, addr, count, at) =>
    k.files.use(fd, (desc) => writeFrom(k, desc, addr, count, positioned(at))),
  readv: (k, fd, iov, count) => vectored(k, fd, iov, count, CURRENT, readInto),
  writev: (k, fd, iov, count) => gathered(k, fd, iov, count),
  preadv: (k, fd, iov, count, at) => vectored(k, fd, iov, count, positioned(at), readInto),
  pwritev: (k, fd, iov, count, at) => vectored(k, fd, iov, count, positioned(at), writeFrom),
  preadv2: (k, fd, iov, count, at, _high, flags) =>
    flags !== 0 ? -EOPNOTSUPP : vectored(k, fd, iov, count, at === -1 ? CURRENT : positioned(at), readInto),
  pwritev2: (k, fd, iov, count, at, _high, flags) =>
    flags !== 0 ? -EOPNOTSUPP : vectored(k, fd, iov, count, at === -1 ? CURRENT : positioned(at), writeFrom),

  lseek(k, fd, offset, whence) {
    return k.files.use(fd, (desc) => {
      const kind = k.files.word(desc, P.D_KIND);
      if (kind !== P.KIND_FILE && kind !== P.KIND_DIR) return -ESPIPE;
      return k.files.locked(() => {
        const here = currentOffset(k, desc);
        let base = 0;
        if (whence === abi.SEEK_CUR) base = here;
        else if (whence === abi.SEEK_END) base = fs.fstatSync(k.files.word(desc, P.D_HOST)).size;
        else if (whence !== abi.SEEK_SET) return -EINVAL;
        const target = base + offset;
        if (target < 0) return -EINVAL;
        if (target !== here) {
          k.files.setWord(desc, P.D_AUX, k.files.word(desc, P.D_AUX) & ~P.DA_HOST_OFFSET);
          k.files.setOffset(desc, target);
        }
        return target;
      });
    });
  },

  sendfile(k, to, from, offset, count) {
    const at = offsetAt(k, offset);
    const n = transfer(k, from, at, to, null, count);
    if (at !== null) k.mem.writeU64(offset, at + n);
    return n;
  },

  copy_file_range(k, from, fromOffset, to, toOffset, count) {
    const fromAt = offsetAt(k, fromOffset);
    const toAt = offsetAt(k, toOffset);
    const regular = (fd: number) => k.files.use(fd, (desc) => k.files.word(desc, P.D_KIND));
    const kinds = [regular(from), regular(to)];
    if (kinds.includes(P.KIND_DIR)) return -EISDIR;
    if (kinds.some((kind) => kind !== P.KIND_FILE)) return -EINVAL;
    const n = transfer(k, from, fromAt, to, toAt, count);
    if (fromAt !== null) k.mem.writeU64(fromOffset, fromAt + n);
    if (toAt !== null) k.mem.writeU64(toOffset, toAt + n);
    return n;
  },
};
