/** The leak check: what is allocated, or alive, and will not be missed. Reads tables only; tool-state lock held. */
import { DRAIN_CAUSES, FILL_CAUSES } from '../../../kernel/l4/events.js';
import { type Finding, hex, type Kind, type Note, plural } from './findings.js';
import { type CapModel, capital, drainText, fillText } from './model.js';
import * as T from './tables.js';

export interface LeakSummary {
  readonly findings: readonly Finding[];
  readonly allocs: number;
  readonly frees: number;
  /** Slots allocated now, and those of them that hold a capability. */
  readonly inUse: number;
  readonly full: number;
}

interface Group {
  readonly kind: Kind;
  readonly trace: number;
  readonly slots: { readonly slot: number; readonly row: number }[];
}

const SHOWN = 4;

/** What the program's memory says of slots. */
export interface SlotFacts {
  /** Whether the program's allocator has a slot back although nobody saw that. */
  isFree(slot: number): boolean;
  /** Whether a slot is none of the program's. */
  isSystems(slot: number): boolean;
}

const NOTHING_KNOWN: SlotFacts = { isFree: () => false, isSystems: () => false };

/** Every slot and object that would be a leak if the program ended now. */
export function leakCheck(model: CapModel, facts: SlotFacts = NOTHING_KNOWN): LeakSummary {
  const { tables } = model;
  const { i32 } = tables;
  const groups = new Map<string, Group>();
  let inUse = 0;
  let full = 0;
  for (const row of tables.slots()) {
    const task = i32[row + T.S_TASK]! - 1;
    if (i32[tables.task(task) + T.K_GONE] !== 0) continue;
    const kind = leakKind(model, row, task);
    const slot = i32[row + T.S_SLOT]!;
    if (kind === null || facts.isSystems(slot)) continue;
    if (i32[row + T.S_OBJECT] === 0 && facts.isFree(slot)) continue;
    inUse++;
    if (i32[row + T.S_OBJECT] !== 0) full++;
    const allocated = i32[row + T.S_STATE] === T.ALLOCATED;
    const trace = i32[row + (allocated ? T.S_ALLOC_TRACE : T.S_FILL_TRACE)]!;
    const key = `${kind} ${trace}`;
    const group = groups.get(key) ?? { kind, trace, slots: [] };
    group.slots.push({ slot, row });
    groups.set(key, group);
  }
  const findings = [...groups.values()]
    .sort((a, b) => a.slots.length - b.slots.length || a.slots[0]!.slot - b.slots[0]!.slot)
    .map((g) => slotFinding(model, g));
  return {
    findings: [...findings, ...forgotten(model)],
    allocs: tables.header(T.H_ALLOCS),
    frees: tables.header(T.H_FREES),
    inUse,
    full,
  };
}

/** What is wrong with a slot, null for nothing. */
function leakKind(model: CapModel, row: number, task: number): Kind | null {
  const { i32 } = model.tables;
  const state = i32[row + T.S_STATE]!;
  if (state === T.ALLOCATED) {
    if (i32[row + T.S_OBJECT] !== 0) return 'Leak';
    return i32[row + T.S_GENERATION] === 0 ? 'EmptySlot' : 'NotFreed';
  }
  // Where no allocator was seen, whatever the program put into a slot and left there.
  const hooked = i32[model.tables.task(task) + T.K_LOWEST] !== 0;
  const boot = FILL_CAUSES[(i32[row + T.S_HOW]! >> 8) & 0xff] === 'boot';
  return !hooked && state === T.NEVER && i32[row + T.S_OBJECT] !== 0 && !boot ? 'Leak' : null;
}

function slotFinding(model: CapModel, g: Group): Finding {
  const { i32 } = model.tables;
  const n = g.slots.length;
  const slots = g.slots.map((s) => s.slot).sort((a, b) => a - b);
  const list = `${slots.slice(0, SHOWN).map(hex).join(', ')}${n > SHOWN ? ', ...' : ''}`;
  const row = g.slots[0]!.row;
  const allocated = i32[row + T.S_STATE] === T.ALLOCATED;
  const were = n === 1 ? 'was' : 'were';
  const what = `${plural(n, 'capability slot')} (${list})`;
  const notes: Note[] = [];
  if (g.kind === 'Leak') {
    const object = i32[row + T.S_OBJECT]!;
    const how = FILL_CAUSES[(i32[row + T.S_HOW]! >> 8) & 0xff]!;
    if (how !== 'boot' && allocated) {
      notes.push({
        text: `${capital(model.objectText(object))} ${fillText(how)}`,
        trace: i32[row + T.S_FILL_TRACE]!,
      });
    }
    const text = allocated
      ? `${what} allocated here ${were} never freed and still ${n === 1 ? 'holds a capability' : 'hold capabilities'}`
      : `${what} filled here still ${n === 1 ? 'holds a capability' : 'hold capabilities'}`;
    return { kind: g.kind, what: { text, trace: g.trace }, notes };
  }
  if (g.kind === 'EmptySlot') {
    const text = `${what} allocated here ${were} never filled and never freed`;
    return { kind: g.kind, what: { text, trace: g.trace }, notes };
  }
  const drain = i32[row + T.S_DRAIN]!;
  if (drain > 0 && drain <= DRAIN_CAUSES.length) {
    const last = model.objectText(i32[row + T.S_LAST_OBJECT]!);
    notes.push({
      text: `It held ${last}, ${drainText(DRAIN_CAUSES[drain - 1]!)}`,
      trace: i32[row + T.S_DRAIN_TRACE]!,
    });
  }
  const text = `${what} allocated here ${were} emptied but never freed`;
  return { kind: g.kind, what: { text, trace: g.trace }, notes };
}

/**
 * Objects whose maker let go of them while other slots held them, and that nobody has used since: the copy was
 * forgotten, or the object was to be deleted and was only unmapped.
 */
function forgotten(model: CapModel): Finding[] {
  const { tables } = model;
  const { i32 } = tables;
  const found: Finding[] = [];
  for (const o of tables.objects()) {
    const released = i32[o + T.O_RELEASED]!;
    if (released === 0 || i32[o + T.O_GONE] !== 0 || i32[o + T.O_USED] !== 0) continue;
    const id = i32[o + T.O_ID]!;
    const holder = holderOf(model, id);
    if (holder === null) continue;
    const text = `${capital(model.objectText(id))}, let go of here, is kept alive only by a copy in slot ${hex(holder.slot)}`;
    const notes: Note[] = [
      { text: 'The copy was put there', trace: holder.trace },
      { text: 'The object was created', trace: i32[o + T.O_CREATE_TRACE]! },
    ];
    found.push({ kind: 'Forgotten', what: { text, trace: released }, notes });
  }
  return found;
}

/** A slot of a living task that holds an object. */
function holderOf(model: CapModel, object: number): { slot: number; trace: number } | null {
  const { tables } = model;
  const { i32 } = tables;
  for (const row of tables.slots()) {
    if (i32[row + T.S_OBJECT] !== object) continue;
    if (i32[tables.task(i32[row + T.S_TASK]! - 1) + T.K_GONE] !== 0) continue;
    return { slot: i32[row + T.S_SLOT]!, trace: i32[row + T.S_FILL_TRACE]! };
  }
  return null;
}
