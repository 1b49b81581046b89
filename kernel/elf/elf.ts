/**
 * Reader of ELF64 little-endian RISC-V files, hardened against truncated and hostile input: it throws nothing but
 * ElfError, looks at each header once, and allocates in proportion to tables whose size it has bounded first.
 *
 * Layout: System V gABI chapters 4 and 5, RISC-V ELF psABI. What is refused follows Linux fs/binfmt_elf.c.
 */
import {
  EM_RISCV,
  ET_CORE,
  ET_DYN,
  ET_EXEC,
  ET_REL,
  MACHINE_NAMES,
  PT_NOTE,
  SHT_NOBITS,
  SHT_NOTE,
} from './constants.js';
import { ElfError } from './error.js';
import { buildIdInNotes } from './notes.js';
import { checkLoadable, type ProgramHeader, readInterp, readProgramHeaders } from './program-headers.js';
import { readSections, type Section } from './sections.js';
import { ElfView } from './view.js';

export { ElfError } from './error.js';
export type { ProgramHeader } from './program-headers.js';
export type { Section } from './sections.js';

const EHDR_SIZE = 64;

/** A parsed file. Fields are those of the file; addresses are link-time addresses, before any load bias. */
export interface ElfFile {
  readonly bytes: Uint8Array;
  /** ET_EXEC or ET_DYN (also ET_REL and ET_CORE from `inspectElf`). */
  readonly type: number;
  readonly machine: number;
  readonly flags: number;
  readonly entry: number;
  readonly phoff: number;
  readonly phentsize: number;
  readonly programHeaders: readonly ProgramHeader[];
  readonly interp: string | null;
  /** Lower-case hex, or null. */
  readonly buildId: string | null;
  /** All section headers in file order, read on the first call; empty when absent or damaged. */
  sections(): readonly Section[];
  /** The first section of that name, or null. */
  section(name: string): Section | null;
  /** The section's bytes as they lie in the file (still compressed if SHF_COMPRESSED); empty for SHT_NOBITS. */
  sectionBytes(section: Section): Uint8Array;
}

function checkIdent(view: ElfView): void {
  const magic = view.size >= 4 && view.u32(0) === 0x464c457f;
  if (!magic) throw new ElfError('not an ELF file');
  if (view.size < EHDR_SIZE) throw new ElfError('truncated: the file ends inside the ELF header');
  const elfClass = view.u8(4);
  const data = view.u8(5);
  if (data === 2) throw new ElfError('big-endian, not little-endian');
  if (data !== 1) throw new ElfError(`unknown byte order ${data} in the ELF header`);
  const machine = view.u16(18);
  if (machine !== EM_RISCV) {
    const name = MACHINE_NAMES.get(machine) ?? `ELF machine ${machine}`;
    throw new ElfError(`is for another machine (${name}), not RISC-V 64`);
  }
  if (elfClass === 1) throw new ElfError('32-bit, not RISC-V 64');
  if (elfClass !== 2) throw new ElfError(`unknown ELF class ${elfClass}`);
}

class ParsedElf implements ElfFile {
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly machine = EM_RISCV;
  readonly flags: number;
  readonly entry: number;
  readonly phoff: number;
  readonly phentsize: number;
  readonly programHeaders: readonly ProgramHeader[];
  readonly interp: string | null;
  private readonly view: ElfView;
  private sectionList: Section[] | null = null;
  private buildIdText: string | null | undefined = undefined;

  constructor(view: ElfView, headers: readonly ProgramHeader[], interp: string | null) {
    this.view = view;
    this.bytes = view.bytes;
    this.type = view.u16(16);
    this.flags = view.u32(48);
    this.entry = view.u64(24);
    this.phoff = view.u64(32);
    this.phentsize = view.u16(54);
    this.programHeaders = headers;
    this.interp = interp;
  }

  get buildId(): string | null {
    if (this.buildIdText === undefined) this.buildIdText = this.findBuildId();
    return this.buildIdText;
  }

  private findBuildId(): string | null {
    for (const h of this.programHeaders) {
      if (h.type !== PT_NOTE) continue;
      const id = buildIdInNotes(this.view, h.offset, h.filesz);
      if (id !== null) return id;
    }
    // A separate debug file keeps its notes only as sections.
    for (const s of this.sections()) {
      if (s.type !== SHT_NOTE) continue;
      const id = buildIdInNotes(this.view, s.offset, s.size);
      if (id !== null) return id;
    }
    return null;
  }

  sections(): readonly Section[] {
    const v = this.view;
    this.sectionList ??= readSections(v, v.u64(40), v.u16(58), v.u16(60), v.u16(62));
    return this.sectionList;
  }

  section(name: string): Section | null {
    return this.sections().find((s) => s.name === name) ?? null;
  }

  sectionBytes(section: Section): Uint8Array {
    if (section.type === SHT_NOBITS) return new Uint8Array(0);
    return this.view.slice(section.offset, section.size);
  }
}

/**
 * Parses a file that is to be mapped and run (a program or a program interpreter).
 * Throws ElfError, and nothing else, where Linux would refuse the file.
 */
export function parseElfHeader(bytes: Uint8Array): ElfFile {
  const view = new ElfView(bytes);
  checkIdent(view);
  const type = view.u16(16);
  if (type === ET_REL) throw new ElfError('an object file, not a linked program');
  if (type === ET_CORE) throw new ElfError('a core dump, not a program');
  if (type !== ET_EXEC && type !== ET_DYN) throw new ElfError(`unknown ELF file type ${type}`);
  const headers = readProgramHeaders(view, view.u64(32), view.u16(54), view.u16(56));
  const interp = readInterp(view, headers);
  checkLoadable(view, headers, type);
  if (!(view.u64(24) >= 0)) throw new ElfError('the entry address is above 2^53');
  return new ParsedElf(view, headers, interp);
}

/**
 * Parses a file that is only looked into: its sections, symbols and debug information. Program headers may be
 * damaged or may, as in separate debug files, describe bytes that the file does not hold; they are then left out.
 * Throws ElfError when the file is not ELF64 for RISC-V at all.
 */
export function inspectElf(bytes: Uint8Array): ElfFile {
  const view = new ElfView(bytes);
  checkIdent(view);
  let headers: readonly ProgramHeader[] = [];
  try {
    headers = readProgramHeaders(view, view.u64(32), view.u16(54), view.u16(56));
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
  }
  return new ParsedElf(view, headers, null);
}
