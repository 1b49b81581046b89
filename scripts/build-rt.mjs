// Builds what the run time needs in dist/src/rt, unless it is newer than its sources: rt.wasm from src/rt
// (AssemblyScript), and rvc.bin, the expansion of every compressed instruction.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'dist/src/rt/rt.wasm');
const sources = readdirSync(join(root, 'src/rt')).map((f) => join(root, 'src/rt', f));
for (const f of [
  'kernel/core/layout.ts',
  'kernel/core/ownership.ts',
  'kernel/core/audit.ts',
  'src/ir/exits.ts',
  'src/tools/helgrind/layout.ts',
])
  sources.push(join(root, f));
sources.push(fileURLToPath(import.meta.url));

function mtime(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

if (mtime(out) <= Math.max(...sources.map(mtime))) {
  mkdirSync(dirname(out), { recursive: true });
  const flags =
    '--runtime stub --importMemory --sharedMemory --initialMemory 65536 --maximumMemory 65536 --importTable ' +
    '--enable threads --enable simd --enable relaxed-simd --noAssert --disableWarning -O3 --memoryBase 1024';
  const r = spawnSync(
    process.execPath,
    [join(root, 'node_modules/assemblyscript/bin/asc.js'), 'src/rt/index.ts', ...flags.split(' '), '-o', out],
    { cwd: root, stdio: 'inherit' },
  );
  if (r.status !== 0) process.exit(r.status ?? 1);
}

const rvc = join(root, 'dist/src/rt/rvc.bin');
const tables = ['rvc', 'table', 'decode', 'encode', 'pattern'].map((f) => join(root, `dist/src/isa/${f}.js`));
if (mtime(rvc) <= Math.max(...tables.map(mtime))) {
  const { rvcTable } = await import('../dist/src/isa/expand.js');
  writeFileSync(rvc, rvcTable());
}
