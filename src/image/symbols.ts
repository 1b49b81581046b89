import {
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHT_DYNSYM,
  SHT_SYMTAB,
  STB_LOCAL,
  STT_COMMON,
  STT_FILE,
  STT_FUNC,
  STT_GNU_IFUNC,
  STT_NOTYPE,
  STT_OBJECT,
  STT_TLS,
} from '../../kernel/elf/constants.js';
import type { ElfFile, Section } from '../../kernel/elf/elf.js';
import { ElfView } from '../../kernel/elf/view.js';
import { type Interval, IntervalMap, lastAtMost } from './interval-map.js';

export type SymbolKind = 'func' | 'ifunc' | 'object' | 'notype' | 'tls';

/** One symbol. `addr` is a link-time address (for `tls`: an offset in the TLS block). */
export interface ElfSymbol {
  readonly name: string;
  readonly addr: number;
  readonly size: number;
  readonly kind: SymbolKind;
  /** STB_LOCAL, STB_GLOBAL, STB_WEAK */
  readonly bind: number;
  /** STV_DEFAULT .. STV_PROTECTED */
  readonly visibility: number;
  /** In an executable section. */
  readonly text: boolean;
  /** Index into the table's STT_FILE names, -1 for symbols that belong to no file. */
  readonly fileIndex: number;
}

const SYM_SIZE = 24;
/** A symbol table larger than this (96 MB) is taken as damage. */
const MAX_SYMBOLS = 4_000_000;
const MAX_NAME = 65536;

const KINDS: ReadonlyMap<number, SymbolKind> = new Map([
  [STT_NOTYPE, 'notype'],
  [STT_OBJECT, 'object'],
  [STT_COMMON, 'object'],
  [STT_FUNC, 'func'],
  [STT_GNU_IFUNC, 'ifunc'],
  [STT_TLS, 'tls'],
]);

/** `$x`, `$d`, `$xrv64...` mark code and data ranges; `.L` names are local labels kept for linker relaxation. */
function isMappingSymbol(name: string): boolean {
  if (name.startsWith('.L')) return true;
  return name.length >= 2 && name[0] === '$' && (name[1] === 'x' || name[1] === 'd');
}

const isBlank = (name: string): boolean => name.trim() === '';

/**
 * Valgrind's choice between two names of one address: not blank, then the shortest without its version, then
 * versioned over unversioned, then alphabetical. Returns true when `a` is to be shown rather than `b`.
 */
export function preferName(a: string, b: string): boolean {
  if (isBlank(a) !== isBlank(b)) return isBlank(b);
  const va = a.indexOf('@');
  const vb = b.indexOf('@');
  const la = va < 0 ? a.length : va;
  const lb = vb < 0 ? b.length : vb;
  if (la !== lb) return la < lb;
  if (va < 0 !== vb < 0) return va >= 0;
  return a < b;
}

/** Functions before data before bare labels, at one address. */
function rank(s: ElfSymbol): number {
  if (s.kind === 'func' || s.kind === 'ifunc') return 2;
  return s.kind === 'object' ? 1 : 0;
}

function better(a: ElfSymbol, b: ElfSymbol): boolean {
  if (rank(a) !== rank(b)) return rank(a) > rank(b);
  if ((a.size === 0) !== (b.size === 0)) return a.size > 0;
  return preferName(a.name, b.name);
}

/** The symbols of one file: `.symtab` and `.dynsym` together. Read on first use; damaged entries are left out. */
export class Symbols {
  private readonly elf: ElfFile;
  private all: ElfSymbol[] | null = null;
  private files: string[] = [];
  private names: Map<string, ElfSymbol[]> | null = null;
  private textMap: IntervalMap<ElfSymbol> | null = null;
  private dataMap: IntervalMap<ElfSymbol> | null = null;

  constructor(elf: ElfFile) {
    this.elf = elf;
  }

  /** Every defined symbol but section and mapping symbols, in table order. */
  symbols(): readonly ElfSymbol[] {
    if (this.all !== null) return this.all;
    this.all = [];
    const seen = new Set<string>();
    for (const section of this.elf.sections()) {
      if (section.type === SHT_SYMTAB || section.type === SHT_DYNSYM) this.readTable(section, seen);
    }
    return this.all;
  }

