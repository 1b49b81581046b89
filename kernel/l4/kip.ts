/**
 * The kernel information page (fact sheet 8): what programs read and the two clock readers that they call.
 * The clock is `rdtime`, ten ticks a microsecond, which every thread of a run reads alike.
 */
import { USER_TOP } from '../core/address-space.js';
import { PAGE_SIZE } from '../core/layout.js';

const MAGIC = 0x4be6344c;
const VERSION = 0x87004444;
const STRINGS = 0x280;
const DESCRIPTORS = 0x140;
const DESCRIPTOR_MAX = 20;
const CLOCK_MICRO = 0x900;
const CLOCK_NANO = 0x980;
/** Timebase of `rdtime`, Hz. */
const TIMEBASE = 10_000_000;

export const MEM_CONVENTIONAL = 1;
export const MEM_RESERVED = 2;
/** Sigma0's own. */
export const MEM_DEDICATED = 3;
/** The root task's: its image and the modules. Subtype: rights. */
export const MEM_BOOTLOADER = 0xe;

export interface MemoryDescriptor {
  start: number;
  /** Last byte. */
  end: number;
  type: number;
  subtype?: number;
  virtual?: boolean;
}

export interface KipContents {
  /** Besides the one for the user address range. */
  descriptors?: readonly MemoryDescriptor[];
  /** Entry points shown to tools. */
  sigma0?: number;
  root?: number;
  /** Module information of the boot loader. */
  userPtr?: number;
}

/** The page's bytes. */
export function makeKip(contents: KipContents = {}): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE);
  const view = new DataView(page.buffer);
  const word = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  page[8] = STRINGS / 16;
  word(0x10, contents.sigma0 ?? 0);
  word(0x18, contents.root ?? 0);
  word(0x28, TIMEBASE / 1000);
  word(0x40, contents.userPtr ?? 0);
  view.setUint32(0x50, 1000, true);
  const all: MemoryDescriptor[] = [
    ...(contents.descriptors ?? []),
    { start: 0, end: USER_TOP - 1, type: MEM_CONVENTIONAL, virtual: true },
  ];
  if (all.length > DESCRIPTOR_MAX)
    throw new RangeError('too many memory descriptors for the kernel information page');
  view.setUint32(0x54, DESCRIPTORS, true);
  view.setUint32(0x58, all.length, true);
  all.forEach((d, i) => {
    const at = DESCRIPTORS + i * 16;
    word(at, d.start - (d.start % 1024) + (d.type | ((d.subtype ?? 0) << 4) | (d.virtual ? 0x200 : 0)));
    word(at + 8, d.end);
  });
  page.set(new TextEncoder().encode('capgrind\0'), 0x70);
  view.setUint32(0xa4, TIMEBASE, true);
  view.setUint32(0xa8, 1, true);
  page.set(new TextEncoder().encode('Fiasco.OC, simulated by capgrind\0mapdb\0fi_gr_cputime\0\0'), STRINGS);
  // rdtime a0; addi a1, x0, 10; divu a0, a0, a1; ret
  code(view, CLOCK_MICRO, [0xc0102573, 0x00a00593, 0x02b55533, 0x00008067]);
  // rdtime a0; addi a1, x0, 100; mul a0, a0, a1; ret
  code(view, CLOCK_NANO, [0xc0102573, 0x06400593, 0x02b50533, 0x00008067]);
  return page;
}

function code(view: DataView, at: number, words: readonly number[]): void {
  words.forEach((w, i) => {
    view.setUint32(at + i * 4, w, true);
  });
}
