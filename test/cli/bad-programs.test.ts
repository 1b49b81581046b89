/** Files that cannot be run: one line that says why, the exit status of a shell, and never a stack trace. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BIN, capgrind, type Outcome, SCRATCH, story, TEST_ALL, Turns } from '../support/capgrind.js';
import { executable, Tiny } from '../support/tiny-guest.js';

const turns = new Turns(2);
const NONE = ['--tool=none', '-q'];

function refused(t: ExecutionContext, o: Outcome, status: 126 | 127, why: RegExp): void {
  const lines = o.stderr.split('\n');
  const good =
    o.status === status &&
    o.stdout === '' &&
    lines.length === 2 &&
    lines[1] === '' &&
    lines[0]!.startsWith('capgrind: ') &&
    why.test(lines[0]!);
  t.true(good, `${story(o)}\nwanted status ${status} and one line "capgrind: ..." matching ${why}`);
}

function refuses(title: string, program: () => string, status: 126 | 127, why: RegExp, options = NONE): void {
  test(title, async (t) => {
    t.timeout(300_000);
    refused(t, await turns.take(() => capgrind([...options, program()], { timeoutMs: 20_000 })), status, why);
  });
}

const small = (): Uint8Array => new Tiny().exit(0).bytes();

refuses('no such file', () => join(SCRATCH, 'nowhere'), 127, /nowhere: no such file/);
refuses('a part of the path is a file', () => join(BIN, 'hello-mini/x'), 127, /hello-mini\/x: /);
refuses('a folder', () => BIN, 126, /is a directory/);
refuses('no permission to execute', () => executable('plain', small(), 0o644), 126, /permission denied/);
refuses(
  'an empty file',
  () => executable('empty', new Uint8Array()),
  126,
  /empty: .*(empty|not an ELF|truncated)/,
);
refuses('text', () => executable('text', Buffer.from('hello\nworld\n')), 126, /not an ELF file/);
refuses('a script', () => executable('script', Buffer.from('#!/bin/sh\nexit 0\n')), 126, /script/);
refuses('a program of this machine', () => process.execPath, 126, /another machine|x86/);
refuses('a device', () => '/dev/null', 126, /not a regular file/);

test('a link that leads to itself', async (t) => {
  const loop = join(SCRATCH, 'loop');
  symlinkSync(loop, loop);
  refused(t, await turns.take(() => capgrind([...NONE, loop])), 126, /loop: /);
});

/** Changes one field of a small valid program; `at` is the byte offset in the file. */
function changed(at: number, size: 1 | 2 | 4 | 8, value: bigint): Uint8Array {
  const bytes = small();
  const view = new DataView(bytes.buffer);
  if (size === 1) view.setUint8(at, Number(value));
  else if (size === 2) view.setUint16(at, Number(value), true);
  else if (size === 4) view.setUint32(at, Number(value), true);
  else view.setBigUint64(at, value, true);
  return bytes;
}

const PHDR = 64;
const MAX = (1n << 64n) - 1n;

refuses('32-bit', () => executable('rv32', changed(4, 1, 1n)), 126, /32-bit/);
refuses('big-endian', () => executable('be', changed(5, 1, 2n)), 126, /big-endian/);
refuses('an object file', () => executable('object', changed(16, 2, 1n)), 126, /object file/);
refuses('a core dump', () => executable('core', changed(16, 2, 4n)), 126, /core dump/);

/** Field, offset, size, value: a program must not get past any of these. */
const HOSTILE: readonly [string, number, 1 | 2 | 4 | 8, bigint][] = [
  ['class 9', 4, 1, 9n],
  ['type 77', 16, 2, 77n],
  ['entry of 2^64-1', 24, 8, MAX],
  ['program headers at 2^63', 32, 8, 1n << 63n],
  ['program headers at the end of the file', 32, 8, 0x3000n],
  ['program header size 0', 54, 2, 0n],
  ['program header size 1', 54, 2, 1n],
  ['65535 program headers', 56, 2, 65535n],
  ['no program headers', 56, 2, 0n],
  ['file offset 2^64-1', PHDR + 8, 8, MAX],
  ['file offset 2^40', PHDR + 8, 8, 1n << 40n],
  ['address 2^64-4096', PHDR + 16, 8, MAX - 4095n],
  ['address above the user half', PHDR + 16, 8, 1n << 50n],
  ['file size 2^63', PHDR + 32, 8, 1n << 63n],
  ['file size beyond the file', PHDR + 32, 8, 0x100000n],
  ['memory size 2^64-1', PHDR + 40, 8, MAX],
  ['memory size 2^45', PHDR + 40, 8, 1n << 45n],
  ['memory size below the file size', PHDR + 40, 8, 1n],
];

for (const [what, at, size, value] of HOSTILE) {
  refuses(`hostile header: ${what}`, () => executable('hostile', changed(at, size, value)), 126, /hostile: /);
}

test('a program cut short anywhere before the end of its segments is refused', async (t) => {
  t.timeout(600_000);
  const whole = readFileSync(join(BIN, 'hello-mini'));
  const end = lastLoadedByte(whole);
  const step = TEST_ALL ? 97 : Math.ceil(end / 6);
  const lengths = [1, 4, 15, 16, 63, 64, 65, 119];
  for (let n = 120; n < end; n += step) lengths.push(n);
  lengths.push(end - 1);
  await Promise.all(
    lengths.map(async (n) => {
      const file = executable(`cut-${n}`, whole.subarray(0, n));
      refused(t, await turns.take(() => capgrind([...NONE, file])), 126, /cut-\d+: /);
    }),
  );
});

test('a program cut behind its segments runs', async (t) => {
  const whole = readFileSync(join(BIN, 'hello-mini'));
  const file = executable('cut', whole.subarray(0, lastLoadedByte(whole)));
  const o = await turns.take(() => capgrind([...NONE, file]));
  t.is(o.stdout, 'hello from 0 arguments\n', story(o));
});

/** End of the last PT_LOAD's file part. */
function lastLoadedByte(elf: Buffer): number {
  let end = 0;
  for (let i = 0; i < elf.readUInt16LE(56); i++) {
    const h = Number(elf.readBigUInt64LE(32)) + i * 56;
    if (elf.readUInt32LE(h) !== 1) continue;
    end = Math.max(end, Number(elf.readBigUInt64LE(h + 8) + elf.readBigUInt64LE(h + 32)));
  }
  return end;
}

const dynamic = (): string => join(BIN, 'hello-dynamic');
const emptyRoot = (): string => {
  const dir = join(SCRATCH, 'empty-root');
  mkdirSync(dir, { recursive: true });
  return dir;
};

refuses('a dynamic program without --sysroot', dynamic, 126, /pass --sysroot/);
refuses('a sysroot without the interpreter', dynamic, 126, /empty-root/, [
  ...NONE,
  `--sysroot=${emptyRoot()}`,
]);
refuses('a sysroot that is not there', dynamic, 126, /absent-root/, [
  ...NONE,
  `--sysroot=${join(SCRATCH, 'absent-root')}`,
]);

test('an interpreter that is no program', async (t) => {
  const root = join(SCRATCH, 'bad-root');
  mkdirSync(join(root, 'lib/ld-linux-riscv64-lp64d.so.1'), { recursive: true });
  const o = await turns.take(() => capgrind([...NONE, `--sysroot=${root}`, dynamic()]));
  refused(t, o, 126, /interpreter/);
});
