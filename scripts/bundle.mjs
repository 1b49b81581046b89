// Bundles the command and the guest worker into one file each: loading many small modules would be most of the
// start-up time of a short run. Type checking and tests use the separate modules.
import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'dist/bundle');
const { metafile } = await build({
  entryPoints: { main: join(root, 'dist/src/cli/main.js'), guest: join(root, 'dist/workers/guest.js') },
  outdir: folder,
  metafile: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['piscina', 'yargs', 'cli-progress', 'node-sqlite3-wasm'],
  logLevel: 'warning',
});
chmodSync(join(folder, 'main.js'), 0o755);
// Chunks have their contents' hash in their names: those of earlier builds would pile up.
const written = new Set(Object.keys(metafile.outputs).map((file) => basename(file)));
for (const file of readdirSync(folder)) if (!written.has(file)) rmSync(join(folder, file));
