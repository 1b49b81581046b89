import test from 'ava';
import { Frames } from '../../../kernel/core/frames.js';
import { FRAMES, LINEAR_END, PAGE_SIZE } from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';

test('frames and shadow fill the memory behind FRAMES, and attach sees the same division', (t) => {
  const plain = Machine.create(0);
  t.true(plain.framesEnd > LINEAR_END - PAGE_SIZE && plain.framesEnd <= LINEAR_END);
  const m = Machine.create(2);
  t.is(m.framesEnd % PAGE_SIZE, 0);
  t.true(m.shadowOf(m.framesEnd) <= LINEAR_END);
  t.true(m.shadowOf(m.framesEnd) > LINEAR_END - 3 * PAGE_SIZE - 3);
  t.is(m.shadowOf(FRAMES), m.framesEnd);
  const other = Machine.attach(m.memory);
  t.is(other.framesEnd, m.framesEnd);
  t.is(other.shadowScale, 2);
});

test('reserve is first fit from the low end and finds what was freed', (t) => {
  const f = new Frames(Machine.create(0));
  const a = f.reserve(10);
  const b = f.reserve(100);
  const c = f.reserve(1);
  t.is(a, FRAMES);
  t.is(b, a + 10 * PAGE_SIZE);
  t.is(c, b + 100 * PAGE_SIZE);
  f.release(b, 100);
  t.is(f.reserve(101), c + PAGE_SIZE);
  t.is(f.reserve(40), b);
  t.is(f.reserve(60), b + 40 * PAGE_SIZE);
  t.is(f.used, 10 + 1 + 101 + 100);
  t.is(f.peak, 10 + 1 + 101 + 100);
});

test('two free neighbours make one run for a large request', (t) => {
  const f = new Frames(Machine.create(0));
  const a = f.reserve(40);
  const b = f.reserve(40);
  f.reserve(1);
  f.release(b, 40);
  t.not(f.reserve(80), a);
  f.release(a, 40);
  t.is(f.reserve(80), a);
});

test('a free run too short to serve a request serves it once it has grown at its end', (t) => {
  const f = new Frames(Machine.create(0));
  const a = f.reserve(10);
  const b = f.reserve(10);
  f.reserve(1);
  f.release(a, 10);
  t.not(f.reserve(16), a);
  f.release(b, 10);
  t.is(f.reserve(16), a);
});

test('random reservations never overlap and agree with a set', (t) => {
  const f = new Frames(Machine.create(255));
  const held: { at: number; n: number }[] = [];
  const owner = new Set<number>();
  let seed = 12345;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  for (let k = 0; k < 3000; k++) {
    if (random(5) < 3) {
      const n = random(3) === 0 ? 1 + random(300) : 1 + random(20);
      const at = f.reserve(n);
      if (at === 0) {
        // Really none: no run of n free frames in the model.
        let run = 0;
        for (let h = FRAMES; h < f.machine.framesEnd && run < n; h += PAGE_SIZE)
          run = owner.has(h) ? 0 : run + 1;
        t.true(run < n);
        continue;
      }
      for (let h = at; h < at + n * PAGE_SIZE; h += PAGE_SIZE) {
        if (owner.has(h)) t.fail('handed out twice');
        owner.add(h);
      }
      held.push({ at, n });
    } else if (held.length > 0) {
      const [{ at, n }] = held.splice(random(held.length), 1);
      f.release(at, n);
      for (let h = at; h < at + n * PAGE_SIZE; h += PAGE_SIZE) owner.delete(h);
    }
  }
  t.is(f.used, owner.size);
});

test('a dirty frame is zero again when it is handed out, and so is its shadow', (t) => {
  const m = Machine.create(1);
  const f = new Frames(m);
  const a = f.reserve(2);
  f.prepare(a, 2);
  m.u8.fill(7, a, a + 2 * PAGE_SIZE);
  m.u8.fill(9, m.shadowOf(a), m.shadowOf(a) + 2 * PAGE_SIZE);
  f.release(a, 2);
  t.is(f.reserve(2), a);
  t.is(m.u8[a], 7);
  f.prepare(a + PAGE_SIZE, 1);
  t.is(m.u8[a + PAGE_SIZE - 1], 7);
  t.true(m.u8.slice(a + PAGE_SIZE, a + 2 * PAGE_SIZE).every((x) => x === 0));
  const shadow = m.shadowOf(a + PAGE_SIZE);
  t.true(m.u8.slice(shadow, shadow + PAGE_SIZE).every((x) => x === 0));
  t.is(m.u8[shadow - 1], 9);
});

test('a shared frame is free only after its last owner gave it up', (t) => {
  const f = new Frames(Machine.create(0));
  const a = f.reserve(3);
  f.share(a + PAGE_SIZE, 1);
  t.false(f.isSole(a + PAGE_SIZE));
  f.release(a, 3);
  t.is(f.used, 1);
  t.true(f.isSole(a + PAGE_SIZE));
  f.unshare(a + PAGE_SIZE, 1);
  t.is(f.used, 0);
  t.false(f.anyShared);
});

/** A machine whose host takes pages back, with what it was given as (host page, pages) pairs. */
function givingBack(scale = 0): { m: Machine; given: number[][] } {
  const m = Machine.create(scale);
  const given: number[][] = [];
  m.discard = (bytes, host, length) => {
    bytes.fill(0, host, host + length);
    given.push([host / PAGE_SIZE, length / PAGE_SIZE]);
    return true;
  };
  return { m, given };
}

test('a long run goes back to the host from its first to its last dirty frame, with its shadow', (t) => {
  const { m, given } = givingBack(2);
  const f = new Frames(m);
  const a = f.reserve(200);
  f.prepare(a + 40 * PAGE_SIZE, 3);
  f.prepare(a + 99 * PAGE_SIZE, 1);
  f.release(a, 200);
  const lo = a + 40 * PAGE_SIZE;
  t.deepEqual(given, [
    [lo / PAGE_SIZE, 60],
    [m.shadowOf(lo) / PAGE_SIZE, 120],
  ]);
  // They are clean now: neither given back nor wiped again.
  t.is(f.reserve(200), a);
  m.u8[lo] = 7;
  f.prepare(lo, 1);
  t.is(m.u8[lo], 7);
  f.vacate(lo, 1);
  t.is(given.length, 4);
  t.is(m.u8[lo], 0);
});

test('what others own too stays when an owner gives it up', (t) => {
  const { m, given } = givingBack();
  const f = new Frames(m);
  const a = f.reserve(32);
  f.prepare(a, 32);
  m.u8.fill(5, a, a + 32 * PAGE_SIZE);
  f.share(a + 10 * PAGE_SIZE, 2);
  f.release(a, 32);
  t.deepEqual(given, [
    [a / PAGE_SIZE, 10],
    [a / PAGE_SIZE + 12, 20],
  ]);
  t.is(m.u8[a + 10 * PAGE_SIZE], 5);
  t.is(m.u8[a + 12 * PAGE_SIZE - 1], 5);
});

test('short runs go back once there are many of them', (t) => {
  const { m, given } = givingBack();
  const f = new Frames(m);
  const held = f.reserve(1);
  const a = f.reserve(8192);
  f.prepare(held, 1);
  f.prepare(a, 8192);
  let k = 0;
  for (; k < 8184 && given.length === 0; k += 8) f.release(a + k * PAGE_SIZE, 8);
  // 16 MiB at the latest, and only what is free.
  t.true(k > 64 && k <= 4104, `${k}`);
  t.deepEqual(given, [[a / PAGE_SIZE, k - 8]]);
});
