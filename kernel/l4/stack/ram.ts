/**
 * What lies where in the memory of a booted system, as a boot loader leaves it behind: the images of sigma0 and the root
 * task at their link addresses, modules, the module list, the kernel information page (fact sheet 8, 9.3).
 *
 * Physical addresses are addresses of sigma0's task.
 */
import { PAGE_SIZE } from '../../core/layout.js';
import { PF_R, PF_W, PF_X, PT_LOAD } from '../../elf/constants.js';
import { ElfError, type ElfFile, parseElfHeader } from '../../elf/elf.js';
import {
  MEM_BOOTLOADER,
  MEM_CONVENTIONAL,
  MEM_DEDICATED,
  MEM_RESERVED,
  type MemoryDescriptor,
} from '../kip.js';
import type { BootModule, BootModules } from './modules.js';
import { ModulesListError } from './modules-list.js';

/** Memory begins at a multiple of this, and belongs to the firmware there. */
const RAM_ALIGN = 256 << 20;
const FIRMWARE = 512 << 10;
/** Where the kernel is loaded, and how much of memory its image takes. */
const KERNEL = 8 << 20;
const KERNEL_BYTES = 512 << 10;
/** The kernel information page within it. */
const KIP_OFFSET = 0x2000;
/** Where modules begin when no list says so, relative to the begin of memory: L4Re's default. */
const MODULES = 0x01100000;
/** Rights of a boot loader's memory, subtype of its descriptor. */
const RWX = 7;

const FLAG_KERNEL = 1;
const FLAG_SIGMA0 = 2;
const FLAG_ROOTTASK = 3;
const INFO_BYTES = 48;
const MODULE_BYTES = 32;

/** Bytes at a physical address. */
export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface Ram {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly kip: number;
  /** Module information (KIP.user_ptr). */
  readonly info: number;
  readonly pieces: readonly Piece[];
  readonly descriptors: readonly MemoryDescriptor[];
  readonly sigma0: ElfFile;
  readonly roottask: ElfFile;
  /** Where the modules lie, by their index in the request. */
  readonly places: readonly number[];
}

/** @param size bytes of memory. Throws ModulesListError when something does not fit. */
export function layOut({ modules, moduleAddress }: BootModules, size: number): Ram {
  const sigma0 = imageOf(modules, 'sigma0');
  const roottask = imageOf(modules, 'roottask');
  const first = Math.min(...[sigma0, roottask].flatMap((e) => segments(e).map((s) => s.start)));
  const start = first - (first % RAM_ALIGN);
  const end = start + size;
  const kernel = { start: start + KERNEL, end: start + KERNEL + KERNEL_BYTES };
  const used = [
    { start, end: start + FIRMWARE, name: 'the firmware' },
    { ...kernel, name: 'the kernel' },
    ...segments(sigma0).map((s) => ({ ...s, name: 'sigma0' })),
    ...segments(roottask).map((s) => ({ ...s, name: 'the root task' })),
  ];
  for (const [i, u] of used.entries()) {
    if (u.end > end)
      throw new ModulesListError(`${u.name} ends at 0x${hex(u.end)}, behind the end of memory (--memory)`);
    const other = used.slice(0, i).find((o) => o.name !== u.name && o.start < u.end && u.start < o.end);
    if (other)
      throw new ModulesListError(`${u.name} and ${other.name} lie in the same place, 0x${hex(u.start)}`);
  }
  const pieces: Piece[] = [...bytesOf(sigma0), ...bytesOf(roottask)];
  const descriptors: MemoryDescriptor[] = [
    { start: start + FIRMWARE, end: end - 1, type: MEM_CONVENTIONAL },
    { start: kernel.start, end: kernel.end - 1, type: MEM_RESERVED },
    { start: imageExtent(sigma0).start, end: imageExtent(sigma0).end - 1, type: MEM_DEDICATED },
    ...segments(roottask).map((s) => ({
      start: s.start,
      end: s.end - 1,
      type: MEM_BOOTLOADER,
      subtype: s.rights,
    })),
  ];
  let at = start + (moduleAddress ?? MODULES);
  const low = at;
  const place = (length: number, what: string): number => {
    for (;;) {
      const over = used.find((u) => u.start < at + length && at < u.end);
      if (over === undefined) break;
      at = up(over.end);
    }
    const here = at;
    at = up(at + length);
    if (at > end) throw new ModulesListError(`no room for ${what} in ${size >> 20} MiB of memory (--memory)`);
    return here;
  };
  const places = modules.map((m) => {
    if (m.kind !== 'module') return 0;
    const here = place(m.bytes.length, m.name);
    pieces.push({ at: here, bytes: m.bytes });
    return here;
  });
  const list = moduleInfo(modules, places);
  const info = place(list.length, 'the list of modules');
  pieces.push({ at: info, bytes: relocated(list, info, modules.length) });
  descriptors.push({ start: low, end: at - 1, type: MEM_BOOTLOADER, subtype: RWX });
  const kip = kernel.start + KIP_OFFSET;
  return { start, end, kip, info, pieces, descriptors, sigma0, roottask, places };
}

