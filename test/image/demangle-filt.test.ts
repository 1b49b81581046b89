/** Against c++filt of binutils, on every C++ and Rust symbol of libraries found on this machine. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import test from 'ava';
import { demangle } from '../../src/image/demangle.js';

const MAX_BUFFER = 1 << 30;
/** Share of names that may differ: libiberty has faults of its own (scopes of substituted references, long integers). */
const TOLERATED = 0.001;

const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/libstdc++.so.6',
  '/usr/lib/aarch64-linux-gnu/libstdc++.so.6',
  '/usr/lib/riscv64-linux-gnu/libstdc++.so.6',
  '/usr/riscv64-linux-gnu/lib/libstdc++.so.6',
];
const LARGE_LIBRARIES = ['/usr/lib/llvm-14/lib/libLLVM-14.so', '/usr/bin/cmake'];

function run(command: string, args: readonly string[], input = ''): string | null {
  const result = spawnSync(command, args, { input, maxBuffer: MAX_BUFFER, encoding: 'utf8' });
  return result.status === 0 ? result.stdout : null;
}

/** Mangled names in the dynamic symbol table, without versions; [] where nm is missing or cannot read the file. */
function symbols(path: string): string[] {
  const listing = run('nm', ['-D', path]) ?? '';
  const names = listing.match(/ (_[ZR][^\s@]*)/g) ?? [];
  return [...new Set(names.map((name) => name.trim()))];
}

function rustDriver(): string[] {
  const root = run('rustc', ['--print', 'sysroot'])?.trim();
  if (root === undefined || !existsSync(`${root}/lib`)) return [];
  return readdirSync(`${root}/lib`)
    .filter((name) => name.startsWith('librustc_driver'))
    .map((name) => `${root}/lib/${name}`);
}

const hasFilt = run('c++filt', ['--version'])?.includes('GNU') ?? false;
const everything = process.env['CAPGRIND_TEST_ALL'] !== undefined;
const candidates = everything ? [...LIBRARIES, ...LARGE_LIBRARIES, ...rustDriver()] : LIBRARIES;

for (const path of candidates.filter((file) => existsSync(file))) {
  test(`every symbol of ${path} reads as c++filt has it`, (t) => {
    const names = symbols(path);
    if (!hasFilt || names.length === 0) {
      t.log('no GNU c++filt or nm here: nothing to compare with');
      t.pass();
      return;
    }
    // -i is c++filt without its verbose flag, which is how Valgrind calls libiberty.
    const expected = (run('c++filt', ['-i'], `${names.join('\n')}\n`) ?? '').split('\n');
    const different = names.filter((name, i) => demangle(name) !== expected[i]);
    t.log(`${names.length} names, ${different.length} different`);
    t.true(different.length <= names.length * TOLERATED, different.slice(0, 10).join('\n'));
  });
}

test('what c++filt makes of a name without parameters stays a name', (t) => {
  t.is(demangle('_ZSt4cout'), 'std::cout');
});
