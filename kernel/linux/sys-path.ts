/** Calls that name files: open, link, unlink, rename and kin. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as abi from './abi.js';
import { EACCES, EBADF, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ERANGE } from './errno.js';
import { SysError } from './error.js';
import { kindOfMode } from './files.js';
import type { LinuxKernel } from './kernel.js';
import * as P from './process.js';
import { procFile } from './procfs.js';
import type { Handlers } from './table.js';

const HOST = fs.constants;
/** Guest open flags and the host's; O_PATH and O_TMPFILE have no names in Node and one value on all Linux hosts. */
const OPEN_FLAGS: readonly (readonly [number, number])[] = [
  [abi.O_CREAT, HOST.O_CREAT],
  [abi.O_EXCL, HOST.O_EXCL],
  [abi.O_TRUNC, HOST.O_TRUNC],
  [abi.O_APPEND, HOST.O_APPEND],
  [abi.O_DSYNC, HOST.O_DSYNC],
  [abi.O_DIRECTORY, HOST.O_DIRECTORY],
  [abi.O_NOFOLLOW, HOST.O_NOFOLLOW],
  [abi.O_PATH, abi.O_PATH],
  [0o20000000, 0o20000000],
];
/** Creation flags are not part of what F_GETFL answers. */
const CREATION = abi.O_CREAT | abi.O_EXCL | abi.O_NOCTTY | abi.O_TRUNC | abi.O_CLOEXEC;

/** Host flags for openSync. Never blocks in open itself (FIFOs), never takes a terminal over. */
function hostOpenFlags(flags: number): number {
  let host = flags & abi.O_ACCMODE;
  for (const [guest, same] of OPEN_FLAGS) if ((flags & guest) === guest) host |= same;
  return host | HOST.O_NOCTTY | (flags & abi.O_NONBLOCK ? HOST.O_NONBLOCK : 0);
}

/** An unlinked file with the given contents: what synthesised files and memfds are made of. */
export function temporaryFile(contents: Uint8Array): number {
  const folder = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const name = path.join(folder, `capgrind-${process.pid}-${process.hrtime.bigint()}`);
  const fd = fs.openSync(name, 'wx+', 0o600);
  fs.unlinkSync(name);
  fs.writeSync(fd, contents, 0, contents.length, 0);
  return fd;
}

function installHost(k: LinuxKernel, host: number, flags: number): number {
  try {
    const kind = kindOfMode(fs.fstatSync(host).mode);
    return k.files.install({ kind, flags: flags & ~CREATION, host }, (flags & abi.O_CLOEXEC) !== 0);
  } catch (error) {
    fs.closeSync(host);
    throw error;
  }
}

/** Refuses a host file that lies in the framework's own /proc directory, by whatever name it was reached. */
function refuseOwn(host: number): void {
  let real: string;
  try {
    real = fs.readlinkSync(`/proc/self/fd/${host}`);
  } catch {
    return;
  }
  if (!real.startsWith(`/proc/${process.pid}/`)) return;
  fs.closeSync(host);
  throw new SysError(EACCES);
}

function open(k: LinuxKernel, dirfd: number, name: string, flags: number, mode: number): number {
  const own = k.paths.ownProc(name) ?? (name.startsWith('/proc/') ? name.slice(5) : null);
  const contents = own === null ? null : procFile(k, own);
  if (contents !== null) {
    if ((flags & abi.O_ACCMODE) !== abi.O_RDONLY) return -EACCES;
    return installHost(k, temporaryFile(contents), flags & ~abi.O_ACCMODE);
  }
  const target = k.paths.resolve(dirfd, name);
  const mask = Atomics.load(k.machine.i32, P.P_UMASK >> 2);
  const host = fs.openSync(target, hostOpenFlags(flags), mode & 0o7777 & ~mask);
  refuseOwn(host);
  return installHost(k, host, flags);
}

