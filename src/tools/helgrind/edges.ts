/**
 * Happens-before edges: keys of the clocks that the run time keeps for objects (src/rt/helgrind.ts). A key has a class
 * in bits 56..60, then the record number of an object or a guest address, and the low bits for the clocks of one object.
 */
import type { ToolHost } from '../api.js';

const OBJECT = 1n << 56n;
const FUTEX = 2n << 56n;
const USER = 3n << 56n;
const ONCE = 4n << 56n;
const L4_OBJECT = 5n << 56n;
const L4_THREAD = 6n << 56n;
const EXIT = 1n << 61n;
const SUB_BITS = 8n;

/** One of the clocks (0..255) of the object with this record number. */
export const objectKey = (number: number, sub = 0): bigint =>
  OBJECT | (BigInt(number) << SUB_BITS) | BigInt(sub);
/** A word that threads wait on in the kernel. */
export const futexKey = (addr: number): bigint => FUTEX | BigInt(addr);
/** ANNOTATE_HAPPENS_BEFORE and _AFTER. */
export const userKey = (addr: number): bigint => USER | BigInt(addr);
/** What the routine of a pthread_once_t left. */
export const onceKey = (control: number): bigint => ONCE | BigInt(control);
/** What was left in an IRQ object or a semaphore of Fiasco.OC, by the object's number. */
export const l4Key = (object: number): bigint => L4_OBJECT | BigInt(object);
/** What a thread, by its thread state, hands to the one it exchanges a message with. */
export const l4ThreadKey = (ts: number): bigint => L4_THREAD | BigInt(ts);
/** What a thread leaves when it ends. */
export const exitKey = (tid: number): bigint => EXIT | BigInt(tid);

export class Edges {
  constructor(private readonly host: ToolHost) {}

  /** The thread learns what was released to the key. */
  acquire(ts: number, key: bigint): void {
    this.host.rt['hg_acquire']!(ts, key);
  }

  /** What the thread did so far is known to whoever acquires the key; what was there before stays known too. */
  join(ts: number, key: bigint): void {
    this.host.rt['hg_release']!(ts, key, 0);
  }

  /** The same, but what was there before is forgotten. */
  replace(ts: number, key: bigint): void {
    this.host.rt['hg_release']!(ts, key, 1);
  }

  /** Nothing is known by this key any more. */
  forget(ts: number, key: bigint): void {
    this.host.rt['hg_forget']?.(ts, key);
  }
}
