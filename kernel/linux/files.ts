/**
 * Descriptors and open file descriptions of the guest process, in shared memory (see process.ts for the layout), since
 * its threads run in different workers. Host descriptors are the process's, so every worker may use them.
 *
 * Every function here takes the files lock itself where it changes something; none touches guest memory.
 * A call that uses a description holds a reference meanwhile, so that another thread's close cannot pull it away.
 */
import fs from 'node:fs';
import { G_LOCK_FILES } from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import {
  O_APPEND,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  OPEN_MAX,
  S_IFBLK,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from './abi.js';
import { EBADF, EMFILE, ENFILE } from './errno.js';
import { SysError } from './error.js';
import { lockWord, unlockWord } from './lock.js';
import * as P from './process.js';

export interface NewDescription {
  kind: number;
  /** Guest O_* flags. */
  flags: number;
  /** Host descriptor or pipe index. */
  host: number;
  offset?: number;
  aux?: number;
}

export class FileTable {
  readonly machine: Machine;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  /** Called with the files lock held when a pipe end loses its last description. */
  onPipeEnd: (pipe: number, writer: boolean) => void = () => {};

  constructor(machine: Machine) {
    this.machine = machine;
    this.#i32 = machine.i32;
    this.#f64 = machine.f64;
  }

  lock(): void {
    lockWord(this.machine, G_LOCK_FILES);
  }

  unlock(): void {
    unlockWord(this.machine, G_LOCK_FILES);
  }

  locked<R>(fn: () => R): R {
    this.lock();
    try {
      return fn();
    } finally {
      this.unlock();
    }
  }

  /** A word (D_*) of a description. */
  word(desc: number, field: number): number {
    return this.#i32[(desc + field) >> 2];
  }

  setWord(desc: number, field: number, value: number): void {
    this.#i32[(desc + field) >> 2] = value;
  }

  /** File offset or counter of a description. */
  offset(desc: number): number {
    return this.#f64[(desc + P.D_OFFSET) >> 3];
  }

  setOffset(desc: number, value: number): void {
    this.#f64[(desc + P.D_OFFSET) >> 3] = value;
  }

  /** Marks descriptors ready for a look: pollers wake up. */
  bump(): void {
    Atomics.add(this.#i32, P.P_READY >> 2, 1);
    Atomics.notify(this.#i32, P.P_READY >> 2);
  }

  /** Address of the description behind a guest descriptor, 0 = none. Files lock, or for a quick look only. */
  lookup(fd: number): number {
    if (fd < 0 || fd >= OPEN_MAX) return 0;
    const entry = Atomics.load(this.#i32, (P.P_FDS >> 2) + fd) & 0xffff;
    return entry === 0 ? 0 : P.P_DESCS + (entry - 1) * P.DESC_SIZE;
  }

  /** Runs `fn` with a reference to the description held. @throws SysError EBADF. */
  use<R>(fd: number, fn: (desc: number) => R): R {
    this.lock();
    const desc = this.lookup(fd);
    if (desc !== 0) this.#i32[(desc + P.D_REFS) >> 2]++;
    this.unlock();
    if (desc === 0) throw new SysError(EBADF);
    try {
      return fn(desc);
    } finally {
      this.locked(() => this.#drop(desc));
    }
  }

  /**
   * Puts a new description behind the lowest free descriptor not below `from`.
   *
   * @throws SysError EMFILE or ENFILE; the host descriptor then stays the caller's.
   */
  install(what: NewDescription, closeOnExec: boolean, from = 0): number {
    return this.locked(() => {
      const fd = this.#freeFd(from);
      const desc = this.#newDescription(what);
      this.#i32[(P.P_FDS >> 2) + fd] = this.#entry(desc, closeOnExec);
      return fd;
    });
  }

  /** dup, dup3, F_DUPFD: another descriptor for the same description. @throws SysError EBADF, EMFILE. */
  duplicate(fd: number, closeOnExec: boolean, from: number, exact: boolean): number {
    return this.locked(() => {
      const desc = this.lookup(fd);
      if (desc === 0) throw new SysError(EBADF);
      const target = exact ? from : this.#freeFd(from);
      if (exact) this.#closeLocked(target);
      this.#i32[(desc + P.D_REFS) >> 2]++;
      this.#i32[(P.P_FDS >> 2) + target] = this.#entry(desc, closeOnExec);
      return target;
    });
  }

  /** False when the descriptor is not open. */
  close(fd: number): boolean {
    return this.locked(() => this.#closeLocked(fd));
  }

  closeOnExec(fd: number): boolean {
    return (this.#i32[(P.P_FDS >> 2) + fd] & P.FD_CLOSE) !== 0;
  }

  setCloseOnExec(fd: number, on: boolean): void {
    this.locked(() => {
      const desc = this.lookup(fd);
      if (desc !== 0) this.#i32[(P.P_FDS >> 2) + fd] = this.#entry(desc, on);
    });
  }

  /** Descriptors that are open now. */
  open(): number[] {
    const fds: number[] = [];
    for (let fd = 0; fd < OPEN_MAX; fd++) if (this.lookup(fd) !== 0) fds.push(fd);
    return fds;
  }

  /** Whether the descriptor's access mode allows reading / writing. */
  readable(desc: number): boolean {
    return (this.word(desc, P.D_FLAGS) & 3) !== O_WRONLY;
  }

  writable(desc: number): boolean {
    return (this.word(desc, P.D_FLAGS) & 3) !== O_RDONLY;
  }

  nonblocking(desc: number): boolean {
    return (this.word(desc, P.D_FLAGS) & O_NONBLOCK) !== 0;
  }

  /**
   * The description of a host descriptor that the guest inherits as `fd`; nothing when the host has none.
   *
   * @param asPipe the guest is to see a pipe, whatever it is on the host
   */
  inherit(fd: number, host: number, asPipe = false): void {
    let stats: fs.Stats;
    try {
      stats = fs.fstatSync(host);
    } catch {
      return;
    }
    let hostFd = host;
    let aux = P.DA_KEEP | P.DA_HOST_OFFSET;
    let flags = hostFlags(host) ?? (fd === 0 ? O_RDONLY : O_RDWR);
    const real = kindOfMode(stats.mode);
    const kind = asPipe ? P.KIND_STREAM : real;
    if (real === P.KIND_STREAM && fd === 0) {
      // A read that blocks inside the host could not be interrupted: an open description of our own, without
      // blocking, lets us wait ourselves and leaves the one we share with other processes as it is.
      try {
        const own = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY;
        hostFd = fs.openSync(`/proc/self/fd/${host}`, own);
        aux = P.DA_POLLED;
      } catch {
        // A socket: reads block in the host. One that is set not to is asked again and again.
        if (flags & O_NONBLOCK) aux |= P.DA_POLLED;
      }
    }
    if (kind === P.KIND_STREAM) flags &= ~O_APPEND;
    if (asPipe) aux |= P.DA_AS_PIPE;
    this.install({ kind, flags: flags & ~O_NONBLOCK, host: hostFd, aux }, false, fd);
  }

  #entry(desc: number, closeOnExec: boolean): number {
    return ((desc - P.P_DESCS) / P.DESC_SIZE + 1) | (closeOnExec ? P.FD_CLOSE : 0);
  }

  #freeFd(from: number): number {
    for (let fd = from; fd < OPEN_MAX; fd++) if (this.#i32[(P.P_FDS >> 2) + fd] === 0) return fd;
    throw new SysError(EMFILE);
  }

  #newDescription(what: NewDescription): number {
    for (let i = 0; i < P.DESC_MAX; i++) {
      const desc = P.P_DESCS + i * P.DESC_SIZE;
      if (this.word(desc, P.D_REFS) !== 0) continue;
      this.setWord(desc, P.D_KIND, what.kind);
      this.setWord(desc, P.D_REFS, 1);
      this.setWord(desc, P.D_FLAGS, what.flags);
      this.setWord(desc, P.D_HOST, what.host);
      this.setWord(desc, P.D_AUX, what.aux ?? 0);
      this.setOffset(desc, what.offset ?? 0);
      this.setWord(desc, P.D_GENERATION, this.#i32[P.P_GENERATION >> 2]++);
      return desc;
    }
    throw new SysError(ENFILE);
  }

  #closeLocked(fd: number): boolean {
    const desc = this.lookup(fd);
    if (desc === 0) return false;
    this.#i32[(P.P_FDS >> 2) + fd] = 0;
    this.#drop(desc);
    return true;
  }

  #drop(desc: number): void {
    if (--this.#i32[(desc + P.D_REFS) >> 2] > 0) return;
    const kind = this.word(desc, P.D_KIND);
    const host = this.word(desc, P.D_HOST);
    if (kind === P.KIND_PIPE_READ || kind === P.KIND_PIPE_WRITE) {
      this.onPipeEnd(host, kind === P.KIND_PIPE_WRITE);
    } else if (kind !== P.KIND_EVENT && (this.word(desc, P.D_AUX) & P.DA_KEEP) === 0) {
      fs.closeSync(host);
    }
    this.setWord(desc, P.D_KIND, 0);
  }
}

/** KIND_* of a host file with this st_mode. */
export function kindOfMode(mode: number): number {
  const type = mode & S_IFMT;
  if (type === S_IFREG || type === S_IFBLK) return P.KIND_FILE;
  return type === S_IFDIR ? P.KIND_DIR : P.KIND_STREAM;
}

/** A number out of /proc/self/fdinfo, null when the host has no such file. */
function fdinfo(host: number, name: string, radix: number): number | null {
  try {
    const found = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(
      fs.readFileSync(`/proc/self/fdinfo/${host}`, 'latin1'),
    );
    return found ? Number.parseInt(found[1]!, radix) : null;
  } catch {
    return null;
  }
}

/** Access mode, O_APPEND and O_NONBLOCK of a host descriptor: the values are the same on Linux hosts. */
export function hostFlags(host: number): number | null {
  const flags = fdinfo(host, 'flags', 8);
  return flags === null ? null : flags & (3 | O_APPEND | O_NONBLOCK);
}

/** The host's own offset of a descriptor, in bytes; null when unknown. */
export function hostOffset(host: number): number | null {
  return fdinfo(host, 'pos', 10);
}
