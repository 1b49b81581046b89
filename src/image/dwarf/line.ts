import { lastAtMost } from '../interval-map.js';
import { Cursor, DwarfError } from './cursor.js';
import { type LineHeader, readLineHeader, type SourceFile } from './line-header.js';
import type { DebugSections } from './sections.js';

/** Where code comes from. */
export interface SourceLine {
  readonly file: string;
  readonly dir: string | null;
  readonly line: number;
}

const DW_LNS = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  setColumn: 5,
  constAddPc: 8,
  fixedAdvancePc: 9,
} as const;
const DW_LNE = { endSequence: 1, setAddress: 2 } as const;

/** Line of a row that ends a sequence: no code from here on. */
const NO_CODE = -1;

/** Rows of one sequence, ascending by address; the last row is its end. */
interface Sequence {
  readonly start: number;
  readonly end: number;
  /** Triples: address, file number, line. */
  readonly rows: number[];
}

/** Runs a line program (DWARF 5 section 6.2.5) and gives its sequences in the order they come. */
function runProgram(bytes: Uint8Array, h: LineHeader): Sequence[] {
  const c = new Cursor(bytes.subarray(0, h.end), h.program);
  const out: Sequence[] = [];
  const constAdd = Math.floor((255 - h.opcodeBase) / h.lineRange) * h.minInstruction;
  let rows: number[] = [];
  let addr = 0;
  let file = 1;
  let line = 1;
  let ordered = true;
  const emit = (lineNumber: number): void => {
    const n = rows.length;
    if (n > 0 && rows[n - 3] === addr) {
      // The last row of an address is the one that holds for its instruction.
      rows[n - 2] = file;
      rows[n - 1] = lineNumber;
      return;
    }
    if (n > 0 && rows[n - 3] > addr) ordered = false;
    rows.push(addr, file, lineNumber);
  };
  while (c.at < h.end) {
    const op = c.u8();
    if (op >= h.opcodeBase) {
      const step = op - h.opcodeBase;
      addr += Math.floor(step / h.lineRange) * h.minInstruction;
      line += h.lineBase + (step % h.lineRange);
      emit(line);
      continue;
    }
    switch (op) {
      case 0: {
        const length = c.uleb();
        const next = c.at + length;
        if (!(length > 0 && next <= h.end)) throw new DwarfError('extended opcode too long');
        const extended = c.u8();
        if (extended === DW_LNE.setAddress) {
          addr = length >= 9 ? c.u64() : c.u32();
        } else if (extended === DW_LNE.endSequence) {
          if (rows.length > 0) {
            emit(NO_CODE);
            // A sequence that starts at 0 belongs to code that the linker has dropped.
            if (ordered && rows[0] !== 0 && addr > rows[0]) out.push({ start: rows[0], end: addr, rows });
          }
          rows = [];
          addr = 0;
          file = 1;
          line = 1;
          ordered = true;
        }
        c.at = next;
        break;
      }
      case DW_LNS.copy:
        emit(line);
        break;
      case DW_LNS.advancePc:
        addr += c.uleb() * h.minInstruction;
        break;
      case DW_LNS.advanceLine:
        line += c.sleb();
        break;
      case DW_LNS.setFile:
        file = c.uleb();
        break;
      case DW_LNS.setColumn:
        c.skipLeb();
        break;
      case DW_LNS.constAddPc:
        addr += constAdd;
        break;
      case DW_LNS.fixedAdvancePc:
        addr += c.u16();
        break;
      default:
        for (let i = 0; i < (h.operands[op] ?? 0); i++) c.skipLeb();
    }
  }
  return out;
}

/** The line table of one compilation unit, run once and kept as flat arrays; a look-up is one binary search. */
export class LineTable {
  private readonly files: readonly (SourceFile | undefined)[];
  private readonly addrs: Float64Array;
  private readonly fileNumbers: Uint32Array;
  private readonly lines: Int32Array;

  /** Throws DwarfError where the table at that offset of .debug_line is damaged. */
  constructor(sections: DebugSections, offset: number, compDir: string | null) {
    const header = readLineHeader(sections, offset, compDir);
    const sequences = runProgram(sections.get('line'), header).sort((a, b) => a.start - b.start);
    let count = 0;
    for (const s of sequences) count += s.rows.length / 3;
    this.files = header.files;
    this.addrs = new Float64Array(count);
    this.fileNumbers = new Uint32Array(count);
    this.lines = new Int32Array(count);
    let at = 0;
    let covered = 0;
    for (const s of sequences) {
      // Two sequences for one address happen only in damaged tables (or folded functions): the first one stays.
      if (s.start < covered) continue;
      covered = s.end;
      for (let i = 0; i < s.rows.length; i += 3, at++) {
        this.addrs[at] = s.rows[i];
        this.fileNumbers[at] = s.rows[i + 1];
        this.lines[at] = s.rows[i + 2];
      }
    }
    this.addrs = this.addrs.subarray(0, at);
  }

  /** The source file a number of this table names, or null. */
  file(index: number): SourceFile | null {
    return this.files[index] ?? null;
  }

  /** Source of the instruction at a link-time address, or null (also where the compiler says "no line"). */
  at(addr: number): SourceLine | null {
    const i = lastAtMost(this.addrs, addr);
    if (i < 0 || this.lines[i] <= 0) return null;
    const file = this.files[this.fileNumbers[i]];
    return file === undefined ? null : { file: file.file, dir: file.dir, line: this.lines[i] };
  }

  /** Calls `visit` for each run of code that one source line covers, in address order. */
  forEachRow(visit: (start: number, end: number, file: SourceFile, line: number) => void): void {
    for (let i = 0; i + 1 < this.addrs.length; i++) {
      const file = this.files[this.fileNumbers[i]];
      if (this.lines[i] > 0 && file !== undefined) {
        visit(this.addrs[i], this.addrs[i + 1], file, this.lines[i]);
      }
    }
  }
}
