import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import { GuestMem } from '../../../kernel/core/guest-mem.js';
import { Machine } from '../../../kernel/core/machine.js';
import { createTask } from '../../../kernel/core/task.js';
import { LoadError, loadProgram, openProgram } from '../../../kernel/linux/loader.js';

interface Segment {
  vaddr: number;
  data: Uint8Array;
  memsz: number;
  flags: number;
}

/** A little ELF64 RISC-V file: type 2 = fixed address, 3 = position-independent. */
function elf(type: number, entry: number, segments: Segment[], interp?: string): Uint8Array {
  const out = new Uint8Array(0x1000 * (segments.length + 1));
  const v = new DataView(out.buffer);
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  v.setUint16(16, type, true);
  v.setUint16(18, 243, true);
  v.setUint32(20, 1, true);
  v.setBigUint64(24, BigInt(entry), true);
  v.setBigUint64(32, 64n, true);
  v.setUint16(52, 64, true);
  v.setUint16(54, 56, true);
  v.setUint16(56, segments.length + (interp === undefined ? 0 : 1), true);
  let at = 64;
  const header = (kind: number, flags: number, words: number[]) => {
    v.setUint32(at, kind, true);
    v.setUint32(at + 4, flags, true);
    for (const [i, word] of words.entries()) v.setBigUint64(at + 8 + i * 8, BigInt(word), true);
    at += 56;
  };
  for (const [i, s] of segments.entries()) {
    // The first segment holds the headers themselves, at the start of the file.
    const offset = i === 0 ? 0 : 0x1000 * i + (s.vaddr % 0x1000);
    // What lies behind a segment in the file must not show in its bss.
    if (i > 0) out.fill(0xee, 0x1000 * i, 0x1000 * (i + 1)).set(s.data, offset);
    const size = i === 0 ? 0x200 : s.data.length;
    header(1, s.flags, [offset, s.vaddr, s.vaddr, size, i === 0 ? 0x200 : s.memsz, 0x1000]);
  }
  if (interp !== undefined) {
    out.set(Buffer.from(`${interp}\0`), 0x300);
    header(3, 4, [0x300, 0x300, 0x300, interp.length + 1, interp.length + 1, 1]);
  }
  return out;
}

function setUp(t: { teardown(fn: () => void): void }) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'capgrind-load-'));
  t.teardown(() => fs.rmSync(dir, { recursive: true }));
  const machine = Machine.create(0);
  const space = createTask(machine, 0, 1);
  const mem = new GuestMem(machine, space);
  const file = (name: string, bytes: Uint8Array, mode = 0o755) => {
    const full = path.join(dir, name);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.writeFileSync(full, bytes, { mode });
    return full;
  };
  return { dir, space, mem, file };
}

const TEXT: Segment = { vaddr: 0x20000, data: new Uint8Array(0), memsz: 0x200, flags: 5 };
const DATA: Segment = { vaddr: 0x31e00, data: new Uint8Array(0x100).fill(0xaa), memsz: 0x2400, flags: 6 };

/** Reads the initial stack back the way a C library does. */
function readStack(mem: GuestMem, sp: number) {
  const text = (addr: number) => mem.cstring(addr);
  let at = sp;
  const word = () => {
    at += 8;
    return mem.readU64(at - 8);
  };
  const argc = word();
  const pointers: number[] = [];
  for (let p = word(); p !== 0; p = word()) pointers.push(p);
  const environment: number[] = [];
  for (let p = word(); p !== 0; p = word()) environment.push(p);
  const auxv = new Map<number, number>();
  for (;;) {
    const key = word();
    const value = word();
    if (key === 0) break;
    auxv.set(key, value);
  }
  return { argc, argv: pointers.map(text), envp: environment.map(text), pointers, auxv };
}

