/**
 * Files that are mapped: their ids and the host descriptors that serve them, in shared memory, so that any worker
 * can fill a page of a mapping that another one made.
 *
 * A file keeps its id as long as it is mapped, whatever descriptors it is mapped through: mappings of one file share
 * pages. The descriptors here are our own, so the guest may close the one it mapped through. Entries are changed
 * under the files lock and stay valid while the file is mapped, so the pager reads them without a lock.
 */
import fs from 'node:fs';
import type { AddressSpace, MapRequest } from '../core/address-space.js';
import type { Machine } from '../core/machine.js';
import type { FileReader, FileWriter } from '../core/space.js';
import { ENFILE } from './errno.js';
import { SysError } from './error.js';
import { MAPPED_MAX, MAPPED_SIZE, P_MAPPED } from './process.js';

const M_DEV = 0;
const M_INO = 8;
const M_READ = 16;
const M_WRITE = 20;

export class MappedFiles {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Lets a space of this worker find the files of mappings that other workers made. */
  serve(space: AddressSpace): void {
    space.hooks.fileReader = (id) => this.reader(id);
    space.hooks.fileWriter = (id) => this.writer(id);
  }

  /**
   * What `AddressSpace.map` needs for a file open as host descriptor `host`. Files lock, until it is mapped.
   *
   * @param writable whether a shared mapping may be written back.
   * @throws SysError ENFILE when too many files are mapped, or an exception of node:fs.
   */
  request(
    space: AddressSpace,
    host: number,
    writable: boolean,
    offset: number,
  ): NonNullable<MapRequest['file']> {
    const id = this.#register(space, host, writable);
    const reader = this.reader(id)!;
    return {
      id,
      offset,
      get size() {
        return reader.size;
      },
      read: reader.read,
    };
  }

  reader(id: number): FileReader | undefined {
    const host = this.#word(id, M_READ);
    if (host === 0) return undefined;
    return {
      get size() {
        return fs.fstatSync(host).size;
      },
      read: (offset, into) =>
        transfer(into, offset, (done, at) => fs.readSync(host, into, done, into.length - done, at)),
    };
  }

  writer(id: number): FileWriter | undefined {
    const host = this.#word(id, M_WRITE);
    if (host === 0) return undefined;
    return {
      get size() {
        return fs.fstatSync(host).size;
      },
      write: (offset, from) => {
        transfer(from, offset, (done, at) => fs.writeSync(host, from, done, from.length - done, at));
      },
    };
  }

  #word(id: number, field: number): number {
    if (id < 1 || id > MAPPED_MAX) return 0;
    return this.#machine.i32[(P_MAPPED + (id - 1) * MAPPED_SIZE + field) >> 2];
  }

  #register(space: AddressSpace, host: number, writable: boolean): number {
    const { i32, i64 } = this.#machine;
    const { dev, ino } = fs.fstatSync(host, { bigint: true });
    let id = 0;
    for (let i = 1; i <= MAPPED_MAX && id === 0; i++) {
      const at = (P_MAPPED + (i - 1) * MAPPED_SIZE) >> 3;
      if (
        this.#word(i, M_READ) !== 0 &&
        i64[at + (M_DEV >> 3)] === dev &&
        i64[at + (M_INO >> 3)] === BigInt.asIntN(64, ino)
      )
        id = i;
    }
    id ||= this.#free(space);
    const entry = P_MAPPED + (id - 1) * MAPPED_SIZE;
    const again = (flags: number) => fs.openSync(`/proc/self/fd/${host}`, flags);
    if (this.#word(id, M_READ) === 0) {
      i64[(entry + M_DEV) >> 3] = dev;
      i64[(entry + M_INO) >> 3] = BigInt.asIntN(64, ino);
      i32[(entry + M_WRITE) >> 2] = 0;
      i32[(entry + M_READ) >> 2] = again(fs.constants.O_RDONLY);
    }
    if (writable && this.#word(id, M_WRITE) === 0) i32[(entry + M_WRITE) >> 2] = again(fs.constants.O_RDWR);
    return id;
  }

  /** A free entry; when there is none, those whose files are no longer mapped are given up. */
  #free(space: AddressSpace): number {
    const { i32 } = this.#machine;
    for (const sweep of [false, true]) {
      for (let id = 1; id <= MAPPED_MAX; id++) {
        if (sweep && this.#word(id, M_READ) !== 0 && !space.usesFile(id)) {
          const entry = P_MAPPED + (id - 1) * MAPPED_SIZE;
          for (const field of [M_READ, M_WRITE]) {
            const host = this.#word(id, field);
            if (host !== 0) fs.closeSync(host);
            i32[(entry + field) >> 2] = 0;
          }
        }
        if (this.#word(id, M_READ) === 0) return id;
      }
    }
    throw new SysError(ENFILE);
  }
}

/** Repeats a positioned read or write until the buffer is through or the file ends; bytes moved. */
function transfer(bytes: Uint8Array, offset: number, step: (done: number, at: number) => number): number {
  let done = 0;
  while (done < bytes.length) {
    const n = step(done, offset + done);
    if (n <= 0) break;
    done += n;
  }
  return done;
}
