import test from 'ava';
import { Frames } from '../../../kernel/core/frames.js';
import { K_MAP_SEQ, PAGE_SIZE, PTE_ORDER_MASK, PTE_R, PTE_W } from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';
import { PageMap } from '../../../kernel/core/pagemap.js';
import { taskBlock } from '../../../kernel/core/task.js';
import { checkOrders, slowRun } from './check.js';

const HOST = 0x80000000;
const BASE = 0x7f_ffe0_0000;

function fresh(): { machine: Machine; map: PageMap } {
  const machine = Machine.create(0);
  return { machine, map: new PageMap(machine, taskBlock(1), new Frames(machine)) };
}

test('an aligned run gets one order, and a hole in it the largest that are left', (t) => {
  const { map } = fresh();
  map.setRange(0x40000000, 64, HOST, PTE_R | PTE_W);
  t.is(map.lookup(0x40000000 + 5 * PAGE_SIZE), HOST + 5 * PAGE_SIZE + (6 << 4) + PTE_R + PTE_W);
  t.is(map.clearRange(0x40000000 + 8 * PAGE_SIZE, 1), 1);
  const orders = [0, 7, 9, 10, 12, 16, 32].map(
    (k) => (map.lookup(0x40000000 + k * PAGE_SIZE) & PTE_ORDER_MASK) >> 4,
  );
  t.deepEqual(orders, [3, 3, 0, 1, 2, 4, 5]);
  map.setRange(0x40000000 + 8 * PAGE_SIZE, 1, HOST + 8 * PAGE_SIZE, PTE_R | PTE_W);
  t.is((map.lookup(0x40000000) & PTE_ORDER_MASK) >> 4, 6);
});

test('orders stop at 15 and windows go on, across leaf tables too', (t) => {
  const { map } = fresh();
  const lo = 2 ** 32 - 2 ** 28;
  map.setRange(lo, 2 ** 17, HOST, PTE_R);
  t.is((map.lookup(lo) & PTE_ORDER_MASK) >> 4, 15);
  t.deepEqual(map.runAt(2 ** 32 + 4097), { lo, length: 2 ** 29, host: HOST, flags: PTE_R });
});

test('nothing is mapped outside the 47 bits', (t) => {
  const { map } = fresh();
  for (const addr of [-1, -4096, 2 ** 47, 2 ** 63, Number.NaN]) t.is(map.lookup(addr), 0);
  t.is(map.runAt(2 ** 47), null);
});

test('random changes keep orders exact, and runAt equals a walk page by page', (t) => {
  const { machine, map } = fresh();
  // The range straddles a leaf border.
  const lo = Math.ceil(BASE / 2 ** 32) * 2 ** 32 - 128 * PAGE_SIZE;
  const pages = 256;
  const model = new Map<number, { host: number; flags: number }>();
  let seed = 99;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  for (let step = 0; step < 600; step++) {
    const first = random(pages);
    const n = 1 + random(random(2) === 0 ? 8 : pages - first);
    const count = Math.min(n, pages - first);
    const at = lo + first * PAGE_SIZE;
    const flags = 1 + random(3);
    const kind = random(4);
    // Mostly linear, so that runs meet; sometimes elsewhere.
    const host = HOST + (random(5) === 0 ? 1000 + random(50) : first) * PAGE_SIZE;
    if (kind < 2) map.setRange(at, count, host, flags);
    else if (kind === 2) map.setFlags(at, count, flags);
    else map.clearRange(at, count);
    for (let k = 0; k < count; k++) {
      const old = model.get(first + k);
      if (kind < 2) model.set(first + k, { host: host + k * PAGE_SIZE, flags });
      else if (kind === 3) model.delete(first + k);
      else if (old !== undefined) model.set(first + k, { host: old.host, flags });
    }
    if (step % 5 !== 0) continue;
    for (let k = 0; k < pages; k++) {
      const want = model.get(k);
      const e = map.lookup(lo + k * PAGE_SIZE);
      const value = e - (e & PTE_ORDER_MASK);
      if (value !== (want === undefined ? 0 : want.host + want.flags)) t.fail(`page ${k}`);
    }
    checkOrders(t, map, lo, lo + pages * PAGE_SIZE);
    for (let k = 0; k < 20; k++) {
      const a = lo + random(pages) * PAGE_SIZE + random(PAGE_SIZE);
      t.deepEqual(map.runAt(a), slowRun(map, a));
    }
  }
  t.is(machine.i32[(taskBlock(1) + K_MAP_SEQ) >>> 2] % 2, 0);
});

test('setFlags joins runs that differed only in flags, and keeps guarded pages read-only', (t) => {
  const { map } = fresh();
  map.setRange(0x10000, 8, HOST, PTE_R);
  map.setRange(0x18000, 8, HOST + 0x8000, PTE_R | PTE_W);
  t.is(map.runAt(0x10000)!.length, 0x8000);
  map.setFlags(0x10000, 16, PTE_R);
  t.is(map.runAt(0x10000)!.length, 0x10000);
  map.setFlags(0x12000, 1, PTE_R | 8);
  map.setFlags(0x10000, 16, PTE_R | PTE_W, 8, 8, PTE_W);
  t.is(map.lookup(0x12000) & 15, PTE_R | 8);
  t.is(map.lookup(0x11000) & 15, PTE_R | PTE_W);
});
