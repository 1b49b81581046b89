import test from 'ava';
import { GuestFault, GuestMem } from '../../../kernel/core/guest-mem.js';
import { ACCESS_READ, ACCESS_WRITE, PAGE_SIZE } from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';
import { createTask, destroyTask, forkSpace } from '../../../kernel/core/task.js';

/** A file in memory with the interfaces the core asks for. */
class MemoryFile {
  bytes: Uint8Array;
  reads = 0;
  constructor(size: number) {
    this.bytes = Uint8Array.from({ length: size }, (_, k) => (k >>> 12) + (k % 251));
  }
  get size(): number {
    return this.bytes.length;
  }
  read(offset: number, into: Uint8Array): number {
    this.reads++;
    into.set(this.bytes.subarray(offset, offset + into.length));
    return into.length;
  }
  write(offset: number, from: Uint8Array): void {
    if (offset + from.length > this.bytes.length) throw new Error('file grew');
    this.bytes.set(from, offset);
  }
}

function fresh(file: MemoryFile) {
  const machine = Machine.create(0);
  const hooks = { fileReader: () => file, fileWriter: () => file };
  const space = createTask(machine, 0, 1, hooks);
  const map = { id: 5, offset: 0, size: file.size, read: (o: number, b: Uint8Array) => file.read(o, b) };
  return { machine, space, mem: new GuestMem(machine, space), map, hooks, frames: space.space.frames };
}

test('a private file mapping holds the file, then zeros, then bus errors', (t) => {
  const file = new MemoryFile(PAGE_SIZE + 100);
  const { space, mem, map } = fresh(file);
  const a = space.map({ length: 4 * PAGE_SIZE, prot: 3, kind: 'file', file: map });
  t.deepEqual(mem.copyIn(a, PAGE_SIZE + 100), file.bytes);
  t.true(mem.copyIn(a + PAGE_SIZE + 100, PAGE_SIZE - 100).every((x) => x === 0));
  t.deepEqual(space.fault(a + 2 * PAGE_SIZE, ACCESS_READ), { signo: 7, code: 2, addr: a + 2 * PAGE_SIZE });
  mem.writeU8(a, 200);
  space.unmap(a, 4 * PAGE_SIZE);
  t.is(file.bytes[0], 0);
});

test('an offset, a split and a move keep file positions', (t) => {
  const file = new MemoryFile(64 * PAGE_SIZE);
  const { space, mem, map } = fresh(file);
  const a = space.map({
    length: 32 * PAGE_SIZE,
    prot: 1,
    kind: 'file',
    file: { ...map, offset: 8 * PAGE_SIZE },
  });
  space.protect(a + 4 * PAGE_SIZE, PAGE_SIZE, 3);
  t.is(mem.readU8(a + 4 * PAGE_SIZE + 5), file.bytes[12 * PAGE_SIZE + 5]);
  space.map({ addr: a + 32 * PAGE_SIZE, fixed: true, length: PAGE_SIZE, prot: 1, kind: 'anon' });
  const b = space.remap(a + 8 * PAGE_SIZE, 24 * PAGE_SIZE, 40 * PAGE_SIZE, true);
  t.not(b, a + 8 * PAGE_SIZE);
  t.deepEqual(mem.copyIn(b, 40 * PAGE_SIZE), file.bytes.slice(16 * PAGE_SIZE, 56 * PAGE_SIZE));
  t.is(space.regionAt(b)!.fileOffset, 16 * PAGE_SIZE);
  t.true(space.usesFile(5));
  space.unmap(a, 8 * PAGE_SIZE);
  space.unmap(b, 40 * PAGE_SIZE);
  t.false(space.usesFile(5));
});

test('shared mappings of a file share frames and are written back', (t) => {
  const file = new MemoryFile(20 * PAGE_SIZE + 10);
  const { space, mem, map, frames } = fresh(file);
  const a = space.map({ length: 21 * PAGE_SIZE, prot: 3, kind: 'file', shared: true, file: map });
  const b = space.map({
    length: 40 * PAGE_SIZE,
    prot: 1,
    kind: 'file',
    shared: true,
    file: { ...map, offset: PAGE_SIZE },
  });
  mem.writeU32(a + PAGE_SIZE + 4, 0x01020304);
  t.is(mem.readU32(b + 4), 0x01020304);
  t.is(file.bytes[PAGE_SIZE + 4], new MemoryFile(PAGE_SIZE + 5).bytes[PAGE_SIZE + 4]);
  t.is(space.sync(a, 21 * PAGE_SIZE), 0);
  t.is(file.bytes[PAGE_SIZE + 4], 4);
  t.is(mem.readU8(a + 20 * PAGE_SIZE + 3), file.bytes[20 * PAGE_SIZE + 3]);
  mem.writeU8(a + 20 * PAGE_SIZE + 9, 99);
  mem.writeU8(a + 20 * PAGE_SIZE + 10, 98);
  space.unmap(a, 21 * PAGE_SIZE);
  t.is(file.bytes[20 * PAGE_SIZE + 9], 99);
  t.is(mem.readU32(b + 4), 0x01020304);
  t.throws(() => mem.writeU8(b, 1), { instanceOf: GuestFault });
  destroyTask(space);
  t.is(frames.used, 0);
});

test('pages that were only read are not written back', (t) => {
  const file = new MemoryFile(40 * PAGE_SIZE);
  const { space, mem, map } = fresh(file);
  const a = space.map({ length: 40 * PAGE_SIZE, prot: 3, kind: 'file', shared: true, file: map });
  mem.copyIn(a, 40 * PAGE_SIZE);
  file.bytes[0] = 111;
  mem.writeU8(a + 39 * PAGE_SIZE, 1);
  space.unmap(a, 40 * PAGE_SIZE);
  t.is(file.bytes[0], 111);
  t.is(file.bytes[39 * PAGE_SIZE], 1);
});

test('an access that reads and writes resolves a page that was only read, and needs both rights', (t) => {
  const file = new MemoryFile(PAGE_SIZE);
  const { space, map } = fresh(file);
  const a = space.map({ length: PAGE_SIZE, prot: 3, kind: 'file', shared: true, file: map });
  t.is(space.fault(a, ACCESS_READ), 0);
  t.is(space.space.map.lookup(a) & ACCESS_WRITE, 0);
  t.is(space.fault(a, ACCESS_READ | ACCESS_WRITE), 0);
  t.is(space.space.map.lookup(a) & ACCESS_WRITE, ACCESS_WRITE);
  space.protect(a, PAGE_SIZE, 1);
  t.deepEqual(space.fault(a, ACCESS_READ | ACCESS_WRITE), { signo: 11, code: 2, addr: a });
});

test('shared memory stays shared over a fork, whoever touches it first', (t) => {
  const file = new MemoryFile(PAGE_SIZE);
  const { machine, space, mem, hooks, frames } = fresh(file);
  const a = space.map({ length: 64 * PAGE_SIZE, prot: 3, kind: 'anon', shared: true });
  mem.writeU32(a, 1);
  const child = createTask(machine, 1, 2, hooks);
  t.true(forkSpace(space, child));
  const childMem = new GuestMem(machine, child);
  t.is(childMem.readU32(a), 1);
  childMem.writeU32(a + 40 * PAGE_SIZE, 2);
  t.is(mem.readU32(a + 40 * PAGE_SIZE), 2);
  destroyTask(space);
  t.is(childMem.readU32(a + 40 * PAGE_SIZE), 2);
  destroyTask(child);
  t.is(frames.used, 0);
  t.is(frames.committed, 0);
});
