/** Puts an ELF image at its link addresses into a task, and reads what L4Re programs say about themselves (12.4). */
import type { AddressSpace } from '../core/address-space.js';
import { GuestMem } from '../core/guest-mem.js';
import { PAGE_SIZE } from '../core/layout.js';
import { ET_DYN, PF_R, PF_W, PF_X, PT_LOAD } from '../elf/constants.js';
import { ElfError, type ElfFile } from '../elf/elf.js';

/** Segment with an L4Re program's wishes. */
const PT_L4RE_AUX = 0x60000014;
const AUX_STACK_SIZE = 2;
const AUX_STACK_ADDR = 3;
const AUX_KIP_ADDR = 4;

export interface L4Wishes {
  stackSize: number;
  stackAddr: number;
  kipAddr: number;
}

const DEFAULTS: L4Wishes = { stackSize: 0x200000, stackAddr: 0x80000000, kipAddr: 0x7fff0000 };

/** Whether a program is one of L4Re's, as far as the file says it. */
export function isL4Program(elf: ElfFile): boolean {
  return (elf.interp ?? '').startsWith('/rom/') || elf.programHeaders.some((h) => h.type === PT_L4RE_AUX);
}

/** Stack and KIP addresses that the program asks for, with L4Re's defaults. */
export function wishesOf(elf: ElfFile): L4Wishes {
  const wishes = { ...DEFAULTS };
  const aux = elf.programHeaders.find((h) => h.type === PT_L4RE_AUX);
  if (aux === undefined) return wishes;
  const end = Math.min(elf.bytes.length, aux.offset + aux.filesz);
  const view = new DataView(elf.bytes.buffer, elf.bytes.byteOffset, elf.bytes.byteLength);
  const word = (at: number): number => view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true);
  for (let at = aux.offset; at + 16 <= end; ) {
    const type = word(at);
    const length = word(at + 8);
    if (length < 16 || at + length > end) break;
    const value = length >= 24 ? word(at + 16) : 0;
    if (type === AUX_STACK_SIZE && value > 0) wishes.stackSize = pageUp(value);
    if (type === AUX_STACK_ADDR && value > 0) wishes.stackAddr = value - (value % PAGE_SIZE);
    if (type === AUX_KIP_ADDR && value > 0) wishes.kipAddr = value - (value % PAGE_SIZE);
    at += length;
  }
  return wishes;
}

/**
 * Maps the segments. Pages that two segments share get both protections.
 * @returns the page-aligned extent. Throws ElfError when something does not fit.
 */
export function loadImage(space: AddressSpace, elf: ElfFile, name: string): { start: number; end: number } {
  if (elf.type === ET_DYN || elf.interp !== null) {
    throw new ElfError(
      'dynamically linked or position-independent: only static L4 programs can be started directly',
    );
  }
  const mem = new GuestMem(space.space.machine, space);
  const loads = elf.programHeaders.filter((h) => h.type === PT_LOAD && h.memsz > 0);
  const prots = new Map<number, number>();
  for (const h of loads) {
    const prot = (h.flags & PF_R ? 1 : 0) | (h.flags & PF_W ? 2 : 0) | (h.flags & PF_X ? 4 : 0);
    for (let a = pageDown(h.vaddr); a < h.vaddr + h.memsz; a += PAGE_SIZE)
      prots.set(a, (prots.get(a) ?? 0) | prot);
  }
  const runs = runsOf(prots);
  for (const r of runs) {
    const request = { addr: r.start, length: r.end - r.start, prot: 3, kind: 'anon', name } as const;
    if (space.map({ ...request, noReplace: true }) < 0)
      throw new ElfError('a segment does not fit into the address space');
  }
  for (const h of loads) mem.copyOut(h.vaddr, elf.bytes.subarray(h.offset, h.offset + h.filesz));
  for (const r of runs) space.protect(r.start, r.end - r.start, r.prot);
  return { start: Math.min(...runs.map((r) => r.start)), end: Math.max(...runs.map((r) => r.end)) };
}

/** Adjacent pages of equal protection, ascending. */
function runsOf(prots: ReadonlyMap<number, number>): { start: number; end: number; prot: number }[] {
  const runs: { start: number; end: number; prot: number }[] = [];
  for (const [page, prot] of [...prots].sort((a, b) => a[0] - b[0])) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last.end === page && last.prot === prot) last.end += PAGE_SIZE;
    else runs.push({ start: page, end: page + PAGE_SIZE, prot });
  }
  return runs;
}

function pageDown(a: number): number {
  return a - (a % PAGE_SIZE);
}

function pageUp(a: number): number {
  return pageDown(a + PAGE_SIZE - 1);
}
