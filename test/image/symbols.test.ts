/** Symbols against nm of binutils, what counts as user code, and damaged files. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Image, ImageSet } from '../../src/image/image-set.js';
import { isLibraryFolder } from '../../src/image/library-names.js';
import { preferName } from '../../src/image/symbols.js';
import { unwindStack } from '../../src/image/unwind.js';
import { Random } from '../support/random.js';

const BIN = existsSync('test/guests/bin')
  ? 'test/guests/bin'
  : join(import.meta.dirname, '../../../test/guests/bin');
const STATIC = join(BIN, 'race-counter');
const FUZZED = ['client-requests', 'hello-dynamic', 'cplusplus'];
const FUZZ_FILES = process.env['CAPGRIND_TEST_ALL'] ? 3000 : 500;

interface NmSymbol {
  readonly name: string;
  readonly addr: number;
  readonly size: number;
}

/** Functions with a size, by nm; [] where it is missing. */
function nm(program: string): NmSymbol[] {
  const out = spawnSync('riscv64-linux-gnu-nm', ['-S', program], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return (out.stdout ?? '').split('\n').flatMap((line) => {
    const [addr, size, type, name] = line.split(' ');
    if (name === undefined || !/^[tTwWi]$/.test(type)) return [];
    return [{ name, addr: Number.parseInt(addr, 16), size: Number.parseInt(size, 16) }];
  });
}

test('every function nm lists is found by name and by address', (t) => {
  const listed = nm(STATIC);
  if (listed.length === 0) {
    t.log('no riscv64-linux-gnu-nm: not compared');
    t.pass();
    return;
  }
  t.true(listed.length > 500);
  const image = new Image(STATIC, 0x1000);
  const names = new Map<number, string[]>();
  for (const s of listed) names.set(s.addr, [...(names.get(s.addr) ?? []), s.name]);
  for (const { name, addr, size } of listed) {
    t.true(image.symbols!.addressesOf(name).includes(addr), name);
    const found = image.functionAt(addr + 0x1000 + (size >>> 1));
    // Code labels inside of a function have symbols of their own.
    if (found === null || found.addr !== addr) continue;
    const aliases = names.get(addr)!;
    t.true(aliases.includes(found.name), name);
    t.true(
      aliases.every((other) => other === found.name || !preferName(other, found.name) || size !== found.size),
    );
  }
});

test('the name shown is the shortest, versioned before plain, then the first by alphabet', (t) => {
  const best = (names: string[]): string => names.reduce((a, b) => (preferName(b, a) ? b : a));
  t.is(best(['__libc_malloc', 'malloc', '__malloc']), 'malloc');
  t.is(best(['abcd', 'abc@VERS_1']), 'abc@VERS_1');
  t.is(best(['abc', 'abc@@VERS_1']), 'abc@@VERS_1');
  t.is(best(['bbb', 'aaa']), 'aaa');
  t.is(best(['  ', 'longer']), 'longer');
});

test('all aliases of an intercepted function lead to its address', (t) => {
  const images = new ImageSet();
  images.add(STATIC, 0, 0x10000, 0x90000);
  for (const [a, b] of [
    ['malloc', '__libc_malloc'],
    ['pthread_mutex_lock', '___pthread_mutex_lock'],
  ]) {
    const found = images.addressesOf(a);
    t.is(found.length, 1, a);
    t.deepEqual(images.addressesOf(b), found, b);
    t.is(images.functionAt(found[0])?.addr, found[0]);
  }
  t.deepEqual(images.addressesOf('no_such_function'), []);
});

test('data symbols by any address in them, with their section', (t) => {
  const images = new ImageSet();
  images.add(STATIC, 0x4000, 0x14000, 0x94000);
  const { symbols } = images.images()[0];
  for (const [name, size] of [
    ['racy', 8],
    ['locked', 8],
    ['lock', 40],
  ] as const) {
    // The C library has a variable called lock too.
    const at = symbols!.named(name).find((s) => s.size === size)!.addr + 0x4000;
    for (const addr of [at, at + size - 1]) {
      const found = images.dataAt(addr);
      t.deepEqual([found?.name, found?.addr, found?.size, found?.section], [name, at, size, 'BSS']);
    }
    t.not(images.dataAt(at + size)?.name, name);
  }
});

test('code of the program is told from code of a C library linked into it', (t) => {
  const images = new ImageSet();
  images.add(STATIC, 0, 0x10000, 0x90000);
  const at = (name: string): number => images.addressesOf(name)[0] + 2;
  for (const name of ['main', 'count', 'first_worker', 'second_worker'])
    t.true(images.isUserCode(at(name)), name);
  for (const name of ['malloc', 'printf', 'pthread_mutex_lock', 'start_thread', '_start', 'memcpy'])
    t.false(images.isUserCode(at(name)), name);
  t.false(images.isUserCode(0x7000_0000));
});

test('files that are missing or no ELF files are images without anything', (t) => {
  for (const image of [
    new Image('/nonexistent/file', 0),
    new Image('text', 0, Buffer.from('hello'.repeat(50))),
  ]) {
    t.is(image.elf, null);
    t.is(image.symbols, null);
    t.is(image.functionAt(0x1000), null);
    t.is(image.cfiAt(0x1000), null);
    t.is(image.lineAt(0x1000), null);
    t.is(image.code16(0x1000), -1);
    t.is(image.soname, null);
  }
});

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let out = Uint8Array.from(bytes);
  const debug = bytes.length - (bytes.length >>> 1);
  for (let n = random.range(1, 40); n > 0; n--) {
    const kind = random.below(4);
    // Most of what is read lies in the headers and in the second half: debug sections, tables, section headers.
    const at = random.chance(15) ? 16 + random.below(48) : debug + random.below(bytes.length - debug);
    if (kind === 0) out[at] = random.u32();
    else if (kind === 1) out[at] ^= 1 << random.below(8);
    else if (kind === 2) out.fill(random.chance(50) ? 255 : 0, at, at + random.range(1, 16));
    else out.copyWithin(at, random.below(bytes.length), random.below(bytes.length));
  }
  if (random.chance(10)) out = out.slice(0, random.below(out.length));
  return out;
}

