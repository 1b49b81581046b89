import test from 'ava';
import { EACCES, EEXIST, EINVAL, ENOMEM, EPERM } from '../../../kernel/core/errors.js';
import { GuestFault, GuestMem } from '../../../kernel/core/guest-mem.js';
import { ACCESS_EXEC, ACCESS_READ, ACCESS_WRITE, PAGE_SIZE } from '../../../kernel/core/layout.js';
import { Machine } from '../../../kernel/core/machine.js';
import { MMAP_TOP, USER_TOP } from '../../../kernel/core/mappings.js';
import type { SpaceHooks } from '../../../kernel/core/space.js';
import { createTask, destroyTask } from '../../../kernel/core/task.js';

const MIB = 1 << 20;
const RW = 3;

function fresh(scale = 0, hooks: Partial<SpaceHooks> = {}) {
  const machine = Machine.create(scale);
  const space = createTask(machine, 0, 1, hooks);
  return { machine, space, mem: new GuestMem(machine, space), frames: space.space.frames };
}

test('maps go top down, large ones to 2 MiB, and read as zero', (t) => {
  const { space, mem } = fresh();
  const a = space.map({ length: 5000, prot: RW, kind: 'anon' });
  t.is(a, MMAP_TOP - 2 * PAGE_SIZE);
  const b = space.map({ length: 3 * MIB, prot: RW, kind: 'anon' });
  t.true(b < a && b % (2 * MIB) === 0);
  t.is(mem.readU64(b + MIB), 0);
  mem.writeU64(b + MIB, -2);
  t.is(mem.readI64(b + MIB), -2);
  t.is(mem.readBigU64(b + MIB), 2n ** 64n - 2n);
});

test('bad arguments', (t) => {
  const { space } = fresh();
  t.is(space.map({ length: 0, prot: RW, kind: 'anon' }), -EINVAL);
  t.is(space.map({ addr: 0x20001, fixed: true, length: 4096, prot: RW, kind: 'anon' }), -EINVAL);
  t.is(space.map({ length: 4096, prot: 8, kind: 'anon' }), -EINVAL);
  t.is(space.map({ addr: 0, fixed: true, length: 4096, prot: RW, kind: 'anon' }), -EPERM);
  t.is(space.map({ addr: USER_TOP, fixed: true, length: 4096, prot: RW, kind: 'anon' }), -ENOMEM);
  t.is(space.map({ addr: 0x100000, fixed: true, length: 4096, prot: 1, maxProt: 1, kind: 'anon' }), 0x100000);
  t.is(space.map({ addr: 0x100000, noReplace: true, length: 4096, prot: RW, kind: 'anon' }), -EEXIST);
  t.is(space.protect(0x100000, 4096, RW), -EACCES);
  t.is(space.protect(0x100000, 8192, 1), -ENOMEM);
  t.is(space.unmap(0x100001, 4096), -EINVAL);
  t.is(space.unmap(0x100000, 0), -EINVAL);
});

test('faults say what is wrong', (t) => {
  const { space } = fresh();
  const a = space.map({ length: 4096, prot: 1, kind: 'anon' });
  t.is(space.fault(a, ACCESS_READ), 0);
  t.deepEqual(space.fault(a + 7, ACCESS_WRITE), { signo: 11, code: 2, addr: a + 7 });
  t.deepEqual(space.fault(a, ACCESS_EXEC), { signo: 11, code: 2, addr: a });
  t.deepEqual(space.fault(0, ACCESS_READ), { signo: 11, code: 1, addr: 0 });
  t.deepEqual(space.fault(2 ** 60, ACCESS_READ), { signo: 11, code: 1, addr: 2 ** 60 });
});

