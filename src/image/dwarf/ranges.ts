import { DW_RLE } from './constants.js';
import { Cursor, DwarfError } from './cursor.js';
import { type Die, indexedAddress, rootOf, type Unit } from './unit.js';

/** A hostile list may be as long as its section; a real one has some hundred entries. */
const MAX_RANGES = 1_000_000;

/** Calls `add` for each half-open, non-empty address range. */
type AddRange = (start: number, end: number) => void;

/** .debug_ranges (DWARF 4 section 2.17.3): pairs relative to a base, which a pair with -1 first replaces. */
function oldRanges(unit: Unit, offset: number, base: number, add: AddRange): void {
  const c = new Cursor(unit.sections.get('ranges'), offset);
  let from = base;
  for (let n = 0; n < MAX_RANGES; n++) {
    const marker = c.at;
    const start = c.u64();
    const end = c.u64();
    if (start === 0 && end === 0) return;
    c.at = marker;
    const isBase = c.u32() === 0xffffffff && c.u32() === 0xffffffff;
    c.at = marker + 16;
    if (isBase) from = end;
    else if (end > start) add(from + start, from + end);
  }
}

/**
 * .debug_rnglists (DWARF 5 section 2.17.3). Only offset pairs count from the base; start_end, start_length and the
 * indexed forms are absolute, whatever the unit's low_pc is (the RISC-V assembler emits these, because of
 * relaxation).
 */
function newRanges(unit: Unit, offset: number, base: number, add: AddRange): void {
  const c = new Cursor(unit.sections.get('rnglists'), offset);
  let from = base;
  for (let n = 0; n < MAX_RANGES; n++) {
    let start = 0;
    let end = 0;
    switch (c.u8()) {
      case DW_RLE.endOfList:
        return;
      case DW_RLE.baseAddressx:
        from = indexedAddress(unit, c.uleb());
        continue;
      case DW_RLE.baseAddress:
        from = c.u64();
        continue;
      case DW_RLE.startxEndx:
        start = indexedAddress(unit, c.uleb());
        end = indexedAddress(unit, c.uleb());
        break;
      case DW_RLE.startxLength:
        start = indexedAddress(unit, c.uleb());
        end = start + c.uleb();
        break;
      case DW_RLE.offsetPair:
        start = from + c.uleb();
        end = from + c.uleb();
        break;
      case DW_RLE.startEnd:
        start = c.u64();
        end = c.u64();
        break;
      case DW_RLE.startLength:
        start = c.u64();
        end = start + c.uleb();
        break;
      default:
        throw new DwarfError('unknown range list entry');
    }
    if (end > start) add(start, end);
  }
}

/** Calls `add` for each address range of an entry of `unit`: its ranges list, or its low and high pc. */
export function rangesOf(unit: Unit, die: Die, add: AddRange): void {
  if (die.ranges >= 0) {
    const base = Math.max(0, rootOf(unit).lowPc);
    if (unit.version >= 5) newRanges(unit, die.ranges, base, add);
    else oldRanges(unit, die.ranges, base, add);
  } else if (die.lowPc >= 0 && die.highPc > die.lowPc) {
    add(die.lowPc, die.highPc);
  }
}