  private readTable(section: Section, seen: Set<string>): void {
    const sections = this.elf.sections();
    const strings = sections[section.link];
    const count = Math.min(MAX_SYMBOLS, Math.floor(section.size / SYM_SIZE));
    if (section.entsize !== SYM_SIZE || strings === undefined || count === 0) return;
    const table = new ElfView(this.elf.sectionBytes(section));
    const text = new ElfView(this.elf.sectionBytes(strings));
    if (table.size < count * SYM_SIZE) return;
    const second = seen.size > 0;
    let fileIndex = -1;
    for (let i = 1; i < count; i++) {
      const at = i * SYM_SIZE;
      const info = table.u8(at + 4);
      const type = info & 15;
      const nameAt = table.u32(at);
      const name = nameAt < text.size ? text.text(nameAt, MAX_NAME) : '';
      if (type === STT_FILE) {
        this.files.push(name);
        fileIndex = name === '' ? -1 : this.files.length - 1;
        continue;
      }
      const kind = KINDS.get(type);
      const shndx = table.u16(at + 6);
      if (kind === undefined || shndx === SHN_UNDEF || name === '' || isMappingSymbol(name)) continue;
      const home = shndx < SHN_LORESERVE ? sections[shndx] : undefined;
      const addr = table.u64(at + 8);
      const size = table.u64(at + 16);
      if (home === undefined || !(addr >= 0) || !(size >= 0)) continue;
      const key = `${name}\0${addr}`;
      if (second && seen.has(key)) continue;
      seen.add(key);
      const bind = info >> 4;
      this.all!.push({
        name,
        addr,
        size,
        kind,
        bind,
        visibility: table.u8(at + 5) & 3,
        text: (home.flags & SHF_EXECINSTR) !== 0,
        fileIndex: bind === STB_LOCAL ? fileIndex : -1,
      });
    }
  }

  /** Source file name (STT_FILE) a local symbol was compiled from, or null: global symbols carry none. */
  fileOf(symbol: ElfSymbol): string | null {
    return symbol.fileIndex < 0 ? null : this.files[symbol.fileIndex];
  }

  private index(): Map<string, ElfSymbol[]> {
    if (this.names === null) {
      this.names = new Map();
      for (const s of this.symbols()) {
        const list = this.names.get(s.name);
        if (list === undefined) this.names.set(s.name, [s]);
        else list.push(s);
      }
    }
    return this.names;
  }

  /** All symbols of exactly that name. */
  named(name: string): readonly ElfSymbol[] {
    return this.index().get(name) ?? [];
  }

  /** Every name that is defined, each once. */
  allNames(): IterableIterator<string> {
    return this.index().keys();
  }

  /**
   * Addresses of the functions and text labels of that name, each once, lowest first; any binding and visibility, so
   * that every alias of an intercepted function is found.
   */
  addressesOf(name: string): number[] {
    const found = new Set<number>();
    for (const s of this.named(name))
      if (s.text && s.kind !== 'tls' && s.kind !== 'object') found.add(s.addr);
    return [...found].sort((a, b) => a - b);
  }

  /** Link-time addresses of data with this name. */
  dataAddressesOf(name: string): number[] {
    const found = new Set<number>();
    for (const s of this.named(name)) if (s.kind === 'object') found.add(s.addr);
    return [...found].sort((a, b) => a - b);
  }

  /** The function (or bare text label) that contains a link-time address, with the name to show; or null. */
  functionAt(addr: number): ElfSymbol | null {
    this.textMap ??= this.buildMap(true);
    return this.textMap.at(addr);
  }

  /** The data symbol that contains a link-time address, or null. */
  dataAt(addr: number): ElfSymbol | null {
    this.dataMap ??= this.buildMap(false);
    return this.dataMap.at(addr);
  }

  private buildMap(text: boolean): IntervalMap<ElfSymbol> {
    const best = new Map<number, ElfSymbol>();
    for (const s of this.symbols()) {
      if (s.kind === 'tls' || s.text !== text) continue;
      // A data symbol without size contains nothing; linker-made marks such as __bss_start are of that sort.
      if (!text && (s.size === 0 || s.kind === 'notype')) continue;
      const other = best.get(s.addr);
      if (other === undefined || better(s, other)) best.set(s.addr, s);
    }
    const starts = Float64Array.from(best.keys()).sort();
    const intervals: Interval<ElfSymbol>[] = [];
    for (const s of best.values()) {
      const next = starts[lastAtMost(starts, s.addr) + 1] ?? Number.POSITIVE_INFINITY;
      const size = s.size > 0 ? s.size : Math.min(next - s.addr, this.toSectionEnd(s.addr));
      const value = size === s.size ? s : { ...s, size };
      intervals.push({ start: s.addr, end: s.addr + size, value, weak: rank(s) === 0 });
    }
    return new IntervalMap(intervals);
  }

  private toSectionEnd(addr: number): number {
    for (const s of this.elf.sections()) {
      if ((s.flags & SHF_ALLOC) !== 0 && addr >= s.addr && addr < s.addr + s.size)
        return s.addr + s.size - addr;
    }
    return 0;
  }
}
