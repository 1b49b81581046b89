/**
 * The shared half of the code cache: wasm bytes of every translated module, and which module holds which table
 * slot. All workers see the same slot numbers; each instantiates modules for itself, and V8 shares the compiled
 * code of equal bytes within the process.
 *
 * | words                         | what                                   | protection                                 |
 * | ----------------------------- | -------------------------------------- | ------------------------------------------ |
 * | 0                             | next free slot                         | translation lock                           |
 * | 1                             | number of modules                      | written under the translation lock, atomic |
 * | 2                             | bytes used                             | translation lock                           |
 * | COUNTS .. + MAX_MODULES       | functions of a module; their slots lie in front of its bytes | as MODULES        |
 * | 4                             | number of noted pages                  | translation lock                           |
 * | PAGES .. + 2 * MAX_PAGES      | page number, checksum of its bytes     | translation lock                           |
 * | 3                             | regions translated (statistics)        | translation lock                           |
 * | SLOTS .. + MAX_SLOTS          | module number + 1 of a slot, 0 = none  | written under the translation lock, atomic |
 * | MODULES .. + 2 * MAX_MODULES  | offset and length of a module's bytes  | written once before the module is counted  |
 * | PCS .. + 2 * MAX_SLOTS        | guest pc of a slot (low, high)         | written once before the slot is used       |
 */

export const MAX_SLOTS = 1 << 15;
export const MAX_MODULES = 1 << 14;
const NEXT_SLOT = 0;
const MODULE_COUNT = 1;
const BYTES_USED = 2;
const REGIONS = 3;
const SLOTS = 64;
const MODULES = SLOTS + MAX_SLOTS;
const PCS = MODULES + 2 * MAX_MODULES;
const MAX_PAGES = 1 << 15;
const PAGE_COUNT = 4;
const PAGES = PCS + 2 * MAX_SLOTS;
const COUNTS = PAGES + 2 * MAX_PAGES;
const WORDS = COUNTS + MAX_MODULES;
/** Address space for module bytes; the host commits what is used. */
const CODE_BYTES = 192 * 1024 * 1024;

export class CodeStore {
  private readonly i32: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.i32 = new Int32Array(buffer, 0, WORDS);
    this.bytes = new Uint8Array(buffer, WORDS * 4);
    this.view = new DataView(buffer, WORDS * 4);
  }

  static create(): CodeStore {
    const store = new CodeStore(new SharedArrayBuffer(WORDS * 4 + CODE_BYTES));
    // Slot 0 is the run time's `bail`.
    store.i32[NEXT_SLOT] = 1;
    return store;
  }

  /** A new slot for code at pc. Translation lock held. Throws RangeError when all are used. */
  newSlot(pc: number): number {
    const slot = this.i32[NEXT_SLOT]!;
    if (slot >= MAX_SLOTS) throw new RangeError('out of code slots');
    this.i32[PCS + slot * 2] = pc | 0;
    this.i32[PCS + slot * 2 + 1] = Math.floor(pc / 4294967296);
    this.i32[NEXT_SLOT] = slot + 1;
    return slot;
  }

  pcOf(slot: number): number {
    return this.i32[PCS + slot * 2 + 1]! * 4294967296 + (this.i32[PCS + slot * 2]! >>> 0);
  }

  /** Module that holds the slot's code, -1 when it is not translated. */
  moduleOf(slot: number): number {
    return Atomics.load(this.i32, SLOTS + slot) - 1;
  }

  /** Stores a module's bytes and hands its slots over to it. Translation lock held. */
  publish(bytes: Uint8Array, slots: readonly number[]): number {
    const module = this.i32[MODULE_COUNT]!;
    const head = this.i32[BYTES_USED]!;
    const at = head + slots.length * 4;
    if (module >= MAX_MODULES || at + bytes.length > this.bytes.length) {
      throw new RangeError('the code cache is full');
    }
    slots.forEach((s, i) => {
      this.view.setInt32(head + i * 4, s, true);
    });
    this.bytes.set(bytes, at);
    this.i32[BYTES_USED] = at + bytes.length;
    this.i32[REGIONS]! += slots.length;
    this.i32[COUNTS + module] = slots.length;
    this.i32[MODULES + module * 2] = at;
    this.i32[MODULES + module * 2 + 1] = bytes.length;
    for (const s of slots) Atomics.store(this.i32, SLOTS + s, module + 1);
    Atomics.store(this.i32, MODULE_COUNT, module + 1);
    return module;
  }

  /** Slots of a module's functions, in order. */
  moduleSlots(module: number): number[] {
    const n = this.i32[COUNTS + module]!;
    const head = this.i32[MODULES + module * 2]! - n * 4;
    return Array.from({ length: n }, (_, i) => this.view.getInt32(head + i * 4, true));
  }

  /** Whether there is little room left. Translation lock held. */
  full(maxModules: number): boolean {
    const { i32 } = this;
    return (
      i32[MODULE_COUNT]! >= Math.min(maxModules, MAX_MODULES) ||
      i32[NEXT_SLOT]! > MAX_SLOTS - 2048 ||
      i32[BYTES_USED]! > this.bytes.length - 8 * 1024 * 1024 ||
      i32[PAGE_COUNT]! > MAX_PAGES - 1024
    );
  }

  /** Forgets all code. Translation lock held, and no thread runs any of it. */
  reset(): void {
    const { i32 } = this;
    i32.fill(0, SLOTS, SLOTS + i32[NEXT_SLOT]!);
    i32[NEXT_SLOT] = 1;
    i32[BYTES_USED] = 0;
    i32[PAGE_COUNT] = 0;
    Atomics.store(i32, MODULE_COUNT, 0);
  }

  /** Remembers that code was translated from a guest page, with what its bytes were. Translation lock held. */
  notePage(page: number, checksum: () => number): void {
    const { i32 } = this;
    const n = i32[PAGE_COUNT]!;
    const number = (page / 4096) | 0;
    for (let i = 0; i < n; i++) if (i32[PAGES + i * 2] === number) return;
    i32[PAGES + n * 2] = number;
    i32[PAGES + n * 2 + 1] = checksum();
    Atomics.store(i32, PAGE_COUNT, n + 1);
  }

  /** Guest pages that code came from: address and checksum. */
  pages(): [number, number][] {
    const { i32 } = this;
    const out: [number, number][] = [];
    const n = Atomics.load(i32, PAGE_COUNT);
    for (let i = 0; i < n; i++) out.push([(i32[PAGES + i * 2]! >>> 0) * 4096, i32[PAGES + i * 2 + 1]!]);
    return out;
  }

  moduleBytes(module: number): Uint8Array {
    const at = this.i32[MODULES + module * 2]!;
    return this.bytes.subarray(at, at + this.i32[MODULES + module * 2 + 1]!);
  }

  stats(): { slots: number; modules: number; bytes: number; regions: number } {
    return {
      slots: this.i32[NEXT_SLOT]!,
      modules: Atomics.load(this.i32, MODULE_COUNT),
      bytes: this.i32[BYTES_USED]!,
      regions: this.i32[REGIONS]!,
    };
  }
}
