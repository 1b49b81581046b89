/**
 * The kernel's shared state as one worker sees it: the kernel lock, objects, quota.
 *
 * One lock guards all of it (rank l4Kernel): an operation on objects, or a phase of an IPC, is one critical section.
 * Threads that wait sleep without it, on their own H_STATE word.
 */
import { Mutex } from '../../sync/mutex.js';
import { Frames } from '../core/frames.js';
import { PAGE_SIZE } from '../core/layout.js';
import type { Machine } from '../core/machine.js';
import * as L from './layout.js';
import { Words } from './words.js';

/** Frames of the object table; the host commits them as they are touched. */
const TABLE_FRAMES = (L.OBJECT_MAX * L.OBJECT_SIZE) / PAGE_SIZE;

export class L4State {
  readonly machine: Machine;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly words: Words;
  readonly frames: Frames;
  readonly #lock: Mutex;
  /** Monotonic time in ms: the host's, or a schedule's. Set by the kernel. */
  now: () => number = () => 0;

  constructor(machine: Machine) {
    this.machine = machine;
    this.i32 = machine.i32;
    this.u32 = machine.u32;
    this.f64 = machine.f64;
    this.words = new Words(machine);
    this.frames = new Frames(machine);
    this.#lock = new Mutex(machine.i32, L.A_LOCK >>> 2, 'l4Kernel');
  }

  /** Sets the tables up in a fresh machine. False when there are no frames for them. */
  boot(): boolean {
    const table = this.frames.reserveHigh(TABLE_FRAMES);
    if (table === 0) return false;
    this.frames.clean(table, TABLE_FRAMES);
    this.u32[L.A_OBJECTS >>> 2] = table;
    // Address 0 stands for no object.
    this.u32[L.A_TOP >>> 2] = table;
    this.u32[L.A_END >>> 2] = table + TABLE_FRAMES * PAGE_SIZE;
    return true;
  }

  lock(): void {
    this.#lock.lock(this.machine.self);
  }

  unlock(): void {
    this.#lock.unlock(this.machine.self);
  }

  /** A 32-bit word of an object, unsigned: addresses lie beyond 2^31. */
  w(at: number): number {
    return this.u32[at >>> 2]!;
  }

  setW(at: number, value: number): void {
    this.u32[at >>> 2] = value;
  }

  kind(obj: number): number {
    return obj === 0 ? L.KIND_NONE : this.u32[(obj + L.O_KIND) >>> 2]!;
  }

  /** `obj` if it is still the object that had this id, else 0. */
  alive(obj: number, id: number): number {
    return obj !== 0 && this.u32[(obj + L.O_ID) >>> 2] === id ? obj : 0;
  }

  id(obj: number): number {
    return this.u32[(obj + L.O_ID) >>> 2]!;
  }

  /**
   * A fresh object with all other words 0, charged to `factory` (0: to nobody). 0 when the quota or the table has no
   * room.
   */
  alloc(kind: number, factory: number, bytes: number): number {
    if (factory !== 0 && !this.charge(factory, bytes)) return 0;
    const obj = this.#take();
    if (obj === 0) {
      if (factory !== 0) this.credit(factory, bytes);
      return 0;
    }
    this.i32.fill(0, obj >>> 2, (obj + L.OBJECT_SIZE) >>> 2);
    const serial = this.u32[L.A_SERIAL >>> 2]! + 1;
    this.u32[L.A_SERIAL >>> 2] = serial;
    this.setW(obj + L.O_KIND, kind);
    this.setW(obj + L.O_ID, serial);
    if (factory !== 0) {
      this.setW(obj + L.O_FACTORY, factory);
      this.setW(obj + L.O_FACTORY_ID, this.id(factory));
      this.setW(obj + L.O_CHARGE, bytes);
    }
    return obj;
  }

  /** Gives the object's memory back: nothing refers to it any more. */
  free(obj: number): void {
    const factory = this.alive(this.w(obj + L.O_FACTORY), this.w(obj + L.O_FACTORY_ID));
    if (factory !== 0) this.credit(factory, this.w(obj + L.O_CHARGE));
    this.setW(obj + L.O_KIND, L.KIND_NONE);
    this.setW(obj + L.O_ID, 0);
    this.setW(obj + L.O_NEXT, this.w(L.A_FREE));
    this.setW(L.A_FREE, obj);
  }

  #take(): number {
    const free = this.w(L.A_FREE);
    if (free !== 0) {
      this.setW(L.A_FREE, this.w(free + L.O_NEXT));
      return free;
    }
    const top = this.w(L.A_TOP);
    if (top >= this.w(L.A_END)) return 0;
    this.setW(L.A_TOP, top + L.OBJECT_SIZE);
    return top;
  }

  /** Takes bytes of kernel memory out of a factory's quota; false when they are not there. */
  charge(factory: number, bytes: number): boolean {
    const used = (factory + L.F_USED) >>> 3;
    if (!(this.f64[used]! + bytes <= this.f64[(factory + L.F_LIMIT) >>> 3]!)) return false;
    this.f64[used]! += bytes;
    return true;
  }

  credit(factory: number, bytes: number): void {
    this.f64[(factory + L.F_USED) >>> 3]! -= bytes;
  }

  /** Zeroed frames for the kernel's own tables; 0 when there are none. */
  pages(n: number): number {
    const at = this.frames.reserveHigh(n);
    if (at !== 0) this.frames.clean(at, n);
    return at;
  }

  /** Gives frames of `pages` back, zeroed as `clean` promises. */
  freePages(at: number, n: number): void {
    this.machine.zero(at, n * PAGE_SIZE);
    this.frames.release(at, n);
  }

  name(obj: number): string {
    const bytes = this.machine.u8.slice(obj + L.O_NAME, obj + L.O_NAME + L.NAME_BYTES);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  setName(obj: number, bytes: Uint8Array): void {
    const { u8 } = this.machine;
    u8.fill(0, obj + L.O_NAME, obj + L.O_NAME + L.NAME_BYTES);
    u8.set(bytes.subarray(0, L.NAME_BYTES - 1), obj + L.O_NAME);
  }
}
