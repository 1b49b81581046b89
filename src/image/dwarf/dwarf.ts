/**
 * Debug information of one file: source lines and inlined calls of DWARF 4 and 5. Everything is read when it is
 * first asked for, one compilation unit at a time; damaged parts read as "not known". Addresses are link-time ones.
 */
import type { ElfFile } from '../../../kernel/elf/elf.js';
import type { IntervalMap } from '../interval-map.js';
import { Cursor, tolerate } from './cursor.js';
import { type InlinedNode, readInlinedCalls } from './inline.js';
import { LineTable, type SourceLine } from './line.js';
import { DebugSections } from './sections.js';
import { abbrevsOf, type Die, readDie, rootOf, type Unit } from './unit.js';
import { UnitIndex } from './unit-index.js';

export type { SourceLine } from './line.js';

/** One call that the compiler inlined, with the place it was called from. */
export interface InlinedCall {
  /** As the source names it (DW_AT_name), without scopes or parameters, as Valgrind prints it; null without name. */
  readonly fn: string | null;
  /** The mangled name, or null where the compiler gives none, as for C. */
  readonly linkageName: string | null;
  readonly call: SourceLine | null;
}

interface Names {
  readonly name: string | null;
  readonly linkageName: string | null;
}

const NO_NAMES: Names = { name: null, linkageName: null };
const NO_CALLS: readonly InlinedCall[] = [];
/** References from an inlined call to a name: abstract origin, specification, and a few more in templates. */
const MAX_HOPS = 16;

export class Dwarf {
  /** The file has line information. */
  readonly present: boolean;
  private readonly sections: DebugSections;
  private indexed: UnitIndex | null = null;
  private readonly lineTables = new Map<number, LineTable | null>();
  private readonly inlined = new Map<Unit, IntervalMap<InlinedNode> | null>();
  private readonly names = new Map<number, Names>();

  constructor(elf: ElfFile) {
    this.sections = new DebugSections(elf);
    this.present = this.sections.get('line').length > 0 && this.sections.get('info').length > 0;
  }

  private get index(): UnitIndex {
    this.indexed ??= new UnitIndex(this.sections);
    return this.indexed;
  }

  private tableOf(unit: Unit): LineTable | null {
    const root = tolerate<Die | null>(() => rootOf(unit), null);
    if (root === null || root.stmtList < 0) return null;
    let table = this.lineTables.get(root.stmtList);
    if (table === undefined) {
      const open = (): LineTable => new LineTable(this.sections, root.stmtList, root.compDir);
      table = tolerate<LineTable | null>(open, null);
      this.lineTables.set(root.stmtList, table);
    }
    return table;
  }

  /** Source of the instruction at an address, or null. */
  lineAt(addr: number): SourceLine | null {
    const unit = this.index.at(addr);
    return unit === null ? null : (this.tableOf(unit)?.at(addr) ?? null);
  }

  /** True for code of a unit that this file's debug information describes. */
  hasCodeAt(addr: number): boolean {
    return this.index.at(addr) !== null;
  }

  /** Folder that the unit of an address was compiled in, null where none is known. */
  folderAt(addr: number): string | null {
    const unit = this.index.at(addr);
    return unit === null ? null : tolerate(() => rootOf(unit).compDir, null);
  }

  /** Line tables of all units, for tools that list every line; reads everything. */
  *tables(): Generator<LineTable> {
    const given = new Set<LineTable>();
    for (const unit of this.index.units) {
      const table = this.tableOf(unit);
      if (table === null || given.has(table)) continue;
      given.add(table);
      yield table;
    }
  }

  /** The calls that were inlined around an address, innermost first; empty when there are none. */
  inlinedAt(addr: number): readonly InlinedCall[] {
    const unit = this.index.at(addr);
    if (unit === null) return NO_CALLS;
    let map = this.inlined.get(unit);
    if (map === undefined) {
      map = tolerate<IntervalMap<InlinedNode> | null>(() => {
        rootOf(unit);
        return readInlinedCalls(unit);
      }, null);
      this.inlined.set(unit, map);
    }
    const calls: InlinedCall[] = [];
    for (let node = map?.at(addr) ?? null; node !== null; node = node.parent) {
      const { name, linkageName } = this.namesAt(node.origin);
      const source = node.callFile < 0 ? null : (this.tableOf(unit)?.file(node.callFile) ?? null);
      const call = source === null || node.callLine <= 0 ? null : { ...source, line: node.callLine };
      calls.push({ fn: name, linkageName, call });
    }
    return calls;
  }

  /** Names of the entry at an offset, which may lie in another unit, following its origins. */
  private namesAt(offset: number): Names {
    let known = this.names.get(offset);
    if (known === undefined) {
      known = tolerate(() => this.readNames(offset), NO_NAMES);
      this.names.set(offset, known);
    }
    return known;
  }

  private readNames(from: number): Names {
    let name: string | null = null;
    let linkageName: string | null = null;
    let offset = from;
    for (let hop = 0; hop < MAX_HOPS && offset >= 0; hop++) {
      const unit = this.index.holding(offset);
      if (unit === null) break;
      rootOf(unit);
      const c = new Cursor(this.sections.get('info').subarray(0, unit.extent.end), offset);
      const abbrev = abbrevsOf(unit).get(c.uleb());
      if (abbrev === undefined) break;
      const die = readDie(c, abbrev, offset, unit, true);
      name ??= die.name;
      linkageName ??= die.linkageName;
      if (name !== null && linkageName !== null) break;
      offset = die.origin;
    }
    return { name, linkageName };
  }
}
