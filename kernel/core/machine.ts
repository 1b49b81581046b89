/**
 * The one shared linear memory with the typed views every part of the kernel reads it through.
 *
 * A `Machine` is per worker (views are JavaScript objects); what they look at is shared by all of them.
 */

import { monotonicMs } from './clock.js';
import {
  FRAMES,
  G_AUDIT_AREA,
  G_CLOCK_BASE,
  G_FRAMES_END,
  G_OWN_AREA,
  G_SHADOW_SCALE,
  LINEAR_END,
  PAGE_SIZE,
  WASM_PAGES,
} from './layout.js';

/**
 * Gives whole pages of the memory back to the host: `length` bytes at `host`, multiples of 4096, which read as zero
 * afterwards. False when that is not possible, with nothing done.
 */
export type Discard = (bytes: Uint8Array, host: number, length: number) => boolean;

export class Machine {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly dv: DataView;
  /** Bytes of shadow per guest byte; 0 without a shadow. */
  readonly shadowScale: number;
  /** Host address behind the last frame. */
  readonly framesEnd: number;
  /** Who this worker is to the locks (1 .. 2^30 - 2). Each worker sets its own before it touches the kernel. */
  self = 1;
  /** Set at start-up. Where the host has no way, freed memory stays with the process and is used again. */
  discard: Discard = () => false;

  private constructor(memory: WebAssembly.Memory) {
    const buffer = memory.buffer;
    this.memory = memory;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.dv = new DataView(buffer);
    this.shadowScale = this.u32[G_SHADOW_SCALE >>> 2];
    this.framesEnd = this.u32[G_FRAMES_END >>> 2];
  }

  /**
   * A new machine: reserves 4 GiB of shared memory (the host commits pages when they are touched) and divides
   * the part behind FRAMES into frames and their shadow.
   *
   * @param shadowScale bytes of shadow per guest byte, a whole number; 0 for none
   * @param ownArea bytes for line ownership (ownership.ts), a multiple of PAGE_SIZE; 0 for none
   * @param auditArea the same for the audit (audit.ts)
   */
  static create(shadowScale: number, ownArea = 0, auditArea = 0): Machine {
    const memory = new WebAssembly.Memory({ initial: WASM_PAGES, maximum: WASM_PAGES, shared: true });
    const words = new Uint32Array(memory.buffer);
    const end = LINEAR_END - ownArea - auditArea;
    const bytes = Math.floor((end - FRAMES) / (1 + shadowScale));
    words[G_OWN_AREA >>> 2] = ownArea === 0 ? 0 : LINEAR_END - ownArea;
    words[G_AUDIT_AREA >>> 2] = auditArea === 0 ? 0 : end;
    words[G_SHADOW_SCALE >>> 2] = shadowScale;
    new Float64Array(memory.buffer)[G_CLOCK_BASE >>> 3] = monotonicMs();
    words[G_FRAMES_END >>> 2] = FRAMES + Math.floor(bytes / PAGE_SIZE) * PAGE_SIZE;
    return new Machine(memory);
  }

  /** Views of a machine that another worker created. */
  static attach(memory: WebAssembly.Memory): Machine {
    return new Machine(memory);
  }

  /** Host address of the shadow of a frame address. Only meaningful when there is a shadow. */
  shadowOf(host: number): number {
    return this.framesEnd + (host - FRAMES) * this.shadowScale;
  }

  /** Zeroes `length` bytes at `host`; both must be multiples of 8. */
  zero(host: number, length: number): void {
    // Eight bytes an element: the engine fills shared arrays element by element.
    this.f64.fill(0, host / 8, (host + length) / 8);
  }

  /** Copies inside the linear memory; the ranges must not overlap. */
  copy(to: number, from: number, length: number): void {
    this.u8.copyWithin(to, from, from + length);
  }
}
