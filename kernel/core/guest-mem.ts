/**
 * Guest memory as syscalls see it: little-endian accesses by guest address that honour protections and resolve
 * faults through the pager. What cannot be resolved throws `GuestFault`.
 *
 * Each access (each page-contiguous piece of a copy) is made under the region lock, so its frame cannot be given
 * away meanwhile. Plain, not atomic: words other threads may change at the same time go through `hostWord`.
 */

import type { AddressSpace } from './address-space.js';
import { ACCESS_READ, ACCESS_WRITE, PAGE_SIZE } from './layout.js';
import type { Machine } from './machine.js';
import { entryHost } from './pagemap.js';
import { type BadFault, SEGV_MAPERR, SIGSEGV } from './pager.js';

/** An access the pager could not resolve; becomes EFAULT in a syscall. */
export class GuestFault extends Error {
  /** Guest address that faulted. */
  readonly addr: number;
  /** The signal a guest access would get. */
  readonly fault: BadFault;

  constructor(fault: BadFault) {
    super(`guest memory fault at 0x${fault.addr.toString(16)}`);
    this.addr = fault.addr;
    this.fault = fault;
  }
}

/** Whoever resolves faults in ranges that a guest thread manages. */
export interface FaultManager {
  /** Whether the running thread has to ask for a page that is missing at `addr`. Region lock. */
  asks(addr: number): boolean;
  /** Waits until the page is there, or may be; no lock is held. Throws GuestFault when it will not be. */
  resolve(addr: number, access: number): void;
}

export class GuestMem {
  readonly machine: Machine;
  readonly space: AddressSpace;
  /** Hears of every range that is written through this object, before it is. */
  written: ((addr: number, length: number) => void) | null = null;
  /** Hears of host bytes that are about to be written through this object. Region lock. */
  writes: ((host: number, length: number) => void) | null = null;
  /** Set while a system call runs, which may wait; without it a managed page that is missing is a fault. */
  manager: FaultManager | null = null;
  private readonly bounce = new DataView(new ArrayBuffer(8));

  constructor(machine: Machine, space: AddressSpace) {
    this.machine = machine;
    this.space = space;
  }

  readU8(addr: number): number {
    return this.load(addr, 1).getUint8(0);
  }

  readU16(addr: number): number {
    return this.load(addr, 2).getUint16(0, true);
  }

  readI32(addr: number): number {
    return this.load(addr, 4).getInt32(0, true);
  }

  readU32(addr: number): number {
    return this.load(addr, 4).getUint32(0, true);
  }

  /** As a number: exact up to 2^53. */
  readU64(addr: number): number {
    const v = this.load(addr, 8);
    return v.getUint32(4, true) * 2 ** 32 + v.getUint32(0, true);
  }

  /** As a signed number: exact within +-2^53. */
  readI64(addr: number): number {
    const v = this.load(addr, 8);
    return v.getInt32(4, true) * 2 ** 32 + v.getUint32(0, true);
  }

  readBigU64(addr: number): bigint {
    return this.load(addr, 8).getBigUint64(0, true);
  }

  writeU8(addr: number, value: number): void {
    this.bounce.setUint8(0, value);
    this.store(addr, 1);
  }

  writeU16(addr: number, value: number): void {
    this.bounce.setUint16(0, value, true);
    this.store(addr, 2);
  }

  /** The low 32 bits of `value`, signed or not. */
  writeU32(addr: number, value: number): void {
    this.bounce.setUint32(0, value, true);
    this.store(addr, 4);
  }

  /** An integer within +-2^53, in two's complement. */
  writeU64(addr: number, value: number): void {
    this.bounce.setUint32(0, value, true);
    this.bounce.setUint32(4, Math.floor(value / 2 ** 32), true);
    this.store(addr, 8);
  }

  writeBigU64(addr: number, value: bigint): void {
    this.bounce.setBigUint64(0, value, true);
    this.store(addr, 8);
  }

  /** A private copy of `length` bytes. */
  copyIn(addr: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.readInto(addr, bytes);
    return bytes;
  }

  /** Fills `into` from guest memory. */
  readInto(addr: number, into: Uint8Array): void {
    const { u8 } = this.machine;
    this.pieces(addr, into.length, ACCESS_READ, (host, length, done) => {
      into.set(u8.subarray(host, host + length), done);
    });
  }

  /** Writes `bytes` to guest memory. On a fault the part in front of it has been written. */
  copyOut(addr: number, bytes: Uint8Array): void {
    const { u8 } = this.machine;
    this.written?.(addr, bytes.length);
    this.pieces(addr, bytes.length, ACCESS_WRITE, (host, length, done) => {
      u8.set(bytes.subarray(done, done + length), host);
    });
  }