test('a large region has few windows, touched in order even one', (t) => {
  const { space } = fresh();
  const a = space.map({ length: 200 * MIB, prot: RW, kind: 'anon' });
  for (let k = 199; k >= 100; k--) t.is(space.fault(a + k * MIB, ACCESS_WRITE), 0);
  for (let k = 0; k < 200; k++) space.advise(a + k * MIB, MIB, 'willneed');
  // Pieces are 64 MiB, aligned: 200 MiB lie in at most five of them.
  let windows = 0;
  for (let at = a; at < a + 200 * MIB; windows++) {
    const { lo, length } = space.space.map.runAt(at)!;
    at = lo + length;
  }
  t.true(windows <= 5);
  const b = space.map({ length: 256 * MIB, prot: RW, kind: 'anon' });
  for (let at = b; at < b + 256 * MIB; at += PAGE_SIZE)
    if (space.space.map.lookup(at) === 0) space.fault(at, ACCESS_WRITE);
  t.is(space.space.map.runAt(b)!.length, 256 * MIB);
  t.is(space.regions().length, 1);
});

test('an arena opened bit by bit stays contiguous', (t) => {
  const { space, frames } = fresh();
  const a = space.map({ length: 64 * MIB, prot: 0, kind: 'anon', noreserve: true });
  t.is(space.protect(a, 132 * 1024, RW), 0);
  space.fault(a, ACCESS_WRITE);
  space.map({ length: MIB, prot: RW, kind: 'anon', populate: true });
  frames.reserve(1);
  for (let size = 132 * 1024; size < 8 * MIB; size += 65536) t.is(space.protect(a + size, 65536, RW), 0);
  space.advise(a, 8 * MIB, 'willneed');
  t.is(space.space.map.runAt(a)!.lo, a);
  t.true(space.space.map.runAt(a)!.length >= 8 * MIB);
});

test('brk grows contiguously, shrinks, and reads zero again', (t) => {
  const { space, mem, frames } = fresh();
  space.setBrkStart(0x200800);
  t.is(space.brk(0), 0x200800);
  t.is(space.brk(0x203000), 0x203000);
  mem.fill(0x201000, 0x2000, 5);
  frames.reserve(1);
  t.is(space.brk(0x200800 + 20 * MIB), 0x200800 + 20 * MIB);
  mem.fill(0x203000, 20 * MIB - 0x3000, 6);
  t.is(space.space.map.runAt(0x201000)!.length, 20 * MIB);
  t.deepEqual(
    space.regions().map((r) => [r.start, r.end, r.name]),
    [[0x201000, 0x201000 + 20 * MIB, '[heap]']],
  );
  t.is(space.brk(0x202000), 0x202000);
  t.deepEqual(space.fault(0x202000, ACCESS_READ), { signo: 11, code: 1, addr: 0x202000 });
  t.is(space.brk(0x204000), 0x204000);
  t.is(mem.readU8(0x201fff), 5);
  t.is(mem.readU8(0x202000), 0);
  t.is(space.space.committed, 3);
  t.is(space.brk(USER_TOP + 4096), 0x204000);
});

test('remap grows in place, moves with contents, shrinks', (t) => {
  const { space, mem } = fresh();
  const a = space.map({ addr: 0x10000000, fixed: true, length: 0x10000, prot: RW, kind: 'anon' });
  mem.writeU32(a + 0xfffc, 77);
  t.is(space.remap(a, 0x10000, 0x20000, false), a);
  mem.writeU32(a + 0x1fffc, 78);
  space.map({ addr: a + 0x20000, fixed: true, length: 4096, prot: 1, kind: 'anon' });
  t.is(space.remap(a, 0x20000, 0x40000, false), -ENOMEM);
  const b = space.remap(a, 0x20000, 0x40000, true);
  t.true(b > 0 && b !== a);
  t.is(mem.readU32(b + 0xfffc), 77);
  t.is(mem.readU32(b + 0x1fffc), 78);
  t.is(mem.readU32(b + 0x3fffc), 0);
  t.throws(() => mem.readU32(a), { instanceOf: GuestFault });
  t.is(space.remap(b, 0x40000, 0x1000, true), b);
  t.throws(() => mem.readU32(b + 0x1000), { instanceOf: GuestFault });
  t.is(space.remap(b, 0x1000, 0x3000, true, 0x30000000), 0x30000000);
  t.is(space.space.committed, 3);
  t.is(space.remap(0x50000000, 4096, 8192, true), -14);
});

