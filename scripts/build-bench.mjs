// Builds the benchmark programs (bench/guests/src/*.c) into bench/results/bin: NAME.riscv64 (static) where the cross
// compiler exists and NAME.native where the host's gcc does; NAME.dynamic for what Valgrind's riscv64 build is to run,
// which finds pthread functions in dynamic programs only. Both -O2; nothing here is committed.
//
//   node scripts/build-bench.mjs [NAME...]
//
// Prints one line for each binary built; exit 1 when a program does not compile, 0 when a compiler is absent.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'bench/guests/src');
const into = join(root, 'bench/results/bin');

/** suffix of the result, compiler, what the target needs beside -O2, and the programs it is for, unless all */
const targets = [
  // -ffp-contract=off: riscv64 would fuse multiply and add, and the two results would differ
  { suffix: 'riscv64', compiler: 'riscv64-linux-gnu-gcc', flags: ['-static', '-ffp-contract=off'] },
  {
    suffix: 'dynamic',
    compiler: 'riscv64-linux-gnu-gcc',
    flags: ['-ffp-contract=off'],
    programs: ['kernels'],
  },
  { suffix: 'native', compiler: 'gcc', flags: ['-ffp-contract=off'] },
];

/** Milliseconds of the last change, or 0 for a file that is not there. */
const changed = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

const all = readdirSync(source)
  .filter((file) => file.endsWith('.c'))
  .map((file) => file.slice(0, -2));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length) {
  console.error(`build-bench: no such program: ${unknown.join(', ')}`);
  process.exit(2);
}

mkdirSync(into, { recursive: true });
for (const { suffix, compiler, flags, programs } of targets) {
  if (spawnSync(compiler, ['--version']).error) {
    console.log(`build-bench: ${compiler} is not installed, no ${suffix} programs`);
    continue;
  }
  for (const name of asked.length ? asked : all) {
    if (programs && !programs.includes(name)) continue;
    const from = join(source, `${name}.c`);
    const out = join(into, `${name}.${suffix}`);
    if (changed(out) > Math.max(changed(from), changed(fileURLToPath(import.meta.url)))) continue;
    const args = ['-O2', '-g', '-Wall', '-Wextra', ...flags, from, '-o', out, '-lm', '-lpthread'];
    const done = spawnSync(compiler, args, { encoding: 'utf8' });
    if (done.stderr) console.error(done.stderr.trimEnd());
    if (done.status === 0) console.log(`bench/results/bin/${name}.${suffix}`);
    else process.exitCode = 1;
  }
}
