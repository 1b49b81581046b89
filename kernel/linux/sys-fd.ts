/** Calls on one descriptor that move no data: dup, fcntl, ioctl, ftruncate, sync and kin. */
import fs from 'node:fs';
import tty from 'node:tty';
import * as abi from './abi.js';
import { EBADF, EINVAL, ENOTTY, EOPNOTSUPP, EPERM, ESPIPE } from './errno.js';
import type { LinuxKernel } from './kernel.js';
import { pipeFill } from './pipe.js';
import * as P from './process.js';
import type { Handlers } from './table.js';
import { terminalSettings, windowSize } from './tty.js';

/** Flags that F_SETFL changes. */
const SETTABLE = abi.O_APPEND | abi.O_NONBLOCK | abi.O_NOATIME | abi.O_DIRECT;

/** Runs `fn` on the host descriptor of a file, directory or device; pipes and events are EINVAL. */
function onHost(k: LinuxKernel, fd: number, fn: (host: number, desc: number) => number): number {
  return k.files.use(fd, (desc) => {
    const kind = k.files.word(desc, P.D_KIND);
    if (kind > P.KIND_DIR) return -EINVAL;
    return fn(k.files.word(desc, P.D_HOST), desc);
  });
}

function checked(k: LinuxKernel, fd: number): number {
  return k.files.use(fd, (desc) => (k.files.word(desc, P.D_KIND) > P.KIND_STREAM ? -ESPIPE : 0));
}

function setStatus(k: LinuxKernel, desc: number, flags: number): number {
  const old = k.files.word(desc, P.D_FLAGS);
  k.files.setWord(desc, P.D_FLAGS, (old & ~SETTABLE) | (flags & SETTABLE));
  return 0;
}

function setNonblocking(k: LinuxKernel, desc: number, on: boolean): number {
  const old = k.files.word(desc, P.D_FLAGS);
  k.files.setWord(desc, P.D_FLAGS, on ? old | abi.O_NONBLOCK : old & ~abi.O_NONBLOCK);
  return 0;
}

function bytesReady(k: LinuxKernel, desc: number): number {
  const kind = k.files.word(desc, P.D_KIND);
  const host = k.files.word(desc, P.D_HOST);
  if (kind === P.KIND_PIPE_READ || kind === P.KIND_PIPE_WRITE) return pipeFill(k, host);
  if (kind !== P.KIND_FILE) return -ENOTTY;
  return Math.max(0, fs.fstatSync(host).size - k.files.offset(desc));
}

function sync(k: LinuxKernel, fd: number, flush: (host: number) => void): number {
  return onHost(k, fd, (host, desc) => {
    if (k.files.word(desc, P.D_KIND) === P.KIND_STREAM) return -EINVAL;
    flush(host);
    return 0;
  });
}

