/** The dynamic section of an ELF file (gABI chapter 5): the libraries that it asks for. */
import { PT_DYNAMIC, PT_LOAD } from './constants.js';
import type { ElfFile } from './elf.js';

const DT_NEEDED = 1;
const DT_STRTAB = 5;
/** More entries than any file has: a damaged one is not read to its end. */
const ENTRIES = 10_000;

/** Names of the libraries that the file needs, in its order; none for a file without or with a damaged dynamic section. */
export function neededLibraries(elf: ElfFile): string[] {
  const dynamic = elf.programHeaders.find((h) => h.type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const { bytes } = elf;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number): number => view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true);
  const end = Math.min(bytes.length, dynamic.offset + dynamic.filesz, dynamic.offset + ENTRIES * 16);
  const needed: number[] = [];
  let strings = -1;
  for (let at = dynamic.offset; at + 16 <= end; at += 16) {
    const tag = word(at);
    if (tag === 0) break;
    if (tag === DT_NEEDED) needed.push(word(at + 8));
    if (tag === DT_STRTAB) strings = fileOffset(elf, word(at + 8));
  }
  if (strings < 0) return [];
  return needed.flatMap((n) => {
    const start = strings + n;
    const stop = start < bytes.length ? bytes.indexOf(0, start) : -1;
    return stop > start ? [new TextDecoder().decode(bytes.subarray(start, stop))] : [];
  });
}

/** Where an address of the image lies in the file, -1 for nowhere. */
function fileOffset(elf: ElfFile, addr: number): number {
  const h = elf.programHeaders.find(
    (p) => p.type === PT_LOAD && addr >= p.vaddr && addr < p.vaddr + p.filesz,
  );
  return h === undefined ? -1 : h.offset + (addr - h.vaddr);
}
