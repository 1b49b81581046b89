import { DW_FORM, DW_LNCT } from './constants.js';
import { Cursor, DwarfError, readExtent } from './cursor.js';
import type { DebugSections } from './sections.js';

/** One source file of a line table. */
export interface SourceFile {
  readonly file: string;
  /** Its directory, absolute where the unit knows its compilation directory; null where nothing is known. */
  readonly dir: string | null;
}

/** Header of one line program (DWARF 5 section 6.2.4). */
export interface LineHeader {
  readonly version: number;
  readonly minInstruction: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operand counts of the standard opcodes, by opcode; index 0 is unused. */
  readonly operands: readonly number[];
  /** By file number as the program counts them; holes where the number means nothing. */
  readonly files: readonly (SourceFile | undefined)[];
  /** First byte and end of the program. */
  readonly program: number;
  readonly end: number;
}

const MAX_ENTRIES = 100_000;
/** Characters of all paths together: entries may share one long string, so the section's size bounds nothing. */
const MAX_TEXT = 16_000_000;

function joinDir(base: string | null, dir: string): string {
  if (dir.startsWith('/') || base === null || base === '') return dir;
  return dir === '' || dir === '.' ? base : `${base}/${dir}`;
}

function makeFile(path: string, dir: string | null): SourceFile {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return { file: path, dir };
  const head = slash === 0 ? '/' : path.slice(0, slash);
  return { file: path.slice(slash + 1), dir: joinDir(dir, head) };
}

function readOldTables(c: Cursor, compDir: string | null): (SourceFile | undefined)[] {
  const dirs: (string | null)[] = [compDir];
  for (let dir = c.text(); dir !== ''; dir = c.text()) {
    if (dirs.length > MAX_ENTRIES) throw new DwarfError('too many directories');
    dirs.push(joinDir(compDir, dir));
  }
  const files: (SourceFile | undefined)[] = [undefined];
  for (let path = c.text(); path !== ''; path = c.text()) {
    if (files.length > MAX_ENTRIES) throw new DwarfError('too many files');
    const dir = dirs[c.uleb()] ?? null;
    c.skipLeb();
    c.skipLeb();
    files.push(makeFile(path, dir));
  }
  return files;
}

/** Reads one value of an entry format; text forms give text, others a number. */
function readEntryValue(c: Cursor, form: number, is64: boolean, sections: DebugSections): string | number {
  switch (form) {
    case DW_FORM.string:
      return c.text();
    case DW_FORM.lineStrp:
      return new Cursor(sections.get('line_str'), c.offset(is64)).text();
    case DW_FORM.strp:
      return new Cursor(sections.get('str'), c.offset(is64)).text();
    case DW_FORM.data1:
      return c.u8();
    case DW_FORM.data2:
      return c.u16();
    case DW_FORM.data4:
      return c.u32();
    case DW_FORM.data8:
      return c.u64();
    case DW_FORM.udata:
      return c.uleb();
    case DW_FORM.data16:
      c.skip(16);
      return 0;
    case DW_FORM.block:
      c.skip(c.uleb());
      return 0;
    default:
      throw new DwarfError(`form ${form} in a line table header`);
  }
}

function readEntries(
  c: Cursor,
  is64: boolean,
  sections: DebugSections,
  take: (path: string, dir: number) => void,
): void {
  const format: number[] = [];
  const columns = c.u8();
  for (let i = 0; i < columns; i++) format.push(c.uleb(), c.uleb());
  const count = c.uleb();
  // An entry without columns takes no bytes: its count could be anything.
  if (count > MAX_ENTRIES || (columns === 0 && count > 0)) throw new DwarfError('too many entries');
  let total = 0;
  for (let n = 0; n < count; n++) {
    let path = '';
    let dir = 0;
    for (let i = 0; i < format.length; i += 2) {
      const value = readEntryValue(c, format[i + 1], is64, sections);
      if (format[i] === DW_LNCT.path) path = String(value);
      else if (format[i] === DW_LNCT.directoryIndex) dir = Number(value);
    }
    total += path.length;
    if (total > MAX_TEXT) throw new DwarfError('line table names too long');
    take(path, dir);
  }
}

function readNewTables(
  c: Cursor,
  is64: boolean,
  sections: DebugSections,
  compDir: string | null,
): SourceFile[] {
  const dirs: string[] = [];
  readEntries(c, is64, sections, (path) => {
    dirs.push(joinDir(dirs.length === 0 ? compDir : dirs[0], path));
  });
  const files: SourceFile[] = [];
  readEntries(c, is64, sections, (path, dir) => {
    files.push(makeFile(path, dirs[dir] ?? null));
  });
  return files;
}

/** Reads the line program header at an offset of .debug_line. Throws DwarfError where it is damaged. */
export function readLineHeader(sections: DebugSections, offset: number, compDir: string | null): LineHeader {
  const c = new Cursor(sections.get('line'), offset);
  const { end, is64 } = readExtent(c);
  const version = c.u16();
  if (version < 2 || version > 5) throw new DwarfError('unknown line table version');
  if (version >= 5) c.skip(2);
  const headerLength = c.offset(is64);
  const program = c.at + headerLength;
  if (!(program <= end)) throw new DwarfError('line table header too long');
  const minInstruction = c.u8();
  if (version >= 4) c.skip(1);
  c.skip(1);
  const lineBase = c.i8();
  const lineRange = c.u8();
  const opcodeBase = c.u8();
  if (lineRange === 0) throw new DwarfError('line range 0');
  const operands = [0];
  for (let i = 1; i < opcodeBase; i++) operands.push(c.u8());
  const files = version >= 5 ? readNewTables(c, is64, sections, compDir) : readOldTables(c, compDir);
  return { version, minInstruction, lineBase, lineRange, opcodeBase, operands, files, program, end };
}