test('strict accounting: no more is promised than there is, except without reserve', (t) => {
  const { space, frames } = fresh(63);
  const limit = frames.commitLimit * PAGE_SIZE;
  t.is(space.map({ length: limit + PAGE_SIZE, prot: RW, kind: 'anon' }), -ENOMEM);
  const a = space.map({ length: limit, prot: RW, kind: 'anon' });
  t.true(a > 0);
  t.is(space.map({ length: PAGE_SIZE, prot: RW, kind: 'anon' }), -ENOMEM);
  const ro = space.map({ length: PAGE_SIZE, prot: 1, kind: 'anon' });
  t.true(ro > 0);
  t.is(space.protect(ro, PAGE_SIZE, RW), -ENOMEM);
  t.true(space.map({ length: 2 ** 36, prot: RW, kind: 'anon', noreserve: true }) > 0);
  t.is(space.unmap(a, limit), 0);
  t.is(space.protect(ro, PAGE_SIZE, RW), 0);
  t.is(space.space.committed, 1);
});

test('all that was promised can be touched, though reservations hold frames elsewhere', (t) => {
  const { space, frames, mem } = fresh(63);
  for (let k = 0; k < 8; k++) {
    const a = space.map({ length: 16 * MIB, prot: RW, kind: 'anon', noreserve: true });
    mem.writeU32(a, k + 1);
  }
  const size = 20 * MIB;
  t.true(size < frames.total * PAGE_SIZE);
  const b = space.map({ length: size, prot: RW, kind: 'anon' });
  for (let at = b; at < b + size; at += PAGE_SIZE) mem.writeU32(at, at % 1000003);
  for (let at = b; at < b + size; at += PAGE_SIZE) if (mem.readU32(at) !== at % 1000003) t.fail('lost');
  destroyTask(space);
  t.is(frames.used, 0);
});

test('running out of frames is a bus error, not a crash', (t) => {
  const { space, frames } = fresh(255);
  const a = space.map({ length: 2 ** 32, prot: RW, kind: 'anon', noreserve: true });
  let bad: unknown = 0;
  for (let at = a; bad === 0; at += PAGE_SIZE) bad = space.fault(at, ACCESS_WRITE);
  t.like(bad, { signo: 7, code: 2 });
  t.true(frames.used > frames.total - 32);
});

test('a growing stack grows within its limit and keeps its gap', (t) => {
  const { space, mem } = fresh();
  const top = 0x3000000000;
  space.map({
    addr: top - 0x2000,
    fixed: true,
    length: 0x2000,
    prot: RW,
    kind: 'anon',
    stack: true,
    growsDown: true,
  });
  for (let at = top - 8; at > top - 4 * MIB; at -= 40000) mem.writeU8(at, 1);
  t.is(space.regions().length, 1);
  mem.writeU8(top - 8 * MIB, 1);
  t.throws(() => mem.writeU8(top - 8 * MIB - 1, 1), { instanceOf: GuestFault });
});

test('frames are released only after the shootdown, pages cleared before it', (t) => {
  const seen: string[] = [];
  const { space, frames, mem } = fresh(0, {
    shootdown: () => seen.push(`shootdown ${space.space.map.lookup(a)} ${frames.used >= 16}`),
    onUnmap: (lo, hi) => seen.push(`unmap ${lo === a} ${hi - lo}`),
    onProtect: (_lo, _hi, prot) => seen.push(`protect ${prot}`),
  });
  const a = space.map({ length: 0x10000, prot: RW, kind: 'anon' });
  mem.writeU8(a, 1);
  const before = frames.used;
  space.protect(a, 0x10000, 7);
  space.unmap(a, 0x10000);
  t.deepEqual(seen, ['protect 7', 'shootdown 0 true', 'unmap true 65536']);
  t.is(frames.used, before - 16);
});

