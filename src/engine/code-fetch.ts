/** Reads guest instructions through the page map, as translation does. */
import type { AddressSpace } from '../../kernel/core/address-space.js';
import { PAGE_SIZE } from '../../kernel/core/layout.js';
import type { Machine } from '../../kernel/core/machine.js';
import { entryHost } from '../../kernel/core/pagemap.js';
import { decode, type Insn } from '../isa/decode.js';

const PTE_X = 4;

/** The 16 bits at an even guest address; -1 where no executable page is present. */
export function codeHalf(machine: Machine, space: AddressSpace, pc: number): number {
  const entry = space.space.map.lookup(pc);
  if ((entry & PTE_X) === 0) return -1;
  return machine.u16[(entryHost(entry) + (pc % PAGE_SIZE)) >>> 1]!;
}

/**
 * The instruction at a guest address: null for bytes that are none, undefined where nothing executable is.
 * @param half gives the 16 bits at an address, or -1
 */
export function fetchInsn(half: (pc: number) => number, pc: number): Insn | null | undefined {
  const low = half(pc);
  if (low < 0) return undefined;
  if ((low & 3) !== 3) return decode(low);
  const high = half(pc + 2);
  if (high < 0) return undefined;
  return decode((low | (high << 16)) >>> 0);
}
