import { type Abbrev, readAbbrevs } from './abbrev.js';
import { DW_AT, DW_FORM, DW_UT } from './constants.js';
import { Cursor, DwarfError, readExtent, type UnitExtent } from './cursor.js';
import type { DebugSections } from './sections.js';

/** The attributes of one entry that the readers of this directory use; -1 or null where the entry has none. */
export interface Die {
  offset: number;
  tag: number;
  hasChildren: boolean;
  name: string | null;
  linkageName: string | null;
  lowPc: number;
  /** Absolute: a constant high_pc has been added to low_pc. */
  highPc: number;
  /** Offset in .debug_ranges or .debug_rnglists. */
  ranges: number;
  callFile: number;
  callLine: number;
  /** Offsets in .debug_info. */
  origin: number;
  sibling: number;
  stmtList: number;
  compDir: string | null;
}

/** One unit header of .debug_info and what its root entry says. */
export interface Unit {
  readonly extent: UnitExtent;
  readonly version: number;
  readonly is64: boolean;
  readonly abbrevOffset: number;
  /** Offset of the root entry. */
  readonly first: number;
  readonly sections: DebugSections;
  abbrevs: Map<number, Abbrev> | null;
  root: Die | null;
  strOffsetsBase: number;
  addrBase: number;
  rnglistsBase: number;
}

/** Reads the unit header at the cursor (DWARF 5 section 7.5.1), or null for type units and unknown versions. */
export function readUnitHeader(c: Cursor, sections: DebugSections): { unit: Unit | null; end: number } {
  const extent = readExtent(c);
  const { is64, end } = extent;
  const version = c.u16();
  let type: number = DW_UT.compile;
  let abbrevOffset: number;
  if (version >= 5) {
    type = c.u8();
    c.skip(1);
    abbrevOffset = c.offset(is64);
  } else {
    abbrevOffset = c.offset(is64);
    c.skip(1);
  }
  if (type === DW_UT.skeleton || type === DW_UT.splitCompile) c.skip(8);
  const wanted = type !== DW_UT.type && type !== DW_UT.splitType;
  if (version < 2 || version > 5 || !wanted) return { unit: null, end };
  const unit: Unit = {
    extent,
    version,
    is64,
    abbrevOffset,
    first: c.at,
    sections,
    abbrevs: null,
    root: null,
    strOffsetsBase: is64 ? 16 : 8,
    addrBase: is64 ? 16 : 8,
    rnglistsBase: is64 ? 20 : 12,
  };
  return { unit, end };
}

function textAt(sections: DebugSections, name: string, offset: number): string {
  return new Cursor(sections.get(name), offset).text();
}

function indexedText(unit: Unit, index: number): string {
  const width = unit.is64 ? 8 : 4;
  const c = new Cursor(unit.sections.get('str_offsets'), unit.strOffsetsBase + index * width);
  return textAt(unit.sections, 'str', c.offset(unit.is64));
}

/** Entry `index` of the unit's part of .debug_addr. */
export function indexedAddress(unit: Unit, index: number): number {
  return new Cursor(unit.sections.get('addr'), unit.addrBase + index * 8).u64();
}

/** Reads a form that gives text, or skips it and gives null. */
function readText(c: Cursor, form: number, unit: Unit): string | null {
  switch (form) {
    case DW_FORM.string:
      return c.text();
    case DW_FORM.strp:
      return textAt(unit.sections, 'str', c.offset(unit.is64));
    case DW_FORM.lineStrp:
      return textAt(unit.sections, 'line_str', c.offset(unit.is64));
    case DW_FORM.strx:
      return indexedText(unit, c.uleb());
    case DW_FORM.strx1:
      return indexedText(unit, c.u8());
    case DW_FORM.strx2:
      return indexedText(unit, c.u16());
    case DW_FORM.strx3:
      return indexedText(unit, c.u24());
    case DW_FORM.strx4:
      return indexedText(unit, c.u32());
    default:
      skipForm(c, form, unit);
      return null;
  }
}

