/** The report at intervals: how many slots are in use, and which places of allocation have more than the last time. */
import { G_TOOL_WORDS } from '../../../kernel/core/layout.js';
import type { Machine } from '../../../kernel/core/machine.js';
import { plural } from './findings.js';
import { ALLOCATED, type CapTables, L_LAST, S_ALLOC_TRACE, S_OBJECT, S_STATE } from './tables.js';

/** Whole seconds since the first call of the run at which the next report is due; shared, atomic. */
const DUE = (G_TOOL_WORDS + 8) >> 2;
/** Places shown. */
const SHOWN = 5;

/** Says when the interval has passed, to one worker each time. */
export class Interval {
  constructor(
    private readonly machine: Machine,
    private readonly seconds: number,
  ) {}

  due(): boolean {
    if (!(this.seconds > 0)) return false;
    const now = Math.floor(Date.now() / 1000) | 0;
    const due = Atomics.load(this.machine.i32, DUE);
    if (due !== 0 && now - due < 0) return false;
    const next = now + Math.max(1, Math.ceil(this.seconds));
    return Atomics.compareExchange(this.machine.i32, DUE, due, next) === due && due !== 0;
  }
}

/** Lines of a report; `trace` gives those of a stack. Tool-state lock held. */
export function intervalLines(tables: CapTables, trace: (trace: number) => readonly string[]): string[] {
  const { i32 } = tables;
  const sites = new Map<number, number>();
  let inUse = 0;
  let full = 0;
  for (const row of tables.slots()) {
    if (i32[row + S_STATE] !== ALLOCATED) continue;
    inUse++;
    if (i32[row + S_OBJECT] !== 0) full++;
    const at = i32[row + S_ALLOC_TRACE]!;
    sites.set(at, (sites.get(at) ?? 0) + 1);
  }
  const more: { at: number; now: number; by: number }[] = [];
  for (const [at, now] of sites) {
    const site = tables.site(at, true);
    if (site < 0) continue;
    const by = now - i32[site + L_LAST]!;
    i32[site + L_LAST] = now;
    if (by > 0) more.push({ at, now, by });
  }
  const lines = [`${plural(inUse, 'capability slot')} in use, ${full} of them full`];
  for (const m of more.sort((a, b) => b.by - a.by || a.at - b.at).slice(0, SHOWN)) {
    lines.push(` ${m.by} more than the last time, ${m.now} in all, allocated`, ...trace(m.at));
  }
  return [...lines, ''];
}
