/** Translates a batch of regions into one wasm module: the one asked for, and what it calls. */
import type { Block } from '../ir/ir.js';
import { optimise } from '../ir/opt.js';
import { auditBlock } from './audit.js';
import { type CodegenOptions, RegionEmitter } from './codegen.js';
import { joinChecks } from './groups.js';
import { ownLines } from './own.js';
import {
  discover,
  type Fetch,
  type JumpsAt,
  type Limits,
  type Region,
  single,
  TRAMPOLINE,
} from './region.js';
import { countSteps, type StepKind } from './steps.js';
import { I32, I64, ModuleBuilder } from './wasm.js';
import { cellsByWindow, ownCell, type SlotAt } from './windows.js';

export interface TranslateOptions {
  tso: boolean;
  /** Other threads exist or may: stores look out for lines that LR has reserved. */
  multi: boolean;
  fma: boolean;
  fuel: number;
  limits: Limits;
  /** Regions per module at most: callees of the head that are not translated yet come along. */
  batch: number;
  memoryPages: number;
  /** Targets of indirect jumps seen; missing: none. */
  jumpsAt?: JumpsAt;
  /** Windows seen in use; missing: none. */
  slotAt?: SlotAt;
  /** Blocks own the lines that they access (own.ts). */
  own?: boolean;
  /** Blocks tell of their accesses (audit.ts). */
  audit?: boolean;
  /** Count steps, and leave when the thread has none left. */
  steps?: StepKind;
}

/** A tool's chance to add to a block; the result replaces it. */
export type Instrument = (block: Block) => Block;

export interface Translation {
  bytes: Uint8Array;
  slots: number[];
  regions: Region[];
}

export interface SlotSource {
  /** Slot of the region headed at pc; allocates one when there is none. */
  slotOf(pc: number): number;
  /** Whether a callee at pc is to be translated along with its caller. */
  wanted(pc: number): boolean;
}

export function translate(
  head: number,
  fetch: Fetch,
  slots: SlotSource,
  instrument: Instrument | null,
  opts: TranslateOptions,
): Translation {
  const regions = [discover(head, fetch, opts.limits, opts.jumpsAt)];
  const heads = new Set([head]);
  for (let i = 0; i < regions.length && regions.length < opts.batch; i++) {
    for (const pc of regions[i]!.callees) {
      if (heads.has(pc) || regions.length >= opts.batch) continue;
      if (!slots.wanted(pc) || !fetch(pc)) continue;
      heads.add(pc);
      regions.push(discover(pc, fetch, opts.limits, opts.jumpsAt));
    }
  }
  return emit(regions, slots, instrument, opts, false);
}

/**
 * Translates the single instruction at pc into the given slot; `bytewise`: for accesses byte by byte. It owns no lines: its
 * thread runs alone where that matters.
 */
export function translateSingle(
  pc: number,
  slot: number,
  fetch: Fetch,
  slots: SlotSource,
  instrument: Instrument | null,
  opts: TranslateOptions,
  bytewise: boolean,
): Translation {
  return emit([single(pc, fetch)], slots, instrument, { ...opts, own: false }, bytewise, slot);
}

function emit(
  regions: Region[],
  slots: SlotSource,
  instrument: Instrument | null,
  opts: TranslateOptions,
  slow: boolean,
  singleSlot = -1,
): Translation {
  const mod = new ModuleBuilder();
  mod.typeIndex([I32, I32, I64], [I64]);
  const local = new Map<number, number>();
  if (singleSlot < 0) {
    for (const [i, r] of regions.entries()) local.set(r.head, i);
  }
  const options: Omit<CodegenOptions, 'cellOf'> = {
    tso: opts.tso,
    multi: opts.multi,
    fma: opts.fma,
    fuel: opts.fuel,
    slow,
    localFn: (pc) => local.get(pc) ?? -1,
  };
  const own: number[] = [];
  for (const r of regions) {
    r.blocks = r.blocks.map((b, i) => {
      if (i === r.dispatch) return b;
      const tooled = instrument ? instrument(optimise(b)) : b;
      const own = opts.audit ? auditBlock(tooled) : tooled;
      const counted = opts.steps && b.pc !== TRAMPOLINE ? countSteps(own, b, opts.steps) : own;
      return optimise(opts.own ? ownLines(optimise(counted)) : counted);
    });
    const slot = singleSlot >= 0 ? singleSlot : slots.slotOf(r.head);
    own.push(slot);
    const cellOf = opts.slotAt ? cellsByWindow(r, opts.slotAt) : ownCell;
    if (!slow) r.blocks = r.blocks.map((b) => joinChecks(b, cellOf));
    const e = new RegionEmitter(r, mod, { ...options, cellOf });
    mod.addFunction(0, e.emit(), e.fixups, e.hints);
  }
  return { bytes: mod.finish(opts.memoryPages), slots: own, regions };
}
