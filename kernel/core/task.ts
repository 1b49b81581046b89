/**
 * Tasks: an id, a task block, and the address space behind it.
 */

import { AddressSpace } from './address-space.js';
import {
  K_BRK,
  K_BRK_MAX,
  K_BRK_START,
  K_COMMIT_PAGES,
  K_ID,
  K_MMAP_TOP,
  K_NAMES,
  MAX_TASKS,
  PAGE_SIZE,
  TASK_STRIDE,
  TASKS,
} from './layout.js';
import type { Machine } from './machine.js';
import { MMAP_TOP } from './mappings.js';
import { GUEST_LIMIT, LEAF_SPAN } from './pagemap.js';
import { cowFlags } from './pager.js';
import { emptyRegion, RF_RESERVE } from './regions.js';
import { reclaim } from './reservations.js';
import type { Space, SpaceHooks } from './space.js';

/** Address of the block of task slot `slot`, 0 .. MAX_TASKS - 1. Throws RangeError beyond. */
export function taskBlock(slot: number): number {
  if (!(slot >= 0 && slot < MAX_TASKS)) throw new RangeError(`no task slot ${slot}`);
  return TASKS + slot * TASK_STRIDE;
}

/** Sets up the block of a free slot, with an empty address space. `id` must not be 0. */
export function createTask(
  machine: Machine,
  slot: number,
  id: number,
  hooks: Partial<SpaceHooks> = {},
): AddressSpace {
  const block = taskBlock(slot);
  machine.i32[(block + K_ID) >>> 2] = id;
  machine.f64[(block + K_MMAP_TOP) >>> 3] = MMAP_TOP;
  return new AddressSpace(machine, block, hooks);
}

/** The address space of a task that another worker created. */
export function attachTask(machine: Machine, slot: number, hooks: Partial<SpaceHooks> = {}): AddressSpace {
  return new AddressSpace(machine, taskBlock(slot), hooks);
}

/** Gives everything of a task back, so that its slot can be used again. No thread of it may run any more. */
export function destroyTask(space: AddressSpace): void {
  const { machine, task } = space.space;
  space.destroy();
  for (const word of [K_BRK_START, K_BRK, K_BRK_MAX, K_MMAP_TOP]) machine.f64[(task + word) >>> 3] = 0;
  machine.i32[(task + K_NAMES) >>> 2] = 0;
  machine.i32[(task + K_ID) >>> 2] = 0;
}

/**
 * fork(2) of a layout: `child`, fresh from `createTask`, becomes a copy of `parent`. Private pages are shared
 * copy-on-write, shared segments stay shared. Threads of the parent lose their windows (shootdown).
 * False when memory or table room is missing; the child is then empty.
 */
export function forkSpace(parent: AddressSpace, child: AddressSpace): boolean {
  const p = parent.space;
  const c = child.space;
  const { machine } = p;
  p.lock();
  try {
    if (!ensureLeaves(p, c)) {
      // The parent's unused reservations may be what is in the way.
      reclaim(p);
      if (!ensureLeaves(p, c)) {
        c.map.destroy();
        return false;
      }
    }
    if (!c.commit(machine.i32[(p.task + K_COMMIT_PAGES) >>> 2])) {
      c.map.destroy();
      return false;
    }
    for (const word of [K_BRK_START, K_BRK, K_BRK_MAX, K_MMAP_TOP]) c.setWord(word, p.word(word));
    machine.copy(c.task + K_NAMES, p.task + K_NAMES, Math.max(8, machine.i32[(p.task + K_NAMES) >>> 2]));
    const r = emptyRegion();
    for (let k = 0; k < p.table.count; k++) {
      p.table.load(k, r);
      if ((r.flags & RF_RESERVE) !== 0) continue;
      const pages = (r.end - r.start) / PAGE_SIZE;
      if (r.segment !== 0) p.segments.addMapped(r.segment - 1, pages);
      const linHost = r.segment !== 0 ? r.linHost : 0;
      c.table.insert({ ...r, linHost, step: 0, next: 0 });
      copyPages(parent, child, r.start, r.end, r.segment !== 0);
    }
    c.table.merge(0, Number.MAX_VALUE);
    p.retire();
    return true;
  } finally {
    p.unlock();
  }
}

/** Leaf tables for the child wherever the parent has pages. False when there are no frames for one. */
function ensureLeaves(p: Space, c: Space): boolean {
  let a = p.map.nextPresent(0, GUEST_LIMIT);
  while (a < GUEST_LIMIT) {
    if (!c.map.ensure(a, 1)) return false;
    a = p.map.nextPresent((Math.floor(a / LEAF_SPAN) + 1) * LEAF_SPAN, GUEST_LIMIT);
  }
  return true;
}

function copyPages(parent: AddressSpace, child: AddressSpace, lo: number, hi: number, shared: boolean): void {
  const { map, frames } = parent.space;
  const target = child.space;
  for (let a = lo; map.nextSpan(a, hi); a = map.spanHi) {
    const pages = (map.spanHi - map.spanLo) / PAGE_SIZE;
    const flags = shared ? map.spanFlags : cowFlags(map.spanFlags);
    target.map.setRange(map.spanLo, pages, map.spanHost, flags);
    target.addTouched(pages);
    if (shared) continue;
    frames.share(map.spanHost, pages);
    map.setFlags(map.spanLo, pages, flags);
  }
}
