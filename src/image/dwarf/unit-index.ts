import { type Interval, IntervalMap, lastAtMost } from '../interval-map.js';
import { Cursor, readExtent, tolerate } from './cursor.js';
import { rangesOf } from './ranges.js';
import type { DebugSections } from './sections.js';
import { readUnitHeader, rootOf, type Unit } from './unit.js';

const MAX_RANGES = 4_000_000;

/**
 * Finds the unit that an address or an offset of .debug_info belongs to. Only unit headers and .debug_aranges are
 * read at first; the root entries of units that .debug_aranges does not name are read when an address was not found.
 */
export class UnitIndex {
  readonly units: readonly Unit[];
  private readonly sections: DebugSections;
  private readonly starts: number[];
  private readonly named = new Set<Unit>();
  private readonly byAranges: IntervalMap<Unit>;
  private byRoots: IntervalMap<Unit> | null = null;

  constructor(sections: DebugSections) {
    this.sections = sections;
    const units: Unit[] = [];
    tolerate(() => {
      const c = new Cursor(sections.get('info'));
      while (c.at < c.size) {
        const { unit, end } = readUnitHeader(c, sections);
        if (unit !== null) units.push(unit);
        c.at = end;
      }
    }, undefined);
    this.units = units;
    this.starts = units.map((u) => u.extent.start);
    this.byAranges = new IntervalMap(this.readAranges());
  }

  /** The unit that holds an offset of .debug_info, or null. */
  holding(offset: number): Unit | null {
    const i = lastAtMost(this.starts, offset);
    return i >= 0 && offset < this.units[i].extent.end ? this.units[i] : null;
  }

  /** The unit whose code contains a link-time address, or null. */
  at(addr: number): Unit | null {
    const unit = this.byAranges.at(addr);
    if (unit !== null) return unit;
    this.byRoots ??= this.readRoots();
    return this.byRoots.at(addr);
  }

  /** .debug_aranges (DWARF 5 section 6.1.2). */
  private readAranges(): Interval<Unit>[] {
    const out: Interval<Unit>[] = [];
    tolerate(() => {
      const c = new Cursor(this.sections.get('aranges'));
      while (c.at < c.size) {
        const { start, end, is64 } = readExtent(c);
        const version = c.u16();
        const unit = this.holding(c.offset(is64));
        const addressSize = c.u8();
        const segmentSize = c.u8();
        if (version === 2 && unit !== null && addressSize === 8 && segmentSize === 0) {
          this.named.add(unit);
          // Tuples are aligned to their own size, counted from the start of the set.
          c.at = start + Math.ceil((c.at - start) / 16) * 16;
          while (c.at + 16 <= end && out.length < MAX_RANGES) {
            const low = c.u64();
            const length = c.u64();
            if (length > 0 && low > 0) out.push({ start: low, end: low + length, value: unit });
          }
        }
        c.at = end;
      }
    }, undefined);
    return out;
  }

  private readRoots(): IntervalMap<Unit> {
    const out: Interval<Unit>[] = [];
    for (const unit of this.units) {
      if (this.named.has(unit)) continue;
      tolerate(() => {
        rangesOf(unit, rootOf(unit), (start, end) => {
          if (start > 0 && out.length < MAX_RANGES) out.push({ start, end, value: unit });
        });
      }, undefined);
    }
    return new IntervalMap(out);
  }
}