/** Path for calls whose AT_EMPTY_PATH means the descriptor itself. */
export function pathOrFd(k: LinuxKernel, dirfd: number, addr: number, flags: number): string {
  const name = addr === 0 && flags & abi.AT_EMPTY_PATH ? '' : k.paths.string(addr);
  if (name !== '' || (flags & abi.AT_EMPTY_PATH) === 0) return k.paths.resolve(dirfd, name);
  if (dirfd === abi.AT_FDCWD) return k.paths.cwd;
  const desc = k.files.lookup(dirfd);
  if (desc === 0) throw new SysError(EBADF);
  if (k.files.word(desc, P.D_KIND) > P.KIND_DIR) throw new SysError(EINVAL);
  return `/proc/self/fd/${k.files.word(desc, P.D_HOST)}`;
}

function rename(k: LinuxKernel, from: number, a: number, to: number, b: number, flags: number): number {
  if (flags & ~abi.RENAME_NOREPLACE) return -EINVAL;
  const source = k.paths.resolve(from, k.paths.string(a));
  const target = k.paths.resolve(to, k.paths.string(b));
  if (flags !== 0) {
    const there = fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined;
    if (there) return -EEXIST;
  }
  fs.renameSync(source, target);
  return 0;
}

function access(k: LinuxKernel, dirfd: number, addr: number, mode: number, flags: number): number {
  if (mode & ~7) return -EINVAL;
  const target = pathOrFd(k, dirfd, addr, flags);
  if (flags & abi.AT_SYMLINK_NOFOLLOW && fs.lstatSync(target).isSymbolicLink()) return 0;
  fs.accessSync(target, mode);
  return 0;
}

/** struct timespec[2] for utimensat, in seconds; null leaves a time as it is. */
function newTimes(k: LinuxKernel, addr: number): [number | null, number | null] {
  const now = Date.now() / 1e3;
  if (addr === 0) return [now, now];
  const one = (at: number): number | null => {
    const nsec = k.mem.readI64(at + 8);
    if (nsec === abi.UTIME_NOW) return now;
    if (nsec === abi.UTIME_OMIT) return null;
    if (nsec < 0 || nsec > 999_999_999) throw new SysError(EINVAL);
    return k.mem.readI64(at) + nsec / 1e9;
  };
  return [one(addr), one(addr + 16)];
}