test('a fixed-address program: segments, bss, stack, auxiliary vector', (t) => {
  const { space, mem, file } = setUp(t);
  const program = openProgram(file('prog', elf(2, 0x20100, [TEXT, DATA])));
  const random = new Uint8Array(16).map((_, i) => i);
  const argv = ['prog', 'one', 'zwei'];
  const loaded = loadProgram(space, mem, { ...program, argv, envp: ['A=1', 'B=ü'], random });
  t.is(loaded.entry, 0x20100);
  t.is(loaded.interpBase, 0);
  t.is(loaded.images[0]!.bias, 0);
  t.is(loaded.brk, 0x35000, 'behind the bss, on a page');
  t.is(space.brk(0), 0x35000);
  t.is(mem.readU32(0x20000), 0x464c457f);
  t.is(mem.readU8(0x31eff), 0xaa);
  t.is(mem.readU8(0x31f00), 0, 'bss in the last page of the file');
  t.is(mem.readU8(0x341ff), 0);
  t.throws(() => mem.writeU8(0x20000, 1));
  t.throws(() => mem.readU8(0x35000));
  mem.writeU8(0x341ff, 1);

  t.is(loaded.sp % 16, 0);
  const stack = readStack(mem, loaded.sp);
  t.is(stack.argc, 3);
  t.deepEqual(stack.argv, argv);
  t.deepEqual(stack.envp, ['A=1', 'B=ü']);
  t.deepEqual(
    stack.pointers,
    [...stack.pointers].sort((a, b) => a - b),
    'argv[0] lies lowest',
  );
  t.is(stack.pointers[1], stack.pointers[0]! + 5, 'and the strings lie one behind the other');
  const aux = stack.auxv;
  t.is(aux.get(3), 0x20000 + 64, 'AT_PHDR');
  t.is(aux.get(4), 56, 'AT_PHENT');
  t.is(aux.get(5), 2, 'AT_PHNUM');
  t.is(aux.get(6), 4096, 'AT_PAGESZ');
  t.is(aux.get(7), 0, 'AT_BASE');
  t.is(aux.get(9), 0x20100, 'AT_ENTRY');
  t.is(aux.get(16), 0x112d, 'AT_HWCAP: A, C, D, F, I, M');
  t.is(aux.get(23), 0, 'AT_SECURE');
  t.deepEqual(mem.copyIn(aux.get(25)!, 16), random);
  t.is(mem.cstring(aux.get(31)!), program.path);
  t.false(aux.has(33), 'no vdso');
  const stackRegion = space.regionAt(loaded.sp)!;
  t.is(stackRegion.prot, 3, 'never executable');
  t.is(loaded.stackHigh - loaded.stackLow, 8 * 1024 * 1024);
});

test('a position-independent program with its interpreter below the sysroot', (t) => {
  const { dir, space, mem, file } = setUp(t);
  const text = { ...TEXT, vaddr: 0 };
  const data = { ...DATA, vaddr: 0x1e00 };
  file('root/lib/ld.so', elf(3, 0x80, [text]));
  const program = openProgram(file('pie', elf(3, 0x100, [text, data], '/lib/ld.so')));
  const request = { ...program, argv: ['pie'], envp: [], sysroot: path.join(dir, 'root') };
  const loaded = loadProgram(space, mem, request);
  const [main, interpreter] = loaded.images;
  t.true(main!.bias > 0 && main!.bias % 4096 === 0);
  t.is(loaded.entry, interpreter!.bias + 0x80);
  t.is(loaded.interpBase, interpreter!.start);
  const { auxv } = readStack(mem, loaded.sp);
  t.is(auxv.get(9), main!.bias + 0x100);
  t.is(auxv.get(7), interpreter!.start);
  t.is(auxv.get(3), main!.bias + 64);
  t.is(mem.readU8(main!.bias + 0x1e00), 0xaa);
  t.regex(space.regionAt(interpreter!.start)!.name, /root\/lib\/ld\.so$/);
});

test('what cannot be run says why, with the status a shell gives', (t) => {
  const { dir, space, mem, file } = setUp(t);
  const failure = (fn: () => unknown) => {
    const error = t.throws(fn, { instanceOf: LoadError });
    return [error?.status, error?.message.replaceAll(dir, '')];
  };
  const good = elf(2, 0x20100, [TEXT]);
  t.deepEqual(
    failure(() => openProgram(path.join(dir, 'none'))),
    [127, '/none: no such file'],
  );
  t.deepEqual(
    failure(() => openProgram(dir)),
    [126, ': is a directory'],
  );
  if (process.getuid?.() !== 0) {
    t.deepEqual(
      failure(() => openProgram(file('plain', good, 0o644))),
      [126, '/plain: permission denied'],
    );
  }
  const script = failure(() => openProgram(file('script', Buffer.from('#!/bin/sh\n'))));
  t.is(script[0], 126);
  t.regex(String(script[1]), /script/);
  t.deepEqual(
    failure(() => openProgram(file('text', Buffer.from('hello')))),
    [126, '/text: not an ELF file'],
  );
  const dynamic = openProgram(file('dyn', elf(3, 0, [{ ...TEXT, vaddr: 0 }], '/lib/no-such-ld.so')));
  const missing = failure(() => loadProgram(space, mem, { ...dynamic, argv: ['dyn'], envp: [] }));
  t.is(missing[0], 126);
  t.regex(String(missing[1]), /no-such-ld\.so was not found.*--sysroot/);
});
