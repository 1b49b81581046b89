import { type Interval, IntervalMap } from '../interval-map.js';
import type { Abbrev } from './abbrev.js';
import { DW_TAG } from './constants.js';
import { Cursor, DwarfError } from './cursor.js';
import { rangesOf } from './ranges.js';
import { abbrevsOf, readDie, skipForm, type Unit } from './unit.js';

/** One inlined call: what was inlined, from where, and into which other inlined call (null: into the function). */
export interface InlinedNode {
  /** Offset in .debug_info of the abstract instance, -1 when the compiler did not say. */
  readonly origin: number;
  readonly callFile: number;
  readonly callLine: number;
  readonly parent: InlinedNode | null;
}

/** Entries of one unit may share a long range list; together they may not name more ranges than this. */
const MAX_RANGES = 2_000_000;
const MAX_DEPTH = 512;

/** Entries whose children can hold inlined calls. Anything else is stepped over, with its children if it says where. */
function mayHoldCode(tag: number): boolean {
  switch (tag) {
    case DW_TAG.compileUnit:
    case DW_TAG.partialUnit:
    case DW_TAG.skeletonUnit:
    case DW_TAG.subprogram:
    case DW_TAG.inlinedSubroutine:
    case DW_TAG.lexicalBlock:
    case DW_TAG.namespace:
    case DW_TAG.entryPoint:
    case DW_TAG.tryBlock:
    case DW_TAG.catchBlock:
    case DW_TAG.module:
      return true;
    default:
      return false;
  }
}

function skipAttributes(c: Cursor, abbrev: Abbrev, unit: Unit): void {
  if (abbrev.fixedSize >= 0) {
    c.skip(abbrev.fixedSize);
    return;
  }
  const { spec } = abbrev;
  for (let i = 0; i < spec.length; i += 3) skipForm(c, spec[i + 1], unit);
}

/** Reads all inlined calls of one unit. Throws DwarfError where the unit is damaged. */
export function readInlinedCalls(unit: Unit): IntervalMap<InlinedNode> {
  const abbrevs = abbrevsOf(unit);
  const c = new Cursor(unit.sections.get('info').subarray(0, unit.extent.end), unit.first);
  const found: Interval<InlinedNode>[] = [];
  /** The innermost inlined call around the entries of each depth. */
  const around: (InlinedNode | null)[] = [null];
  while (c.at < unit.extent.end && around.length > 0) {
    const offset = c.at;
    const code = c.uleb();
    if (code === 0) {
      around.pop();
      if (around.length === 1) break;
      continue;
    }
    const abbrev = abbrevs.get(code);
    if (abbrev === undefined) throw new DwarfError('unknown abbreviation');
    const holdsCode = mayHoldCode(abbrev.tag);
    if (!abbrev.hasChildren && abbrev.tag !== DW_TAG.inlinedSubroutine) {
      skipAttributes(c, abbrev, unit);
      continue;
    }
    const die = readDie(c, abbrev, offset, unit, false);
    let inside = around[around.length - 1];
    if (die.tag === DW_TAG.inlinedSubroutine) {
      const node: InlinedNode = {
        origin: die.origin,
        callFile: die.callFile,
        callLine: die.callLine,
        parent: inside,
      };
      rangesOf(unit, die, (start, end) => {
        if (found.length >= MAX_RANGES) throw new DwarfError('too many inlined ranges');
        found.push({ start, end, value: node });
      });
      inside = node;
    }
    if (!abbrev.hasChildren) continue;
    // An abstract or external function has no code, so neither have its children.
    const hasCode = die.tag !== DW_TAG.subprogram || die.lowPc >= 0 || die.ranges >= 0;
    if (!(holdsCode && hasCode) && die.sibling > c.at) c.at = die.sibling;
    else if (around.length < MAX_DEPTH) around.push(inside);
    else throw new DwarfError('entries nest too deeply');
  }
  return new IntervalMap(found);
}