export const FD_CALLS: Handlers = {
  dup: (k, fd) => k.files.duplicate(fd, false, 0, false),

  dup3(k, fd, to, flags) {
    if (fd === to || (flags & ~abi.O_CLOEXEC) !== 0) return -EINVAL;
    if (to < 0 || to >= abi.OPEN_MAX) return -EBADF;
    return k.files.duplicate(fd, flags !== 0, to, true);
  },

  close: (k, fd) => (k.files.close(fd) ? 0 : -EBADF),

  close_range(k, first, last, flags) {
    if (first >>> 0 > last >>> 0 || (flags & ~4) !== 0) return -EINVAL;
    for (const fd of k.files.open()) {
      if (fd < first >>> 0 || fd > last >>> 0) continue;
      if (flags & 4) k.files.setCloseOnExec(fd, true);
      else k.files.close(fd);
    }
    return 0;
  },

  fcntl(k, fd, command, value) {
    return k.files.use(fd, (desc) => {
      const kind = k.files.word(desc, P.D_KIND);
      const pipe = kind === P.KIND_PIPE_READ || kind === P.KIND_PIPE_WRITE;
      switch (command) {
        case abi.F_DUPFD:
        case abi.F_DUPFD_CLOEXEC:
          if (value < 0 || value >= abi.OPEN_MAX) return -EINVAL;
          return k.files.duplicate(fd, command === abi.F_DUPFD_CLOEXEC, value, false);
        case abi.F_GETFD:
          return k.files.closeOnExec(fd) ? abi.FD_CLOEXEC : 0;
        case abi.F_SETFD:
          k.files.setCloseOnExec(fd, (value & abi.FD_CLOEXEC) !== 0);
          return 0;
        case abi.F_GETFL:
          return k.files.word(desc, P.D_FLAGS);
        case abi.F_SETFL:
          return setStatus(k, desc, value | 0);
        case abi.F_GETLK:
        case abi.F_OFD_GETLK:
          // No lock of this process ever stands in its own way.
          k.mem.writeU16(value, abi.F_UNLCK);
          return 0;
        case abi.F_SETLK:
        case abi.F_SETLKW:
        case abi.F_OFD_SETLK:
        case abi.F_OFD_SETLKW:
          return k.mem.readU16(value) > abi.F_UNLCK ? -EINVAL : 0;
        case abi.F_GETPIPE_SZ:
          return pipe ? P.PIPE_CAPACITY : -EBADF;
        case abi.F_SETPIPE_SZ:
          if (!pipe) return -EBADF;
          return value > P.PIPE_CAPACITY ? -EPERM : P.PIPE_CAPACITY;
        default:
          return -EINVAL;
      }
    });
  },

  ioctl(k, fd, request, addr) {
    return k.files.use(fd, (desc) => {
      const isTty =
        k.files.word(desc, P.D_KIND) === P.KIND_STREAM &&
        (k.files.word(desc, P.D_AUX) & P.DA_AS_PIPE) === 0 &&
        tty.isatty(k.files.word(desc, P.D_HOST));
      switch (request) {
        case abi.FIOCLEX:
        case abi.FIONCLEX:
          k.files.setCloseOnExec(fd, request === abi.FIOCLEX);
          return 0;
        case abi.FIONBIO:
          return setNonblocking(k, desc, k.mem.readU32(addr) !== 0);
        case abi.FIONREAD: {
          const ready = bytesReady(k, desc);
          if (ready < 0) return ready;
          k.mem.writeU32(addr, ready);
          return 0;
        }
        case abi.TCGETS:
          if (!isTty) return -ENOTTY;
          k.mem.copyOut(addr, terminalSettings());
          return 0;
        case abi.TIOCGWINSZ:
          if (!isTty) return -ENOTTY;
          k.mem.copyOut(addr, windowSize(k.env.config.envp));
          return 0;
        case abi.TIOCGPGRP:
          if (!isTty) return -ENOTTY;
          k.mem.writeU32(addr, k.machine.i32[P.P_PID >> 2]);
          return 0;
        default:
          return -ENOTTY;
      }
    });
  },

  flock: (k, fd, operation) => k.files.use(fd, () => ([1, 2, 8].includes(operation & ~4) ? 0 : -EINVAL)),

  ftruncate(k, fd, size) {
    if (size < 0) return -EINVAL;
    return onHost(k, fd, (host, desc) => {
      if (!k.files.writable(desc) || k.files.word(desc, P.D_KIND) !== P.KIND_FILE) return -EINVAL;
      fs.ftruncateSync(host, size);
      return 0;
    });
  },

  fallocate(k, fd, mode, offset, size) {
    if (offset < 0 || size <= 0) return -EINVAL;
    if (mode !== 0) return -EOPNOTSUPP;
    return k.files.use(fd, (desc) => {
      if (!k.files.writable(desc)) return -EBADF;
      if (k.files.word(desc, P.D_KIND) !== P.KIND_FILE) return -ESPIPE;
      const host = k.files.word(desc, P.D_HOST);
      if (fs.fstatSync(host).size < offset + size) fs.ftruncateSync(host, offset + size);
      return 0;
    });
  },

  fchmod: (k, fd, mode) =>
    onHost(k, fd, (host) => {
      fs.fchmodSync(host, mode & 0o7777);
      return 0;
    }),

  fchown: (k, fd, uid, gid) =>
    onHost(k, fd, (host) => {
      const now = fs.fstatSync(host);
      fs.fchownSync(host, uid === -1 ? now.uid : uid, gid === -1 ? now.gid : gid);
      return 0;
    }),

  sync: () => 0,
  fsync: (k, fd) => sync(k, fd, fs.fsyncSync),
  fdatasync: (k, fd) => sync(k, fd, fs.fdatasyncSync),
  syncfs: (k, fd) => sync(k, fd, fs.fsyncSync),
  readahead: (k, fd) => (checked(k, fd) < 0 ? -EINVAL : 0),
  fadvise64: (k, fd, _offset, size, advice) =>
    size < 0 || advice < 0 || advice > 5 ? -EINVAL : checked(k, fd),
};
