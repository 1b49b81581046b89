/**
 * Linear reservations: host frames set aside for a whole region, so that its windows are long however its pages are
 * touched. Frames of a record with a reservation belong to the reservation (by position, so splitting a record
 * splits them); frames of pages mapped elsewhere (copy-on-write, scarce memory) belong to their page map entry.
 *
 * All under the region lock.
 */

import { PAGE_SIZE } from './layout.js';
import { emptyRegion, type Region, RF_RESERVE, RF_STACK } from './regions.js';
import type { Space } from './space.js';

const MIB = 1 << 20;
/** Largest piece reserved at once. */
export const PIECE = 64 * MIB;
const STACK_PIECE = 256 * 1024;

/** Whether `pages` may be set aside without pressing others: a quarter of all frames stays free. */
export function plenty(space: Space, pages: number): boolean {
  const { frames } = space;
  return frames.total - frames.used - pages > frames.total >>> 2;
}

/**
 * Sets frames aside around the absent page `page` of `r`, which has no reservation. On success the record was
 * narrowed to the reserved part and `r` is a copy of it. False: take a single frame for the page.
 */
export function reserveFor(space: Space, r: Region, page: number): boolean {
  const { frames, table } = space;
  if (!table.room(2)) return false;
  const free = frames.total - frames.used;
  const sizes: number[] = [];
  const stack = (r.flags & RF_STACK) !== 0;
  const big = stack ? STACK_PIECE : PIECE;
  const whole = r.end - r.start <= big;
  if (plenty(space, Math.min(r.end - r.start, big) / PAGE_SIZE)) sizes.push(whole ? 0 : big);
  if (!stack && free > frames.total >>> 4) sizes.push(MIB);
  if (free > frames.total >>> 6) sizes.push(65536);
  for (const size of sizes) {
    // Pieces of a stack are counted from its top, where it is used; others are aligned.
    const base = stack && size !== 0 ? r.end % size : 0;
    const low = page - ((page - base) % size);
    const lo = size === 0 ? r.start : Math.max(r.start, low);
    const hi = size === 0 ? r.end : Math.min(r.end, low + size);
    if (reserveSpan(space, r, absentBelow(space, page, lo), space.map.nextPresent(page, hi))) return true;
  }
  return false;
}

/** Reserves exactly [lo, hi), all absent pages of `r`, and gives it a record of its own. Updates `r` to that. */
function reserveSpan(space: Space, r: Region, lo: number, hi: number): boolean {
  const { table } = space;
  const host = reserveNear(space, lo, hi);
  if (host === 0) return false;
  table.split(lo);
  table.split(hi);
  const index = table.find(lo);
  table.load(index, r);
  r.linHost = host;
  table.store(index, r);
  table.merge(lo, hi);
  table.load(table.find(lo), r);
  return true;
}

/** Frames for [lo, hi), next to those of a neighbouring record where possible. 0 when there are none. */
export function reserveNear(space: Space, lo: number, hi: number): number {
  const { table, frames } = space;
  const pages = (hi - lo) / PAGE_SIZE;
  const index = table.find(lo);
  for (const k of [index - 1, index, index + 1]) {
    if (k < 0 || k >= table.count) continue;
    const n = table.load(k, scratch);
    if (n.linHost === 0 || n.segment !== 0) continue;
    if (n.end === lo && frames.reserveAt(n.linHost + (n.end - n.start), pages))
      return n.linHost + (n.end - n.start);
    if (n.start === hi && frames.reserveAt(n.linHost - (hi - lo), pages)) return n.linHost - (hi - lo);
  }
  return frames.reserve(pages);
}

/** Lowest address from which on all pages up to `page` are absent, not below `lo`. */
function absentBelow(space: Space, page: number, lo: number): number {
  let a = page;
  while (a > lo && space.map.lookup(a - PAGE_SIZE) === 0) a -= PAGE_SIZE;
  return a;
}

/**
 * Dissolves every private reservation of the task: absent pages give their frames back, present ones keep theirs
 * as frames of their own. The last resort when frames run out.
 */
export function reclaim(space: Space): void {
  const { table, frames, map } = space;
  const r = emptyRegion();
  for (let index = 0; index < table.count; ) {
    table.load(index, r);
    if (r.linHost === 0 || r.segment !== 0) {
      index++;
      continue;
    }
    const host = r.linHost;
    r.linHost = 0;
    if ((r.flags & RF_RESERVE) !== 0) table.remove(index, index + 1);
    else table.store(index++, r);
    let from = r.start;
    for (let a = r.start; map.nextSpan(a, r.end); a = map.spanHi) {
      if (map.spanHost !== host + (map.spanLo - r.start)) continue;
      frames.release(host + (from - r.start), (map.spanLo - from) / PAGE_SIZE);
      from = map.spanHi;
    }
    frames.release(host + (from - r.start), (r.end - from) / PAGE_SIZE);
  }
  table.merge(0, Number.MAX_VALUE);
}

const scratch = emptyRegion();
