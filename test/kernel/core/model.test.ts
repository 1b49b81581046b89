/**
 * Random sequences of calls against a model that keeps one entry per page: its protection and the one number written
 * to it. Contents, permissions, orders, windows and accounting must agree all along; forks run beside each other.
 */
import test, { type ExecutionContext } from 'ava';
import type { AddressSpace } from '../../../kernel/core/address-space.js';
import { GuestFault, GuestMem } from '../../../kernel/core/guest-mem.js';
import { ACCESS_READ, ACCESS_WRITE, PAGE_SIZE } from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';
import { createTask, destroyTask, forkSpace } from '../../../kernel/core/task.js';
import { checkOrders, checkTable, slowRun } from './check.js';

const LO = 0x1fff80000;
const PAGES = 256;
const HI = LO + PAGES * PAGE_SIZE;

interface Page {
  prot: number;
  value: number;
  accounted: boolean;
}

interface World {
  space: AddressSpace;
  mem: GuestMem;
  pages: Map<number, Page>;
  slot: number;
}

function generator(start: number): (n: number) => number {
  let seed = start;
  return (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
}

function readOr(mem: GuestMem, addr: number): number | null {
  try {
    return mem.readU32(addr);
  } catch (error) {
    if (error instanceof GuestFault) return null;
    throw error;
  }
}

function checkWorld(t: ExecutionContext, w: World, random: (n: number) => number): void {
  let promised = 0;
  for (let k = 0; k < PAGES; k++) {
    const page = w.pages.get(k);
    if (page?.accounted) promised++;
    // Reading populates, so only some pages are looked at each time.
    if (random(4) !== 0) continue;
    const want = page !== undefined && page.prot !== 0 ? page.value : null;
    const got = readOr(w.mem, LO + k * PAGE_SIZE + 8);
    if (got !== want) t.fail(`task ${w.slot} page ${k}: ${got}, not ${want}`);
  }
  t.is(w.space.space.committed, promised);
  checkTable(t, w.space, LO, HI);
  checkOrders(t, w.space.space.map, LO, HI);
  for (let k = 0; k < 8; k++) {
    const a = LO + random(PAGES) * PAGE_SIZE;
    t.deepEqual(w.space.space.map.runAt(a), slowRun(w.space.space.map, a));
  }
}

function step(t: ExecutionContext, w: World, random: (n: number) => number): void {
  const first = random(PAGES);
  const n = Math.min(PAGES - first, 1 + random(random(3) === 0 ? PAGES : 24));
  const addr = LO + first * PAGE_SIZE;
  const length = n * PAGE_SIZE;
  const range = Array.from({ length: n }, (_, k) => first + k);
  const prot = [0, 1, 3, 3, 3][random(5)];
  switch (random(8)) {
    case 0:
      t.is(w.space.map({ addr, fixed: true, length, prot, kind: 'anon' }), addr);
      for (const k of range) w.pages.set(k, { prot, value: 0, accounted: prot === 3 });
      break;
    case 1:
      if (random(2) === 0) break;
      t.is(w.space.unmap(addr, length), 0);
      for (const k of range) w.pages.delete(k);
      break;
    case 2: {
      const whole = range.every((k) => w.pages.has(k));
      t.is(w.space.protect(addr, length, prot), whole ? 0 : -12);
      for (const k of whole ? range : []) {
        const page = w.pages.get(k)!;
        w.pages.set(k, { ...page, prot, accounted: page.accounted || prot === 3 });
      }
      break;
    }
    case 3:
      w.space.advise(addr, length, 'dontneed');
      for (const k of range) if (w.pages.has(k)) w.pages.get(k)!.value = 0;
      break;
    case 4: {
      // Moves need one mapping as seen from outside; the model asks the space which that is.
      const view = w.space.regionAt(addr);
      const to = random(PAGES - n + 1);
      const apart = to + n <= first || first + n <= to;
      const inside = view !== undefined && view.end >= addr + length;
      const want = apart ? (inside ? LO + to * PAGE_SIZE : -14) : -22;
      t.is(w.space.remap(addr, length, length, true, LO + to * PAGE_SIZE), want);
      if (want < 0) break;
      const moved = range.map((k) => w.pages.get(k)!);
      for (const k of range) w.pages.delete(k);
      for (let k = 0; k < n; k++) w.pages.set(to + k, moved[k]);
      break;
    }
    default:
      for (const k of range) {
        const page = w.pages.get(k);
        const access = random(2) === 0 ? ACCESS_READ : ACCESS_WRITE;
        const fault = w.space.fault(LO + k * PAGE_SIZE, access);
        const allowed = page !== undefined && (page.prot & access) !== 0;
        if ((fault === 0) !== allowed) t.fail(`fault of page ${k}`);
        if (page === undefined || page.prot !== 3) continue;
        page.value = 1 + random(1 << 30);
        w.mem.writeU32(LO + k * PAGE_SIZE + 8, page.value);
      }
  }
}

function run(t: ExecutionContext, seed: number, scale: number, steps: number): void {
  const random = generator(seed);
  const machine = Machine.create(scale);
  const space = createTask(machine, 0, 1);
  const worlds: World[] = [{ space, mem: new GuestMem(machine, space), pages: new Map(), slot: 0 }];
  const { frames } = space.space;
  for (let k = 0; k < steps; k++) {
    const w = worlds[random(worlds.length)];
    step(t, w, random);
    if (random(25) === 0 && worlds.length < 3) {
      const slot = [0, 1, 2].find((s) => !worlds.some((x) => x.slot === s))!;
      const child = createTask(machine, slot, slot + 1);
      t.true(forkSpace(w.space, child));
      const pages = new Map([...w.pages].map(([at, page]) => [at, { ...page }]));
      worlds.push({ space: child, mem: new GuestMem(machine, child), pages, slot });
    } else if (random(40) === 0 && worlds.length > 1) {
      destroyTask(worlds.splice(random(worlds.length), 1)[0].space);
    }
    if (k % 5 === 0) for (const x of worlds) checkWorld(t, x, random);
  }
  for (const w of worlds) destroyTask(w.space);
  t.is(frames.used, 0);
  t.is(frames.committed, 0);
  t.false(frames.anyShared);
}

for (const seed of [1, 2, 3, 4]) test(`random calls agree with the model, seed ${seed}`, run, seed, 0, 250);
// 31 MiB of frames, 24 of them page map leaves: the reservation sizes degrade, and reservations are dissolved.
for (const seed of [5, 6])
  test(`random calls agree with the model, little memory, seed ${seed}`, run, seed, 120, 250);
if (process.env['CAPGRIND_TEST_ALL']) {
  for (let seed = 100; seed < 140; seed++)
    test(`random calls, seed ${seed}`, run, seed, seed % 2 === 0 ? 0 : 120, 600);
}
