/** Full checks of kernel structures, written against their documentation rather than their code. */

import type { ExecutionContext } from 'ava';
import type { AddressSpace } from '../../../kernel/core/address-space.js';
import { PAGE_SIZE, PTE_FLAGS, PTE_ORDER_MASK, PTE_ORDER_SHIFT } from '../../../kernel/core/layout.js';
import { entryHost, MAX_ORDER, type PageMap, type Run } from '../../../kernel/core/pagemap.js';

/** Whether the aligned block of 2^order pages around `addr` is present, contiguous and equal in flags. */
function blockHolds(map: PageMap, addr: number, order: number): boolean {
  const lo = addr - (addr % (PAGE_SIZE << order));
  const first = map.lookup(lo);
  if (first === 0) return false;
  for (let k = 1; k < 1 << order; k++) {
    const e = map.lookup(lo + k * PAGE_SIZE);
    if (e === 0 || (e & PTE_FLAGS) !== (first & PTE_FLAGS)) return false;
    if (entryHost(e) !== entryHost(first) + k * PAGE_SIZE) return false;
  }
  return true;
}

/** Every present page of [lo, hi) has the largest order that holds for it. */
export function checkOrders(t: ExecutionContext, map: PageMap, lo: number, hi: number): void {
  for (let a = lo; a < hi; a += PAGE_SIZE) {
    const e = map.lookup(a);
    if (e === 0) continue;
    let order = 0;
    while (order < MAX_ORDER && blockHolds(map, a, order + 1)) order++;
    if ((e & PTE_ORDER_MASK) >>> PTE_ORDER_SHIFT !== order) {
      t.fail(`order of 0x${a.toString(16)}: ${(e & PTE_ORDER_MASK) >>> PTE_ORDER_SHIFT}, not ${order}`);
      return;
    }
  }
}

/** The window around `addr`, found page by page. */
export function slowRun(map: PageMap, addr: number): Run | null {
  const page = addr - (addr % PAGE_SIZE);
  const e = map.lookup(page);
  if (e === 0) return null;
  const delta = entryHost(e) - page;
  const fits = (a: number): boolean => {
    const x = map.lookup(a);
    return x !== 0 && (x & PTE_FLAGS) === (e & PTE_FLAGS) && entryHost(x) - a === delta;
  };
  let lo = page;
  let hi = page + PAGE_SIZE;
  while (fits(lo - PAGE_SIZE)) lo -= PAGE_SIZE;
  while (fits(hi)) hi += PAGE_SIZE;
  return { lo, length: hi - lo, host: lo + delta, flags: e & PTE_FLAGS };
}

/** The region table is sorted, without overlaps and empty records; touched pages are counted right. */
export function checkTable(t: ExecutionContext, space: AddressSpace, lo: number, hi: number): void {
  const { table, map } = space.space;
  let last = 0;
  for (let k = 0; k < table.count; k++) {
    t.true(table.startOf(k) >= last && table.endOf(k) > table.startOf(k));
    last = table.endOf(k);
  }
  let present = 0;
  for (let a = lo; a < hi; a += PAGE_SIZE) if (map.lookup(a) !== 0) present++;
  t.is(space.space.touched, present);
}