test('narrowing keeps contents and shoots windows down', (t) => {
  let shots = 0;
  const { space, mem } = fresh(0, { shootdown: () => shots++ });
  const a = space.map({ length: 0x3000, prot: RW, kind: 'anon' });
  mem.copyOut(a + 0xffe, Uint8Array.of(1, 2, 3, 4));
  t.is(space.protect(a + 0x1000, 0x1000, 0), 0);
  t.is(shots, 1);
  t.throws(() => mem.copyIn(a + 0xffe, 4), { instanceOf: GuestFault });
  t.throws(() => mem.writeU16(a + 0xfff, 0xffff), { instanceOf: GuestFault });
  t.is(space.regions().length, 3);
  t.is(space.protect(a + 0x1000, 0x1000, RW), 0);
  t.is(space.regions().length, 1);
  t.deepEqual([...mem.copyIn(a + 0xffe, 4)], [1, 255, 3, 4]);
});

test('dontneed gives private pages back', (t) => {
  const { space, mem, frames } = fresh();
  const a = space.map({ length: 0x4000, prot: RW, kind: 'anon' });
  mem.fill(a, 0x4000, 9);
  const used = frames.used;
  t.is(space.advise(a + 0x1000, 0x1000, 'dontneed'), 0);
  t.is(mem.readU32(a + 0x1000), 0);
  t.is(mem.readU8(a + 0xfff), 9);
  t.is(mem.readU8(a + 0x2000), 9);
  t.is(frames.used, used);
});

test('strings and words', (t) => {
  const { space, mem, machine } = fresh();
  const a = space.map({ length: 0x2000, prot: RW, kind: 'anon' });
  mem.copyOut(a + 0xffd, new TextEncoder().encode('h\u00e9llo\0'));
  t.is(mem.cstring(a + 0xffd, 100), 'h\u00e9llo');
  t.is(mem.cstring(a + 0xffd, 6), 'h\u00e9llo');
  t.is(mem.cstring(a + 0xffd, 5), null);
  mem.copyOut(a + 0x1ffe, Uint8Array.of(65, 66));
  t.throws(() => mem.cstring(a + 0x1ffe, 100), { instanceOf: GuestFault });
  t.is(mem.cstring(a + 0x1ffe, 1), null);
  machine.i32[mem.hostWord(a + 8, true) >>> 2] = -5;
  t.is(mem.readI32(a + 8), -5);
  t.is(mem.readU32(a + 8), 2 ** 32 - 5);
});

test('a second worker sees the same names and regions', (t) => {
  const { machine, space } = fresh();
  space.map({ addr: 0x100000, fixed: true, length: 4096, prot: 5, kind: 'anon', name: '/bin/true' });
  const other = createTask(Machine.attach(machine.memory), 0, 1);
  t.like(other.regionAt(0x100fff), { start: 0x100000, end: 0x101000, prot: 5, name: '/bin/true' });
  other.map({ addr: 0x200000, fixed: true, length: 4096, prot: 5, kind: 'anon', name: 'second' });
  t.is(space.regionAt(0x200000)!.name, 'second');
  t.is(space.regionAt(0x300000), undefined);
});

test('discarded pages, and those of a task that ends, go back to the host', (t) => {
  const { machine, space, mem, frames } = fresh();
  let pages = 0;
  machine.discard = (bytes, host, length) => {
    bytes.fill(0, host, host + length);
    pages += length / PAGE_SIZE;
    return true;
  };
  const a = space.map({ length: 4 * MIB, prot: RW, kind: 'anon' });
  for (let k = 0; k < 1024; k++) mem.writeU64(a + k * PAGE_SIZE, k + 1);
  const used = frames.used;
  space.advise(a + 10 * PAGE_SIZE, 5 * PAGE_SIZE, 'dontneed');
  t.is(pages, 5);
  t.is(frames.used, used);
  t.is(mem.readU64(a + 9 * PAGE_SIZE), 10);
  t.is(mem.readU64(a + 12 * PAGE_SIZE), 0);
  t.is(mem.readU64(a + 15 * PAGE_SIZE), 16);
  destroyTask(space);
  t.true(pages >= 5 + 1024, `${pages}`);
});
