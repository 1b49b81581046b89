/** Functions, lines and inlined calls against addr2line of binutils, for programs compiled here with gcc. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ImageSet } from '../../src/image/image-set.js';

const PROGRAM = `
#include <stdio.h>
#include <stdlib.h>
static inline __attribute__((always_inline)) int square(int x) {
  int y = x * x;
  if (y > 1000)
    abort();
  return y;
}
static inline __attribute__((always_inline)) int sum_of_squares(int n) {
  int sum = 0;
  for (int i = 0; i < n; i++) {
    sum += square(i);
    if (sum < 0) sum = square(sum) + 1;
  }
  return sum;
}
__attribute__((noinline)) int twice(int n) {
  return sum_of_squares(n) +
         sum_of_squares(n + 1);
}
struct item { struct item *next; int value; };
__attribute__((noinline)) static int walk(struct item *list) {
  int total = 0;
  while (list) {
    switch (list->value & 7) {
      case 0: total += 3; break;
      case 1: total ^= 5; break;
      case 2: total = twice(total); break;
      case 3: total *= 7; break;
      default: total--;
    }
    list = list->next;
  }
  return total;
}
int main(int argc, char **argv) {
  struct item items[4];
  for (int i = 0; i < 4; i++) {
    items[i].value = i + argc;
    items[i].next = i < 3 ? &items[i + 1] : NULL;
  }
  printf("%d %d %s\\n", walk(items), twice(argc), argv[0]);
  return 0;
}
`;
const USER_FUNCTIONS = ['twice', 'walk', 'main'];

function run(command: string, args: readonly string[]): string | null {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return result.status === 0 ? result.stdout : null;
}

const hasTools =
  run('riscv64-linux-gnu-gcc', ['--version']) !== null &&
  run('riscv64-linux-gnu-addr2line', ['--version']) !== null;
const dir = mkdtempSync(join(tmpdir(), 'capgrind-lines-'));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));

/** addr2line's answer for each address: function and `file:line` per frame, innermost first. */
function addr2line(program: string, addrs: readonly number[]): string[][] {
  const out = run('riscv64-linux-gnu-addr2line', [
    '-a',
    '-f',
    '-i',
    '-e',
    program,
    ...addrs.map((a) => a.toString(16)),
  ]);
  const answers: string[][] = [];
  const lines = (out ?? '').trimEnd().split('\n');
  for (let i = 0; i < lines.length; ) {
    if (lines[i].startsWith('0x')) {
      answers.push([]);
      i++;
    } else {
      const where = lines[i + 1].replace(/ \(discriminator \d+\)$/, '').replace(/^.*\//, '');
      answers[answers.length - 1].push(`${lines[i]} ${where}`);
      i += 2;
    }
  }
  return answers;
}

function compile(source: string, program: string, options: readonly string[]): boolean {
  return run('riscv64-linux-gnu-gcc', [...options, '-o', program, source]) !== null;
}

/** The last element: options that change the debug information in ways addr2line cannot read, but not the code. */
for (const [options, bias, beyond] of [
  [['-O0', '-gdwarf-4', '-no-pie'], 0, []],
  [['-O2', '-gdwarf-4', '-no-pie'], 0, []],
  [['-O0', '-gdwarf-5', '-pie'], 0x55550000, []],
  [['-O2', '-gdwarf-5', '-pie'], 0x55550000, []],
  [['-O2', '-gdwarf-5', '-no-pie'], 0, ['-gz=zlib', '-fdebug-types-section']],
  [['-Os', '-gdwarf-5', '-no-pie', '-ffunction-sections', '-Wl,--gc-sections'], 0, ['-gdwarf64']],
] as const) {
  test(`frames as addr2line tells them: ${[...options, ...beyond].join(' ')}`, (t) => {
    if (!hasTools) {
      t.log('no riscv64-linux-gnu binutils: not compared');
      t.pass();
      return;
    }
    const name = [...options, ...beyond].join('').replace(/[^a-z0-9]/gi, '');
    const source = join(dir, `${name}.c`);
    const program = join(dir, name);
    const twin = join(dir, `${name}-twin`);
    writeFileSync(source, PROGRAM);
    t.true(compile(source, program, [...options, ...beyond]));
    t.true(compile(source, twin, options));
    const images = new ImageSet();
    images.add(program, bias, bias, bias + 0x100000);
    const addrs: number[] = [];
    for (const fn of USER_FUNCTIONS) {
      const [start] = images.addressesOf(fn);
      const { size } = images.functionAt(start)!;
      t.true(size > 20, fn);
      for (let at = start; at < start + size; at += 8) addrs.push(at - bias);
    }
    const expected = addr2line(twin, addrs);
    t.is(expected.length, addrs.length);
    let inlined = 0;
    addrs.forEach((addr, i) => {
      const frames = images.describe(addr + bias);
      inlined += frames.length - 1;
      const mine = frames.map((f) => `${f.fn} ${f.file}:${f.line === 0 ? '?' : f.line}`);
      t.deepEqual(mine, expected[i], `0x${addr.toString(16)}`);
      t.is(frames[frames.length - 1].inlined, false);
    });
    // always_inline holds at -O0 too.
    t.true(inlined > 4, 'the programs have inlined calls');
  });
}