/** Moves past a value. */
export function skipForm(c: Cursor, form: number, unit: Unit): void {
  switch (form) {
    case DW_FORM.string:
      c.skipText();
      return;
    case DW_FORM.block1:
      c.skip(c.u8());
      return;
    case DW_FORM.block2:
      c.skip(c.u16());
      return;
    case DW_FORM.block4:
      c.skip(c.u32());
      return;
    case DW_FORM.block:
    case DW_FORM.exprloc:
      c.skip(c.uleb());
      return;
    case DW_FORM.data16:
      c.skip(16);
      return;
    case DW_FORM.strp:
    case DW_FORM.lineStrp:
    case DW_FORM.strpSup:
    case DW_FORM.gnuStrpAlt:
      c.offset(unit.is64);
      return;
    // An index is skipped without looking it up: the table may be missing.
    case DW_FORM.addrx:
      c.skipLeb();
      return;
    case DW_FORM.addrx1:
    case DW_FORM.addrx2:
    case DW_FORM.addrx3:
    case DW_FORM.addrx4:
      c.skip(form - DW_FORM.addrx1 + 1);
      return;
    default:
      readNumber(c, form, unit, 0);
  }
}

/** Reads a form that gives a number: an address, a constant, a section offset or a reference into .debug_info. */
function readNumber(c: Cursor, form: number, unit: Unit, implicit: number): number {
  switch (form) {
    case DW_FORM.flagPresent:
      return 1;
    case DW_FORM.implicitConst:
      return implicit;
    case DW_FORM.data1:
    case DW_FORM.flag:
    case DW_FORM.strx1:
      return c.u8();
    case DW_FORM.data2:
    case DW_FORM.strx2:
      return c.u16();
    case DW_FORM.strx3:
      return c.u24();
    case DW_FORM.data4:
    case DW_FORM.strx4:
    case DW_FORM.refSup4:
      return c.u32();
    case DW_FORM.data8:
    case DW_FORM.addr:
    case DW_FORM.refSig8:
    case DW_FORM.refSup8:
      return c.u64();
    case DW_FORM.udata:
    case DW_FORM.strx:
    case DW_FORM.loclistx:
    case DW_FORM.rnglistx:
      return c.uleb();
    case DW_FORM.sdata:
      return c.sleb();
    case DW_FORM.secOffset:
    case DW_FORM.gnuRefAlt:
      return c.offset(unit.is64);
    case DW_FORM.refAddr:
      return unit.version <= 2 ? c.u64() : c.offset(unit.is64);
    case DW_FORM.ref1:
      return unit.extent.start + c.u8();
    case DW_FORM.ref2:
      return unit.extent.start + c.u16();
    case DW_FORM.ref4:
      return unit.extent.start + c.u32();
    case DW_FORM.ref8:
      return unit.extent.start + c.u64();
    case DW_FORM.refUdata:
      return unit.extent.start + c.uleb();
    case DW_FORM.addrx:
      return indexedAddress(unit, c.uleb());
    case DW_FORM.addrx1:
      return indexedAddress(unit, c.u8());
    case DW_FORM.addrx2:
      return indexedAddress(unit, c.u16());
    case DW_FORM.addrx3:
      return indexedAddress(unit, c.u24());
    case DW_FORM.addrx4:
      return indexedAddress(unit, c.u32());
    case DW_FORM.indirect: {
      const actual = c.uleb();
      if (actual === DW_FORM.indirect || actual === DW_FORM.implicitConst) {
        throw new DwarfError('nested indirect form');
      }
      if (isText(actual) || isBlock(actual)) {
        skipForm(c, actual, unit);
        return -1;
      }
      return readNumber(c, actual, unit, 0);
    }
    default:
      throw new DwarfError(`unknown form ${form}`);
  }
}

function isText(form: number): boolean {
  return form === DW_FORM.string || form === DW_FORM.strp || form === DW_FORM.lineStrp;
}

function isBlock(form: number): boolean {
  return (
    form === DW_FORM.block ||
    form === DW_FORM.block1 ||
    form === DW_FORM.block2 ||
    form === DW_FORM.block4 ||
    form === DW_FORM.exprloc ||
    form === DW_FORM.data16
  );
}

function isAddress(form: number): boolean {
  return (
    form === DW_FORM.addr || form === DW_FORM.addrx || (form >= DW_FORM.addrx1 && form <= DW_FORM.addrx4)
  );
}

/** Forms that point outside this file (a dwz supplementary file) or to a type unit: no entry we can read. */
function isForeign(form: number): boolean {
  return (
    form === DW_FORM.refSig8 ||
    form === DW_FORM.refSup4 ||
    form === DW_FORM.refSup8 ||
    form === DW_FORM.gnuRefAlt
  );
}

/** The unit's abbreviations, read once per table. */
export function abbrevsOf(unit: Unit): Map<number, Abbrev> {
  if (unit.abbrevs === null) {
    const tables = unit.sections.abbrevTables;
    const key = `${unit.abbrevOffset},${unit.is64},${unit.version}`;
    let table = tables.get(key);
    if (table === undefined) {
      table = readAbbrevs(unit.sections.get('abbrev'), unit.abbrevOffset, unit.is64, unit.version);
      tables.set(key, table);
    }
    unit.abbrevs = table;
  }
  return unit.abbrevs;
}

