import { ET_EXEC, PF_X, PT_INTERP, PT_LOAD } from './constants.js';
import { ElfError } from './error.js';
import type { ElfView } from './view.js';

/** One program header; all fields are bytes or addresses as the file states them. */
export interface ProgramHeader {
  readonly type: number;
  /** PF_R | PF_W | PF_X */
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly paddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

const PHDR_SIZE = 56;
const PAGE = 4096;
/** Linux refuses tables above 64 KiB (fs/binfmt_elf.c load_elf_phdrs). */
const MAX_TABLE = 65536;
/** User half of an Sv48 address space: nothing can be mapped at or above it. */
const TASK_SIZE = 2 ** 47;
const PATH_MAX = 4096;

/** Reads the table; throws ElfError where Linux would refuse it or a field is no number at all. */
export function readProgramHeaders(
  view: ElfView,
  phoff: number,
  phentsize: number,
  phnum: number,
): ProgramHeader[] {
  if (phnum === 0) throw new ElfError('no program headers: it is not linked to be run');
  if (phentsize !== PHDR_SIZE) {
    throw new ElfError(`program headers are ${phentsize} bytes each, not ${PHDR_SIZE}`);
  }
  if (phnum * PHDR_SIZE > MAX_TABLE) throw new ElfError(`too many program headers (${phnum})`);
  if (!(phoff >= 0)) throw new ElfError('program header table has an impossible offset');
  if (!view.has(phoff, phnum * PHDR_SIZE)) {
    throw new ElfError('truncated: the program header table reaches past the end of the file');
  }
  const out: ProgramHeader[] = [];
  for (let i = 0; i < phnum; i++) {
    const at = phoff + i * PHDR_SIZE;
    const header: ProgramHeader = {
      type: view.u32(at),
      flags: view.u32(at + 4),
      offset: view.u64(at + 8),
      vaddr: view.u64(at + 16),
      paddr: view.u64(at + 24),
      filesz: view.u64(at + 32),
      memsz: view.u64(at + 40),
      align: view.u64(at + 48),
    };
    const { offset, vaddr, filesz, memsz, align, paddr } = header;
    if (!(offset >= 0 && vaddr >= 0 && filesz >= 0 && memsz >= 0 && align >= 0 && paddr >= 0)) {
      throw new ElfError(`program header ${i} has a field above 2^53`);
    }
    out.push(header);
  }
  return out;
}

function checkLoad(view: ElfView, h: ProgramHeader, i: number): void {
  if (h.filesz > h.memsz) throw new ElfError(`program header ${i} has more bytes in the file than in memory`);
  if (!view.has(h.offset, h.filesz)) {
    throw new ElfError(`truncated: program header ${i} reaches past the end of the file`);
  }
  if (h.filesz > 0 && h.offset % PAGE !== h.vaddr % PAGE) {
    throw new ElfError(`program header ${i}: file offset and address differ within a page`);
  }
  if (h.vaddr + h.memsz > TASK_SIZE) {
    throw new ElfError(`program header ${i} reaches above the user address space`);
  }
}

const pageStart = (addr: number): number => addr - (addr % PAGE);
const pageEnd = (addr: number): number => Math.ceil(addr / PAGE) * PAGE;

/**
 * Refuses segments that cannot all be mapped. Segments that share a byte are always refused; for a fixed-address
 * program also file-backed segments that share a page, which Linux refuses since 4.17 (MAP_FIXED_NOREPLACE).
 */
function checkOverlaps(loads: readonly (readonly [number, ProgramHeader])[], type: number): void {
  const sorted = [...loads].sort((a, b) => a[1].vaddr - b[1].vaddr);
  for (let k = 1; k < sorted.length; k++) {
    const [i, low] = sorted[k - 1];
    const [j, high] = sorted[k];
    const bytes = high.vaddr < low.vaddr + low.memsz && high.memsz > 0;
    const pages =
      type === ET_EXEC &&
      low.filesz > 0 &&
      high.filesz > 0 &&
      pageStart(high.vaddr) < pageEnd(low.vaddr + low.filesz);
    if (bytes || pages) {
      throw new ElfError(`program headers ${Math.min(i, j)} and ${Math.max(i, j)} overlap in memory`);
    }
  }
}

/** Checks that Linux could map this program (fs/binfmt_elf.c load_elf_binary); throws ElfError where it could not. */
export function checkLoadable(view: ElfView, headers: readonly ProgramHeader[], type: number): void {
  const loads: [number, ProgramHeader][] = [];
  headers.forEach((h, i) => {
    if (h.type !== PT_LOAD || h.memsz === 0) return;
    checkLoad(view, h, i);
    loads.push([i, h]);
  });
  if (loads.length === 0) throw new ElfError('no loadable segment');
  if (!loads.some(([, h]) => (h.flags & PF_X) !== 0)) throw new ElfError('no executable segment');
  checkOverlaps(loads, type);
}

/** The program interpreter's path, or null for a static program. Throws ElfError where Linux would. */
export function readInterp(view: ElfView, headers: readonly ProgramHeader[]): string | null {
  const i = headers.findIndex((h) => h.type === PT_INTERP);
  if (i < 0) return null;
  const { offset, filesz } = headers[i];
  if (filesz < 2 || filesz > PATH_MAX) throw new ElfError('the interpreter path has an impossible length');
  if (!view.has(offset, filesz)) {
    throw new ElfError(`truncated: program header ${i} reaches past the end of the file`);
  }
  if (view.u8(offset + filesz - 1) !== 0) throw new ElfError('the interpreter path does not end with a NUL');
  return view.text(offset, filesz);
}