  /** Fills guest memory with one byte value. */
  fill(addr: number, length: number, value: number): void {
    const { u8 } = this.machine;
    this.written?.(addr, length);
    this.pieces(addr, length, ACCESS_WRITE, (host, n) => u8.fill(value, host, host + n));
  }

  /** A NUL-terminated UTF-8 string of at most `max` bytes (without the NUL); null when it is longer. */
  cstring(addr: number, max = 4096): string | null {
    const bytes = this.cbytes(addr, max);
    return bytes === null ? null : new TextDecoder().decode(bytes);
  }

  /** The bytes of `cstring`. */
  cbytes(addr: number, max = 4096): Uint8Array | null {
    const found = new Uint8Array(max + 1);
    for (let done = 0; done <= max; ) {
      const n = Math.min(PAGE_SIZE - ((addr + done) % PAGE_SIZE), max + 1 - done);
      this.readInto(addr + done, found.subarray(done, done + n));
      const end = found.subarray(0, done + n).indexOf(0, done);
      if (end >= 0) return found.slice(0, end);
      done += n;
    }
    return null;
  }

  /**
   * Calls `visit(host, length, done)` for each piece of the range that lies in one page run, `done` being the bytes
   * before it. The region lock is held: `visit` must not call into the space, and must not keep `host`.
   */
  pieces(
    addr: number,
    length: number,
    access: number,
    visit: (host: number, length: number, done: number) => void,
  ): void {
    const { space } = this.space;
    for (let done = 0; done < length; ) {
      const a = addr + done;
      const host = this.enter(a, access);
      try {
        let n = PAGE_SIZE - (a % PAGE_SIZE);
        // Further pages join while they are present, allowed and next to each other.
        while (n < length - done) {
          const entry = space.map.lookup(a + n);
          if ((entry & access) === 0 || entryHost(entry) !== host + n) break;
          n += PAGE_SIZE;
        }
        n = Math.min(n, length - done);
        if (access === ACCESS_WRITE) this.writes?.(host, n);
        visit(host, n, done);
        done += n;
      } finally {
        space.unlock();
      }
    }
  }

  /**
   * Host byte offset of the aligned 32-bit word at `addr`, for futexes and atomics. Its frame may be given away as
   * soon as another thread unmaps the page: harmless for a read or a wait, but a store must not go through it late.
   * Throws GuestFault; RangeError when `addr` is not a multiple of 4.
   */
  hostWord(addr: number, write: boolean): number {
    if (addr % 4 !== 0) throw new RangeError('futex word is not aligned');
    const host = this.enter(addr, write ? ACCESS_WRITE : ACCESS_READ);
    this.space.space.unlock();
    return host;
  }

  /** Takes the region lock with the page of `addr` there: host address of the byte. Without the lock when it throws. */
  private enter(addr: number, access: number): number {
    const { space } = this.space;
    for (;;) {
      space.lock();
      let host = 0;
      try {
        host = this.translate(addr, access);
      } finally {
        if (host === 0) space.unlock();
      }
      if (host !== 0) return host;
      this.manager?.resolve(addr, access);
    }
  }

  /** Host address of a guest byte, faults resolved; 0 when the page's manager has to be asked. Region lock. */
  private translate(addr: number, access: number): number {
    const { map, managed } = this.space.space;
    for (;;) {
      const entry = map.lookup(addr);
      if ((entry & access) !== 0) return entryHost(entry) + (addr % PAGE_SIZE);
      const asks = managed.any && managed.at(addr) !== undefined && this.manager?.asks(addr) !== false;
      const missing = { signo: SIGSEGV, code: SEGV_MAPERR, addr };
      const fault = asks && entry === 0 ? missing : this.space.pager.faultLocked(addr, access);
      if (fault === 0) continue;
      if (asks && this.manager !== null) return 0;
      throw new GuestFault(fault);
    }
  }

  private load(addr: number, size: number): DataView {
    const { u8 } = this.machine;
    const into = this.bounce;
    if ((addr % PAGE_SIZE) + size > PAGE_SIZE) {
      this.readInto(addr, new Uint8Array(into.buffer, 0, size));
      return into;
    }
    const { space } = this.space;
    const host = this.enter(addr, ACCESS_READ);
    try {
      for (let k = 0; k < size; k++) into.setUint8(k, u8[host + k]);
    } finally {
      space.unlock();
    }
    return into;
  }

  private store(addr: number, size: number): void {
    this.copyOut(addr, new Uint8Array(this.bounce.buffer, 0, size));
  }
}
