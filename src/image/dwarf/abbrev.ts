import { DW_FORM } from './constants.js';
import { Cursor, DwarfError } from './cursor.js';

/** One abbreviation: the shape of the debugging entries that name it. */
export interface Abbrev {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** Triples: attribute, form, value of an implicit constant. */
  readonly spec: readonly number[];
  /** Bytes of the attributes when all forms have a fixed size, else -1. */
  readonly fixedSize: number;
}

const MAX_ABBREVS = 200_000;

/** Size in bytes of a form whose size depends on nothing but the unit's format, or -1. */
function fixedFormSize(form: number, is64: boolean, version: number): number {
  switch (form) {
    case DW_FORM.flagPresent:
    case DW_FORM.implicitConst:
      return 0;
    case DW_FORM.data1:
    case DW_FORM.ref1:
    case DW_FORM.flag:
    case DW_FORM.strx1:
    case DW_FORM.addrx1:
      return 1;
    case DW_FORM.data2:
    case DW_FORM.ref2:
    case DW_FORM.strx2:
    case DW_FORM.addrx2:
      return 2;
    case DW_FORM.strx3:
    case DW_FORM.addrx3:
      return 3;
    case DW_FORM.data4:
    case DW_FORM.ref4:
    case DW_FORM.refSup4:
    case DW_FORM.strx4:
    case DW_FORM.addrx4:
      return 4;
    case DW_FORM.data8:
    case DW_FORM.ref8:
    case DW_FORM.refSig8:
    case DW_FORM.refSup8:
    case DW_FORM.addr:
      return 8;
    case DW_FORM.data16:
      return 16;
    case DW_FORM.refAddr:
      return version <= 2 || is64 ? 8 : 4;
    case DW_FORM.strp:
    case DW_FORM.lineStrp:
    case DW_FORM.secOffset:
    case DW_FORM.strpSup:
    case DW_FORM.gnuRefAlt:
    case DW_FORM.gnuStrpAlt:
      return is64 ? 8 : 4;
    default:
      return -1;
  }
}

/** Reads the abbreviation table at an offset of .debug_abbrev, indexed by code. */
export function readAbbrevs(
  section: Uint8Array,
  offset: number,
  is64: boolean,
  version: number,
): Map<number, Abbrev> {
  const c = new Cursor(section, offset);
  const table = new Map<number, Abbrev>();
  for (let code = c.uleb(); code !== 0; code = c.uleb()) {
    if (table.size >= MAX_ABBREVS) throw new DwarfError('too many abbreviations');
    const tag = c.uleb();
    const hasChildren = c.u8() !== 0;
    const spec: number[] = [];
    let fixedSize = 0;
    for (;;) {
      const attribute = c.uleb();
      const form = c.uleb();
      if (attribute === 0 && form === 0) break;
      spec.push(attribute, form, form === DW_FORM.implicitConst ? c.sleb() : 0);
      const size = fixedFormSize(form, is64, version);
      fixedSize = size < 0 || fixedSize < 0 ? -1 : fixedSize + size;
    }
    table.set(code, { tag, hasChildren, spec, fixedSize });
  }
  return table;
}
