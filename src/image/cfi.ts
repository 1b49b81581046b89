/**
 * Index of call frame information: the CIEs and FDEs of `.eh_frame` (LSB 5.0, 10.6) and `.debug_frame`
 * (DWARF 5, 6.4.1). Addresses are link-time ones.
 */
import type { ElfFile } from '../../kernel/elf/elf.js';
import { type CfiRow, type Cie, runCfi } from './cfi-program.js';
import { Cursor, DwarfError, readExtent, tolerate } from './dwarf/cursor.js';
import { DebugSections } from './dwarf/sections.js';
import { lastAtMost } from './interval-map.js';

export type { CfiRow } from './cfi-program.js';

/** Pointer encodings (LSB 5.0, 10.5): the low four bits say the format, the next three what it is relative to. */
const PE_OMIT = 0xff;
const PE_PCREL = 0x10;

/** One of the sections frames are described in. */
interface FrameSection {
  readonly bytes: Uint8Array;
  /** Link-time address of its first byte; 0 for `.debug_frame`, which is not loaded. */
  readonly addr: number;
  readonly eh: boolean;
  readonly cies: Map<number, Cie | null>;
}

interface Fde {
  readonly start: number;
  readonly end: number;
  readonly cie: Cie;
  readonly section: FrameSection;
  /** The instructions, as offsets in the section. */
  readonly from: number;
  readonly to: number;
}

/** Reads an encoded pointer. Indirect ones are not followed: only personality routines use them. */
function readPointer(c: Cursor, encoding: number, section: FrameSection): number {
  const at = section.addr + c.at;
  const relative = encoding & 0x70;
  if (relative !== 0 && relative !== PE_PCREL) throw new DwarfError('pointer relative to an unknown base');
  return readFormat(c, encoding & 15) + (relative === PE_PCREL ? at : 0);
}

function readFormat(c: Cursor, format: number): number {
  switch (format) {
    case 0:
    case 4:
      return c.u64();
    case 1:
      return c.uleb();
    case 2:
      return c.u16();
    case 3:
      return c.u32();
    case 9:
      return c.sleb();
    case 10:
      return (c.u16() << 16) >> 16;
    case 11:
      return c.i32();
    case 12:
      return c.i64();
    default:
      throw new DwarfError('unknown pointer format');
  }
}

function readCie(section: FrameSection, offset: number): Cie {
  const c = new Cursor(section.bytes, offset);
  const extent = readExtent(c);
  const id = c.offset(extent.is64);
  if (section.eh ? id !== 0 : id < 0xffffffff) throw new DwarfError('not a CIE');
  const version = c.u8();
  const augmentation = c.text();
  if (version === 4) c.skip(2);
  else if (version !== 1 && version !== 3) throw new DwarfError('unknown CIE version');
  const codeAlign = c.uleb();
  const dataAlign = c.sleb();
  const raColumn = version === 1 ? c.u8() : c.uleb();
  let pointers = 0;
  let signal = false;
  const augmented = augmentation.startsWith('z');
  let end = -1;
  if (augmented) {
    const length = c.uleb();
    end = c.at + length;
    for (const letter of augmentation.slice(1)) {
      if (letter === 'R') pointers = c.u8();
      else if (letter === 'S') signal = true;
      else if (letter === 'L') c.u8();
      else if (letter === 'P') readFormat(c, c.u8() & 15);
      else break;
    }
    c.at = end;
  } else if (augmentation !== '') throw new DwarfError('unknown augmentation');
  if (c.at > extent.end) throw new DwarfError('CIE reaches past its end');
  const program = section.bytes.subarray(c.at, extent.end);
  return { codeAlign, dataAlign, raColumn, pointers, signal, augmented, program };
}

function cieAt(section: FrameSection, offset: number): Cie | null {
  let cie = section.cies.get(offset);
  if (cie === undefined) {
    cie =
      offset >= 0 && offset < section.bytes.length ? tolerate(() => readCie(section, offset), null) : null;
    section.cies.set(offset, cie);
  }
  return cie;
}

/** The FDE whose identifying field the cursor stands at, or null for a CIE and for one that describes nothing. */
function readFde(section: FrameSection, c: Cursor, end: number, is64: boolean): Fde | null {
  const at = c.at;
  const link = c.offset(is64);
  if (section.eh ? link === 0 : link >= 0xffffffff) return null;
  const cie = cieAt(section, section.eh ? at - link : link);
  if (cie === null || cie.pointers === PE_OMIT) return null;
  const start = readPointer(c, cie.pointers, section);
  const size = readFormat(c, cie.pointers & 15);
  if (cie.augmented) c.skip(c.uleb());
  // Code that the linker threw away keeps its FDE in .debug_frame, at address 0.
  if (!(start > 0 && size > 0) || c.at > end) return null;
  return { start, end: start + size, cie, section, from: c.at, to: end };
}

function readFrames(section: FrameSection, out: Fde[]): void {
  const c = new Cursor(section.bytes);
  tolerate(() => {
    while (c.at + 4 <= c.size) {
      const { end, is64, body } = readExtent(c);
      // A zero length ends .eh_frame; linkers leave one between the parts of several objects too.
      if (end > body) {
        const fde = tolerate(() => readFde(section, c, end, is64), null);
        if (fde !== null) out.push(fde);
      }
      c.at = end;
    }
  }, undefined);
}

function sectionsOf(elf: ElfFile): FrameSection[] {
  const found: FrameSection[] = [];
  const eh = elf.section('.eh_frame');
  if (eh !== null) found.push({ bytes: elf.sectionBytes(eh), addr: eh.addr, eh: true, cies: new Map() });
  const frame = new DebugSections(elf).get('frame');
  if (frame.length > 0) found.push({ bytes: frame, addr: 0, eh: false, cies: new Map() });
  return found;
}

/** The call frame information of one image, indexed on first use. */
export class CfiTable {
  private readonly files: readonly (ElfFile | null)[];
  private fdes: Fde[] | null = null;
  private starts = new Float64Array(0);

  /** @param files the mapped file and its separate debug file, where there is one */
  constructor(files: readonly (ElfFile | null)[]) {
    this.files = files;
  }

  /** The rules in force before the instruction that contains an address; null where nothing is known. */
  at(addr: number): CfiRow | null {
    this.fdes ??= this.index();
    const fde = this.fdes[lastAtMost(this.starts, addr)];
    if (fde === undefined || addr >= fde.end) return null;
    const program = fde.section.bytes.subarray(fde.from, fde.to);
    return tolerate(() => runCfi(fde.cie, program, fde.start, addr), null);
  }

  private index(): Fde[] {
    const found: Fde[] = [];
    for (const elf of this.files) {
      for (const section of elf === null ? [] : sectionsOf(elf)) readFrames(section, found);
    }
    found.sort((a, b) => a.start - b.start);
    this.starts = Float64Array.from(found, (f) => f.start);
    return found;
  }
}