/**
 * Reads the attributes of an entry whose abbreviation code has been read. Index forms (strx, addrx, rnglistx) need
 * the unit's bases, which `rootOf` has set.
 */
export function readDie(c: Cursor, abbrev: Abbrev, offset: number, unit: Unit, names: boolean): Die {
  const die: Die = {
    offset,
    tag: abbrev.tag,
    hasChildren: abbrev.hasChildren,
    name: null,
    linkageName: null,
    lowPc: -1,
    highPc: -1,
    ranges: -1,
    callFile: -1,
    callLine: -1,
    origin: -1,
    sibling: -1,
    stmtList: -1,
    compDir: null,
  };
  const { spec } = abbrev;
  let highIsLength = false;
  for (let i = 0; i < spec.length; i += 3) {
    const form = spec[i + 1];
    switch (spec[i]) {
      case DW_AT.name:
        if (names) die.name = readText(c, form, unit);
        else skipForm(c, form, unit);
        break;
      case DW_AT.linkageName:
      case DW_AT.mipsLinkageName:
        if (names) die.linkageName = readText(c, form, unit);
        else skipForm(c, form, unit);
        break;
      case DW_AT.compDir:
        die.compDir = readText(c, form, unit);
        break;
      case DW_AT.lowPc:
        die.lowPc = readNumber(c, form, unit, spec[i + 2]);
        break;
      case DW_AT.highPc:
        die.highPc = readNumber(c, form, unit, spec[i + 2]);
        highIsLength = !isAddress(form);
        break;
      case DW_AT.ranges:
        die.ranges = readRangesOffset(c, form, unit);
        break;
      case DW_AT.callFile:
        die.callFile = readNumber(c, form, unit, spec[i + 2]);
        break;
      case DW_AT.callLine:
        die.callLine = readNumber(c, form, unit, spec[i + 2]);
        break;
      case DW_AT.abstractOrigin:
      case DW_AT.specification:
        if (isForeign(form)) skipForm(c, form, unit);
        else die.origin = readNumber(c, form, unit, spec[i + 2]);
        break;
      case DW_AT.sibling:
        die.sibling = readNumber(c, form, unit, spec[i + 2]);
        break;
      case DW_AT.stmtList:
        die.stmtList = readNumber(c, form, unit, spec[i + 2]);
        break;
      default:
        if (form !== DW_FORM.implicitConst) skipForm(c, form, unit);
    }
  }
  if (highIsLength && die.lowPc >= 0) die.highPc += die.lowPc;
  return die;
}

function readRangesOffset(c: Cursor, form: number, unit: Unit): number {
  const value = readNumber(c, form, unit, 0);
  if (form !== DW_FORM.rnglistx) return value;
  const table = new Cursor(unit.sections.get('rnglists'), unit.rnglistsBase + value * (unit.is64 ? 8 : 4));
  return unit.rnglistsBase + table.offset(unit.is64);
}

/** Finds the bases that index forms of this unit (and of its own root entry) count from. */
function readBases(unit: Unit, abbrev: Abbrev, at: number): void {
  const c = new Cursor(unit.sections.get('info'), at);
  const { spec } = abbrev;
  for (let i = 0; i < spec.length; i += 3) {
    const form = spec[i + 1];
    if (form === DW_FORM.implicitConst) continue;
    const attribute = spec[i];
    if (attribute === DW_AT.strOffsetsBase) unit.strOffsetsBase = readNumber(c, form, unit, 0);
    else if (attribute === DW_AT.addrBase) unit.addrBase = readNumber(c, form, unit, 0);
    else if (attribute === DW_AT.rnglistsBase) unit.rnglistsBase = readNumber(c, form, unit, 0);
    else skipForm(c, form, unit);
  }
}

/** The root entry of a unit, read once. Throws DwarfError where it is damaged. */
export function rootOf(unit: Unit): Die {
  if (unit.root === null) {
    const c = new Cursor(unit.sections.get('info'), unit.first);
    const abbrev = abbrevsOf(unit).get(c.uleb());
    if (abbrev === undefined) throw new DwarfError('no root entry');
    readBases(unit, abbrev, c.at);
    unit.root = readDie(c, abbrev, unit.first, unit, true);
  }
  return unit.root;
}
