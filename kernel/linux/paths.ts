/**
 * From a guest path to a host path. Absolute paths are tried below --sysroot first, as qemu -L does; relative ones
 * start at the guest's working directory, which is ours to keep (workers cannot chdir), or at a directory
 * descriptor, reached through the host's /proc/self/fd.
 */
import fs from 'node:fs';
import path from 'node:path';
import { AT_FDCWD, PATH_MAX } from './abi.js';
import type { LinuxEnv } from './env.js';
import { EACCES, EBADF, ENAMETOOLONG, ENOENT, ENOTDIR } from './errno.js';
import { SysError } from './error.js';
import type { FileTable } from './files.js';
import * as P from './process.js';

export class PathResolver {
  readonly #env: LinuxEnv;
  readonly #files: FileTable;
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;

  constructor(env: LinuxEnv, files: FileTable) {
    this.#env = env;
    this.#files = files;
    this.#u8 = env.machine.u8;
    this.#i32 = env.machine.i32;
  }

  /** The guest's working directory, an absolute host path. */
  get cwd(): string {
    return this.#files.locked(() => {
      const length = this.#i32[P.P_CWD >> 2];
      return Buffer.from(this.#u8.slice(P.P_CWD + 4, P.P_CWD + 4 + length)).toString();
    });
  }

  set cwd(directory: string) {
    const bytes = Buffer.from(directory);
    if (bytes.length > P.P_CWD_SIZE - 4) throw new SysError(ENAMETOOLONG);
    this.#files.locked(() => {
      this.#i32[P.P_CWD >> 2] = bytes.length;
      this.#u8.set(bytes, P.P_CWD + 4);
    });
  }

  /** The C string at `addr`. @throws GuestFault, SysError ENAMETOOLONG. */
  string(addr: number): string {
    const text = this.#env.mem.cstring(addr, PATH_MAX - 1);
    if (text === null) throw new SysError(ENAMETOOLONG);
    return text;
  }

  /**
   * Host path of what the guest calls `name` relative to `dirfd`.
   *
   * @throws SysError ENOENT for an empty name, EBADF or ENOTDIR for the descriptor, EACCES for the framework's
   *   own /proc entries.
   */
  resolve(dirfd: number, name: string): string {
    if (name === '') throw new SysError(ENOENT);
    if (name.startsWith('/')) return this.#absolute(name);
    if (dirfd === AT_FDCWD) {
      const joined = `${this.cwd}/${name}`;
      if (path.posix.normalize(joined).startsWith('/proc/'))
        return this.#absolute(path.posix.normalize(joined));
      return joined;
    }
    const desc = this.#files.lookup(dirfd);
    if (desc === 0) throw new SysError(EBADF);
    if (this.#files.word(desc, P.D_KIND) !== P.KIND_DIR) throw new SysError(ENOTDIR);
    return `/proc/self/fd/${this.#files.word(desc, P.D_HOST)}/${name}`;
  }

  /** What a /proc path of the guest's own process stands for: the part behind /proc/self, or null. */
  ownProc(name: string): string | null {
    if (!/proc|\/dev\/(fd|std)/.test(name)) return null;
    const clean = path.posix.normalize(name);
    const std = ['/dev/stdin', '/dev/stdout', '/dev/stderr'].indexOf(clean);
    if (std >= 0) return `fd/${std}`;
    if (clean.startsWith('/dev/fd/')) return clean.slice(5);
    const pid = this.#i32[P.P_PID >> 2];
    const match = /^\/proc\/(self|thread-self|\d+)(?:\/(.*))?$/.exec(clean);
    if (match === null) return null;
    if (/^\d/.test(match[1]!) && Number(match[1]) !== pid && Number(match[1]) !== process.pid) return null;
    const rest = (match[2] ?? '').replace(/\/$/, '');
    return rest.replace(/^task\/\d+(\/|$)/, '');
  }

  /** The host path behind /proc/self/fd/N of the guest. @throws SysError ENOENT. */
  ownFd(rest: string): string | null {
    const match = /^fd\/(\d+)$/.exec(rest);
    if (match === null) return null;
    const desc = this.#files.lookup(Number(match[1]));
    if (desc === 0) throw new SysError(ENOENT);
    const kind = this.#files.word(desc, P.D_KIND);
    if (kind === P.KIND_PIPE_READ || kind === P.KIND_PIPE_WRITE || kind === P.KIND_EVENT)
      throw new SysError(EACCES);
    return `/proc/self/fd/${this.#files.word(desc, P.D_HOST)}`;
  }

  #absolute(name: string): string {
    const own = this.ownProc(name);
    if (own !== null) {
      if (own === 'exe') return this.#env.config.exePath;
      if (own === 'cwd') return this.cwd;
      if (own === 'root') return '/';
      if (own === '') return '/proc/self';
      const fd = this.ownFd(own);
      if (fd !== null) return fd;
      // The rest of the host's /proc/self is the framework itself: its memory, its maps, its threads.
      if (own !== 'fd') throw new SysError(EACCES);
    }
    const root = this.#env.config.sysroot;
    if (root !== undefined && root !== '') {
      const inside = path.posix.join(root, name);
      if (fs.lstatSync(inside, { throwIfNoEntry: false }) !== undefined) return inside;
    }
    return name;
  }
}