test('damaged files give no errors and take no long time', (t) => {
  const originals = FUZZED.map((name) => {
    const bytes = readFileSync(join(BIN, name));
    const functions = new Image(name, 0, bytes)
      .symbols!.symbols()
      .filter((s) => s.kind === 'func' && s.size > 8);
    return { name, bytes, functions };
  });
  let described = 0;
  let slowest = 0;
  for (let i = 0; i < FUZZ_FILES; i++) {
    const random = new Random(i);
    const { name, bytes, functions } = originals[i % originals.length];
    const images = new ImageSet();
    const began = process.cpuUsage().user;
    const image = images.add(`/nonexistent/${name}`, 0, 0, 0x100000, mutate(bytes, random));
    t.notThrows(() => {
      for (let k = 0; k < 6; k++) {
        const { addr, size } = functions[random.below(functions.length)];
        const pc = addr + random.below(size);
        if (images.describe(pc)[0].line > 0) described++;
        image.cfiAt(pc);
        images.isUserCode(pc);
      }
      const regs = Array.from({ length: 32 }, () => random.below(0x20000) & ~7);
      const { addr } = functions[random.below(functions.length)];
      const word = (): number => functions[random.below(functions.length)].addr + 4;
      unwindStack({ pc: addr + 4, regs }, word, images, 30);
      images.dataAt(0x4000 + random.below(0x2000));
      images.addressesOf('main');
      image.soname;
    }, `seed ${i}`);
    slowest = Math.max(slowest, process.cpuUsage().user - began);
  }
  t.true(described > 100, 'many damaged files still have lines');
  t.true(slowest < 3e6, `${slowest} microseconds`);
});

test('folders that the core libraries of L4Re are compiled in', (t) => {
  t.true(isLibraryFolder('/build/pkg/l4re-core/libpthread/lib/OBJ-riscv'));
  t.false(isLibraryFolder('/build/pkg/hello/server/src/OBJ-riscv'));
  t.false(isLibraryFolder('/build/pkg/my-l4re-core-fork'));
  t.false(isLibraryFolder(''));
});
