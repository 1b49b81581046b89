/** Client requests of the core. Numbers as valgrind.h has them; va_list on riscv64 points at 8-byte words. */
import test from 'ava';
import type { GuestMem } from '../../kernel/core/guest-mem.js';
import { coreRequest } from '../../src/engine/client-requests.js';

const FORMAT = 0x1000;
const LIST = 0x2000;
const WORDS = 0x3000;

const nothing = {} as GuestMem;
const silent = (): void => undefined;

/** A request that prints: its result and what went to the log. */
function print(
  format: string,
  words: readonly (number | string)[],
): { result: number | undefined; lines: string[] } {
  const texts = new Map<number, string>([[FORMAT, format]]);
  const numbers = new Map<number, number>([[LIST, WORDS]]);
  words.forEach((w, i) => {
    if (typeof w === 'string') texts.set(0x4000 + i * 64, w);
    numbers.set(WORDS + i * 8, typeof w === 'string' ? 0x4000 + i * 64 : w);
  });
  const mem = {
    cstring: (at: number) => texts.get(at) ?? null,
    readI64: (at: number) => numbers.get(at)!,
  } as unknown as GuestMem;
  const lines: string[] = [];
  const result = coreRequest(0x1403, [FORMAT, LIST], (text) => void lines.push(text), mem);
  return { result, lines };
}

test('a program can tell that it does not run on its own', (t) => {
  t.is(coreRequest(0x1001, [], silent, nothing), 1);
  t.is(coreRequest(0x1002, [], silent, nothing), 0);
});

test('requests of tools are left to them', (t) => {
  // 'M' 'C' in the upper half: Memcheck's.
  t.is(coreRequest(0x4d430000, [], silent, nothing), undefined);
});

test('printf: conversions, and the number of characters as result', (t) => {
  const r = print('%d %u %x %X %o %c %s%%\n', [-5, 5, 255, 255, 8, 65, 'abc']);
  t.deepEqual(r.lines, ['-5 5 ff FF 10 A abc%']);
  t.is(r.result, '-5 5 ff FF 10 A abc%\n'.length);
});

test('printf: width, padding and length', (t) => {
  t.deepEqual(print('[%5d|%-5d|%05d|%ld]', [42, 42, 42, 7]).lines, ['[   42|42   |00042|7]']);
});

test('printf: a negative word unsigned is the 64-bit pattern; a bad pointer is (null)', (t) => {
  t.deepEqual(print('%lx %p', [-1, 16]).lines, ['ffffffffffffffff 0x10']);
  t.deepEqual(print('%s', [12345]).lines, ['(null)']);
});
