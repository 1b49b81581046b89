/** Small helpers for guest memory that system calls share. */
import type { GuestMem } from '../core/guest-mem.js';
import { ACCESS_WRITE } from '../core/layout.js';

/** Bytes of the bounce buffer between guest frames and host I/O. */
export const BOUNCE = 65536;

/** Checks that `length` bytes can be written, before a call does anything that cannot be undone. @throws GuestFault. */
export function probe(mem: GuestMem, addr: number, length: number): void {
  mem.pieces(addr, length, ACCESS_WRITE, () => {});
}