export const PATH_CALLS: Handlers = {
  openat: (k, dirfd, name, flags, mode) => open(k, dirfd, k.paths.string(name), flags, mode),

  memfd_create(k, name, flags) {
    k.paths.string(name);
    if (flags & ~3) return -EINVAL;
    return installHost(k, temporaryFile(new Uint8Array(0)), abi.O_RDWR | (flags & 1 ? abi.O_CLOEXEC : 0));
  },

  mkdirat(k, dirfd, name, mode) {
    const mask = Atomics.load(k.machine.i32, P.P_UMASK >> 2);
    fs.mkdirSync(k.paths.resolve(dirfd, k.paths.string(name)), { mode: mode & 0o7777 & ~mask });
    return 0;
  },

  unlinkat(k, dirfd, name, flags) {
    if (flags & ~abi.AT_REMOVEDIR) return -EINVAL;
    const target = k.paths.resolve(dirfd, k.paths.string(name));
    if (flags) fs.rmdirSync(target);
    else if (fs.lstatSync(target).isDirectory()) return -EISDIR;
    else fs.unlinkSync(target);
    return 0;
  },

  symlinkat(k, to, dirfd, name) {
    const text = k.paths.string(to);
    if (text === '') return -ENOENT;
    fs.symlinkSync(text, k.paths.resolve(dirfd, k.paths.string(name)));
    return 0;
  },

  linkat(k, from, a, to, b, flags) {
    if (flags & ~(abi.AT_SYMLINK_FOLLOW | abi.AT_EMPTY_PATH)) return -EINVAL;
    let source = pathOrFd(k, from, a, flags);
    if (flags & abi.AT_SYMLINK_FOLLOW) source = fs.realpathSync(source);
    fs.linkSync(source, k.paths.resolve(to, k.paths.string(b)));
    return 0;
  },

  renameat: (k, from, a, to, b) => rename(k, from, a, to, b, 0),
  renameat2: (k, from, a, to, b, flags) => rename(k, from, a, to, b, flags),

  truncate(k, name, size) {
    if (size < 0) return -EINVAL;
    fs.truncateSync(k.paths.resolve(abi.AT_FDCWD, k.paths.string(name)), size);
    return 0;
  },

  faccessat: (k, dirfd, name, mode) => access(k, dirfd, name, mode, 0),
  faccessat2: (k, dirfd, name, mode, flags) =>
    flags & ~(abi.AT_EACCESS | abi.AT_SYMLINK_NOFOLLOW | abi.AT_EMPTY_PATH)
      ? -EINVAL
      : access(k, dirfd, name, mode, flags),

  getcwd(k, addr, size) {
    const bytes = Buffer.from(`${k.paths.cwd}\0`);
    if (size >= 0 && size < bytes.length) return -ERANGE;
    k.mem.copyOut(addr, bytes);
    return bytes.length;
  },

  chdir(k, name) {
    const target = k.paths.resolve(abi.AT_FDCWD, k.paths.string(name));
    if (!fs.statSync(target).isDirectory()) return -ENOTDIR;
    fs.accessSync(target, HOST.X_OK);
    k.paths.cwd = fs.realpathSync(target);
    return 0;
  },

  fchdir(k, fd) {
    return k.files.use(fd, (desc) => {
      if (k.files.word(desc, P.D_KIND) !== P.KIND_DIR) return -ENOTDIR;
      k.paths.cwd = fs.realpathSync(`/proc/self/fd/${k.files.word(desc, P.D_HOST)}`);
      return 0;
    });
  },

  fchmodat(k, dirfd, name, mode) {
    fs.chmodSync(k.paths.resolve(dirfd, k.paths.string(name)), mode & 0o7777);
    return 0;
  },

  fchownat(k, dirfd, name, uid, gid, flags) {
    const target = pathOrFd(k, dirfd, name, flags);
    const link = (flags & abi.AT_SYMLINK_NOFOLLOW) !== 0;
    const now = link ? fs.lstatSync(target) : fs.statSync(target);
    const change = link ? fs.lchownSync : fs.chownSync;
    change(target, uid === -1 ? now.uid : uid, gid === -1 ? now.gid : gid);
    return 0;
  },

  readlinkat(k, dirfd, name, addr, size) {
    if (size <= 0) return -EINVAL;
    const text = k.paths.string(name);
    const own = text === '' ? null : k.paths.ownProc(text);
    let target: string;
    if (own === 'exe') target = k.env.config.exePath;
    else if (own === 'cwd') target = k.paths.cwd;
    else if (own === '' && /self$/.test(text)) target = String(k.machine.i32[P.P_PID >> 2]);
    else
      target = fs.readlinkSync(
        own === null ? pathOrFd(k, dirfd, name, abi.AT_EMPTY_PATH) : k.paths.resolve(dirfd, text),
      );
    const bytes = Buffer.from(target).subarray(0, size);
    k.mem.copyOut(addr, bytes);
    return bytes.length;
  },

  utimensat(k, dirfd, name, times, flags) {
    const [atime, mtime] = newTimes(k, times);
    const target = name === 0 ? pathOrFd(k, dirfd, 0, abi.AT_EMPTY_PATH) : pathOrFd(k, dirfd, name, flags);
    const link = (flags & abi.AT_SYMLINK_NOFOLLOW) !== 0;
    const now = link ? fs.lstatSync(target) : fs.statSync(target);
    const change = link ? fs.lutimesSync : fs.utimesSync;
    change(target, atime ?? now.atimeMs / 1e3, mtime ?? now.mtimeMs / 1e3);
    return 0;
  },

  umask: (k, mode) => Atomics.exchange(k.machine.i32, P.P_UMASK >> 2, mode & 0o777),
};
