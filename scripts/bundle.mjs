// Bundles the command and the guest worker into one file each: loading many small modules would be most of the
// start-up time of a short run. Type checking and tests use the separate modules.
import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
await build({
  entryPoints: { main: join(root, 'dist/src/cli/main.js'), guest: join(root, 'dist/workers/guest.js') },
  outdir: join(root, 'dist/bundle'),
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['piscina', 'yargs', 'cli-progress', 'node-sqlite3-wasm'],
  logLevel: 'warning',
});
chmodSync(join(root, 'dist/bundle/main.js'), 0o755);
