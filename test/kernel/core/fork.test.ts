import test from 'ava';
import { GuestMem } from '../../../kernel/core/guest-mem.js';
import { PAGE_SIZE } from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';
import { createTask, destroyTask, forkSpace } from '../../../kernel/core/task.js';

function forked() {
  const machine = Machine.create(1);
  let shots = 0;
  const parent = createTask(machine, 0, 1, { shootdown: () => shots++ });
  const mem = new GuestMem(machine, parent);
  const a = parent.map({ length: 64 * PAGE_SIZE, prot: 3, kind: 'anon', name: 'data' });
  for (let k = 0; k < 32; k++) mem.writeU32(a + k * PAGE_SIZE, k + 1);
  const child = createTask(machine, 1, 2);
  const used = parent.space.frames.used;
  const ok = forkSpace(parent, child);
  return {
    machine,
    parent,
    child,
    mem,
    childMem: new GuestMem(machine, child),
    a,
    ok,
    used,
    shots: () => shots,
  };
}

test('a fork copies nothing until somebody writes, then only that page', (t) => {
  const f = forked();
  t.true(f.ok);
  const { frames } = f.parent.space;
  t.is(f.shots(), 1);
  // The child's page map leaf is all it took.
  t.is(frames.used, f.used + 1024);
  for (let k = 0; k < 32; k++) t.is(f.childMem.readU32(f.a + k * PAGE_SIZE), k + 1);
  f.childMem.writeU32(f.a, 100);
  t.is(frames.used, f.used + 1025);
  t.is(f.mem.readU32(f.a), 1);
  f.mem.writeU32(f.a + PAGE_SIZE, 200);
  t.is(f.childMem.readU32(f.a + PAGE_SIZE), 2);
  t.is(f.shots(), 2);
  t.is(f.child.regionAt(f.a)!.name, 'data');
});

test('the last owner writes in place', (t) => {
  const f = forked();
  const host = f.mem.hostWord(f.a, false);
  destroyTask(f.child);
  f.mem.writeU32(f.a, 5);
  t.is(f.mem.hostWord(f.a, true), host);
  t.is(f.shots(), 1);
});

test('shadow travels with a copied page', (t) => {
  const f = forked();
  const host = f.mem.hostWord(f.a, false);
  f.machine.u8[f.machine.shadowOf(host)] = 42;
  f.childMem.writeU32(f.a + 4, 1);
  const copy = f.childMem.hostWord(f.a, true);
  t.not(copy, host);
  t.is(f.machine.u8[f.machine.shadowOf(copy)], 42);
});

test('a page the parent dropped is fresh for it and kept for the child', (t) => {
  const f = forked();
  f.parent.advise(f.a, 4 * PAGE_SIZE, 'dontneed');
  t.is(f.mem.readU32(f.a), 0);
  f.mem.writeU32(f.a, 9);
  t.is(f.childMem.readU32(f.a), 1);
  destroyTask(f.parent);
  t.is(f.childMem.readU32(f.a + 3 * PAGE_SIZE), 4);
  destroyTask(f.child);
  t.is(f.parent.space.frames.used, 0);
});

test('making a read-only page writable after a fork still copies it', (t) => {
  const f = forked();
  f.child.protect(f.a, 2 * PAGE_SIZE, 1);
  f.child.protect(f.a, 2 * PAGE_SIZE, 3);
  f.childMem.writeU32(f.a, 77);
  t.is(f.mem.readU32(f.a), 1);
});

test('a fork that finds no memory leaves the parent whole and the child empty', (t) => {
  const machine = Machine.create(255);
  const spaces = [createTask(machine, 0, 1)];
  const [parent] = spaces;
  const { frames } = parent.space;
  const mem = new GuestMem(machine, parent);
  const a = parent.map({ length: 100 * PAGE_SIZE, prot: 3, kind: 'anon', populate: true });
  parent.map({ addr: 0x100000, fixed: true, length: PAGE_SIZE, prot: 3, kind: 'anon', populate: true });
  mem.writeU32(a, 11);
  // 3900 frames; parent and child need two leaves of 1024 each.
  const child = createTask(machine, 1, 2);
  const used = frames.used;
  t.false(forkSpace(parent, child));
  t.deepEqual(child.regions(), []);
  t.is(frames.used, used);
  t.is(frames.committed, 101);
  mem.writeU32(a, 12);
  t.is(mem.readU32(a), 12);
  destroyTask(parent);
  t.is(frames.used, 0);
});
