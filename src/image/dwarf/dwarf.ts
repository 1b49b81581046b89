/** The debug information of one file: source lines and inlined calls, decoded unit by unit on demand. */
import type { ElfFile } from '../../../kernel/elf/elf.js';
import type { IntervalMap } from '../interval-map.js';
import { Cursor, tolerate } from './cursor.js';
import { type InlinedNode, readInlinedCalls } from './inline.js';
import { LineTable } from './line.js';
import { DebugSections } from './sections.js';
import { abbrevsOf, readDie, rootOf, type Unit } from './unit.js';
import { UnitIndex } from './unit-index.js';

/** A place in the source. `dir` is absolute when the compiler recorded where it ran. */
export interface SourceLine {
  readonly file: string;
  readonly dir: string | null;
  /** From 1. */
  readonly line: number;
}

/** One call that the compiler inlined, with the place it was called from. */
export interface InlinedCall {
  /** Linkage name where the compiler gave one, else the name in the source. */
  readonly fn: string | null;
  readonly call: SourceLine | null;
}

/** Links between entries that are followed to find a name; a longer chain is damage. */
const MAX_ORIGINS = 8;

/** Addresses are link-time ones. */
export class Dwarf {
  readonly present: boolean;
  private readonly sections: DebugSections;
  private index: UnitIndex | null = null;
  private readonly tables = new Map<Unit, LineTable | null>();
  private readonly inlined = new Map<Unit, IntervalMap<InlinedNode> | null>();

  constructor(elf: ElfFile) {
    this.sections = new DebugSections(elf);
    this.present = this.sections.get('line').length > 0;
  }

  /** Source of the instruction at an address, or null. */
  lineAt(addr: number): SourceLine | null {
    const unit = this.unitAt(addr);
    return unit === null ? null : (this.table(unit)?.at(addr) ?? null);
  }

  /** Whether some unit with debug information has code there. */
  hasCodeAt(addr: number): boolean {
    return this.unitAt(addr) !== null;
  }

  /** Inlined calls around an address, innermost first. */
  inlinedAt(addr: number): readonly InlinedCall[] {
    const unit = this.unitAt(addr);
    if (unit === null) return [];
    let map = this.inlined.get(unit);
    if (map === undefined) {
      map = tolerate(() => readInlinedCalls(unit), null);
      this.inlined.set(unit, map);
    }
    const out: InlinedCall[] = [];
    for (let n = map?.at(addr) ?? null; n !== null; n = n.parent) {
      const file = this.table(unit)?.file(n.callFile) ?? null;
      const call = file === null || n.callLine <= 0 ? null : { file: file.file, dir: file.dir, line: n.callLine };
      out.push({ fn: this.nameAt(n.origin), call });
    }
    return out;
  }

  private unitAt(addr: number): Unit | null {
    this.index ??= new UnitIndex(this.sections);
    return this.index.at(addr);
  }

  private table(unit: Unit): LineTable | null {
    let table = this.tables.get(unit);
    if (table === undefined) {
      table = tolerate(() => {
        const root = rootOf(unit);
        return root.stmtList < 0 ? null : new LineTable(this.sections, root.stmtList, root.compDir);
      }, null);
      this.tables.set(unit, table);
    }
    return table;
  }

  /** Name of the entry at an offset of .debug_info, through abstract origins and specifications. */
  private nameAt(offset: number): string | null {
    return tolerate(() => {
      let at = offset;
      for (let i = 0; i < MAX_ORIGINS && at >= 0; i++) {
        const unit = this.index!.holding(at);
        if (unit === null) return null;
        const c = new Cursor(this.sections.get('info').subarray(0, unit.extent.end), at);
        const abbrev = abbrevsOf(unit).get(c.uleb());
        if (abbrev === undefined) return null;
        const die = readDie(c, abbrev, at, unit, true);
        if (die.linkageName !== null) return die.linkageName;
        if (die.name !== null && die.origin < 0) return die.name;
        if (die.name !== null) return die.name;
        at = die.origin;
      }
      return null;
    }, null);
  }
}
