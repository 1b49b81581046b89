import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type ElfFile, inspectElf } from '../../kernel/elf/elf.js';
import { type CfiRow, CfiTable } from './cfi.js';
import { findDebugFile } from './debug-file.js';
import { textAt } from './dwarf/cursor.js';
import { Dwarf, type InlinedCall, type SourceLine } from './dwarf/dwarf.js';
import { isLibraryFile, isLibraryFolder, isLibraryFunction } from './library-names.js';
import { type ElfSymbol, Symbols } from './symbols.js';

const SHF_WRITE = 1;
const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;
const SHT_NOBITS = 8;
const DT_SONAME = 14;
const PT_LOAD = 1;
const PF_X = 1;

/** What part of a program an address lies in, in the words error messages use. */
export type SectionKind = 'Text' | 'Data' | 'BSS' | 'RoData';

/**
 * One mapped file. Its addresses are guest addresses: link-time ones plus `bias`. The file is read on first use, and
 * a file that cannot be read or understood is an image without symbols: nothing here throws.
 */
export class Image {
  readonly path: string;
  readonly bias: number;
  private readonly debugDirs: readonly string[];
  private given: Uint8Array | null;
  private file: ElfFile | null | undefined = undefined;
  private debugFile: ElfFile | null | undefined = undefined;
  private symbolTable: Symbols | null | undefined = undefined;
  private debugInfo: Dwarf | null | undefined = undefined;
  private cfi: CfiTable | undefined = undefined;
  private sonameText: string | null | undefined = undefined;

  /**
   * @param path on this machine
   * @param bytes the file's contents, if the caller has them
   * @param debugDirs where separate debug files are looked for
   */
  constructor(
    path: string,
    bias: number,
    bytes?: Uint8Array,
    debugDirs: readonly string[] = ['/usr/lib/debug'],
  ) {
    this.path = path;
    this.bias = bias;
    this.given = bytes ?? null;
    this.debugDirs = debugDirs;
  }

  /** The parsed file, or null. */
  get elf(): ElfFile | null {
    if (this.file === undefined) {
      try {
        this.file = inspectElf(this.given ?? readFileSync(this.path));
      } catch {
        this.file = null;
      }
      this.given = null;
    }
    return this.file;
  }

  private get debug(): ElfFile | null {
    if (this.debugFile === undefined) {
      const elf = this.elf;
      const complete = elf === null || (elf.section('.symtab') !== null && new Dwarf(elf).present);
      this.debugFile = complete ? null : findDebugFile(elf, this.path, this.debugDirs);
    }
    return this.debugFile;
  }

  /** Symbols with link-time addresses, from the separate debug file where the file itself has been stripped. */
  get symbols(): Symbols | null {
    if (this.symbolTable === undefined) {
      const elf = this.elf;
      const source = elf !== null && elf.section('.symtab') === null ? (this.debug ?? elf) : elf;
      this.symbolTable = source === null ? null : new Symbols(source);
    }
    return this.symbolTable;
  }

  private get dwarf(): Dwarf | null {
    if (this.debugInfo === undefined) {
      this.debugInfo = null;
      for (const elf of [this.elf, this.debug]) {
        if (elf === null) continue;
        const dwarf = new Dwarf(elf);
        if (!dwarf.present) continue;
        this.debugInfo = dwarf;
        break;
      }
    }
    return this.debugInfo;
  }

  /** True when line information exists for at least a part of the file. */
  get hasDebugInfo(): boolean {
    return this.dwarf !== null;
  }

  /** How to restore the caller's registers at a pc, by the compiler's call frame information; or null. */
  cfiAt(pc: number): CfiRow | null {
    this.cfi ??= new CfiTable([this.elf, this.debug]);
    return this.cfi.at(pc - this.bias);
  }

  /** The 16 bits of code at a guest address as the file has them, or -1 where it maps no code. */
  code16(addr: number): number {
    const elf = this.elf;
    const at = addr - this.bias;
    for (const h of elf?.programHeaders ?? []) {
      if (h.type !== PT_LOAD || (h.flags & PF_X) === 0 || !(at >= h.vaddr && at + 2 <= h.vaddr + h.filesz))
        continue;
      const offset = at - h.vaddr + h.offset;
      const bytes = elf!.bytes;
      return offset + 2 <= bytes.length ? bytes[offset] | (bytes[offset + 1] << 8) : -1;
    }
    return -1;
  }

  lineAt(pc: number): SourceLine | null {
    return this.dwarf?.lineAt(pc - this.bias) ?? null;
  }

  /** The calls inlined at a pc, innermost first. */
  inlinedAt(pc: number): readonly InlinedCall[] {
    return this.dwarf?.inlinedAt(pc - this.bias) ?? [];
  }

  functionAt(pc: number): ElfSymbol | null {
    return this.symbols?.functionAt(pc - this.bias) ?? null;
  }

  dataAt(addr: number): ElfSymbol | null {
    return this.symbols?.dataAt(addr - this.bias) ?? null;
  }

  /** DT_SONAME, or null. */
  get soname(): string | null {
    if (this.sonameText === undefined) this.sonameText = this.findSoname();
    return this.sonameText;
  }

  private findSoname(): string | null {
    const elf = this.elf;
    const dynamic = elf?.section('.dynamic');
    const strings = elf?.section('.dynstr');
    if (!elf || !dynamic || !strings) return null;
    const bytes = elf.sectionBytes(dynamic);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + 16 <= bytes.length; at += 16) {
      if (view.getUint32(at, true) === DT_SONAME)
        return textAt(elf.sectionBytes(strings), view.getUint32(at + 8, true));
    }
    return null;
  }

  /** One of the C and C++ run-time libraries or the program interpreter, by file name. */
  get isLibc(): boolean {
    return isLibraryFile(basename(this.path));
  }

  /** The kind of section an address lies in, or null. */
  sectionAt(addr: number): SectionKind | null {
    const at = addr - this.bias;
    for (const s of this.elf?.sections() ?? []) {
      if ((s.flags & SHF_ALLOC) === 0 || !(at >= s.addr && at < s.addr + s.size)) continue;
      if ((s.flags & SHF_EXECINSTR) !== 0) return 'Text';
      if ((s.flags & SHF_WRITE) === 0) return 'RoData';
      return s.type === SHT_NOBITS ? 'BSS' : 'Data';
    }
    return null;
  }

  /**
   * True for code of the program itself rather than of the C library. In a static program the C library's objects
   * carry no line information while the program's do; those of L4Re have been compiled in folders of theirs. Where
   * there is no debug information at all, names decide.
   */
  isUserCode(pc: number): boolean {
    if (this.isLibc) return false;
    const dwarf = this.dwarf;
    if (dwarf !== null) {
      const at = pc - this.bias;
      return dwarf.hasCodeAt(at) && !isLibraryFolder(dwarf.folderAt(at) ?? '');
    }
    const fn = this.functionAt(pc);
    return fn === null || !isLibraryFunction(fn.name);
  }
}