interface Segment {
  start: number;
  end: number;
  rights: number;
}

function imageOf(modules: readonly BootModule[], kind: 'sigma0' | 'roottask'): ElfFile {
  const m = modules.find((b) => b.kind === kind)!;
  try {
    const elf = parseElfHeader(m.bytes);
    if (segments(elf).length === 0) throw new ModulesListError(`${m.path}: has no loadable segments`);
    return elf;
  } catch (error) {
    if (error instanceof ElfError) throw new ModulesListError(`${m.path}: ${error.reason}`);
    throw error;
  }
}

/** Pages of an image with the rights of all segments that lie in them. */
function segments(elf: ElfFile): Segment[] {
  const out: Segment[] = [];
  const loads = elf.programHeaders.filter((h) => h.type === PT_LOAD && h.memsz > 0);
  for (const h of [...loads].sort((a, b) => a.vaddr - b.vaddr)) {
    const rights =
      ((h.flags & PF_R) !== 0 ? 4 : 0) | ((h.flags & PF_W) !== 0 ? 2 : 0) | ((h.flags & PF_X) !== 0 ? 1 : 0);
    const start = h.vaddr - (h.vaddr % PAGE_SIZE);
    const end = up(h.vaddr + h.memsz);
    const last = out[out.length - 1];
    if (last !== undefined && start < last.end) {
      last.rights |= rights;
      last.end = Math.max(last.end, end);
    } else {
      out.push({ start, end, rights });
    }
  }
  return out;
}

/** Page-aligned extent of an image. */
export function imageExtent(elf: ElfFile): { start: number; end: number } {
  const list = segments(elf);
  return { start: list[0]!.start, end: list[list.length - 1]!.end };
}

function bytesOf(elf: ElfFile): Piece[] {
  return elf.programHeaders
    .filter((h) => h.type === PT_LOAD && h.filesz > 0)
    .map((h) => ({ at: h.vaddr, bytes: elf.bytes.subarray(h.offset, h.offset + h.filesz) }));
}

/**
 * The boot loader's list (l4util's l4mod.h): a head of 48 bytes (flags, command line, address and number of modules), then
 * 32 bytes each: flags, start, end, command line. Kernel, sigma0 and root task come first. Strings are offsets here.
 */
function moduleInfo(modules: readonly BootModule[], places: readonly number[]): Uint8Array {
  const texts = modules.map((m) => new TextEncoder().encode(`${m.cmdline}\0`));
  const stringsAt = INFO_BYTES + modules.length * MODULE_BYTES;
  const bytes = new Uint8Array(texts.reduce((n, t) => n + up8(t.length), stringsAt));
  const view = new DataView(bytes.buffer);
  const word = (at: number, v: number): void => view.setBigUint64(at, BigInt(v), true);
  word(16, INFO_BYTES);
  view.setUint32(24, modules.length, true);
  let text = stringsAt;
  modules.forEach((m, i) => {
    const at = INFO_BYTES + i * MODULE_BYTES;
    const flags = { kernel: FLAG_KERNEL, sigma0: FLAG_SIGMA0, roottask: FLAG_ROOTTASK, module: 0 };
    word(at, flags[m.kind]);
    word(at + 8, places[i]!);
    word(at + 16, places[i]! === 0 ? 0 : places[i]! + m.bytes.length);
    word(at + 24, text);
    bytes.set(texts[i]!, text);
    text += up8(texts[i]!.length);
  });
  return bytes;
}

/** Adds the list's address to the offsets in it. */
function relocated(list: Uint8Array, base: number, count: number): Uint8Array {
  const view = new DataView(list.buffer);
  const add = (at: number): void => view.setBigUint64(at, view.getBigUint64(at, true) + BigInt(base), true);
  add(16);
  for (let i = 0; i < count; i++) add(INFO_BYTES + i * MODULE_BYTES + 24);
  return list;
}

function up(a: number): number {
  return Math.ceil(a / PAGE_SIZE) * PAGE_SIZE;
}

function up8(n: number): number {
  return Math.ceil(n / 8) * 8;
}

function hex(a: number): string {
  return a.toString(16);
}
