/** Where the package's own files are, whether it runs as compiled modules or as the bundle. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

function packageRoot(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, 'package.json');
    if (existsSync(file)) return dir;
    if (dir === dirname(dir)) throw new Error('capgrind: its package.json is missing');
  }
}

const ROOT = packageRoot();
const BUNDLED = fileURLToPath(import.meta.url).startsWith(join(ROOT, 'dist', 'bundle'));

export const VERSION: string = (
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
).version;

/** The run time in wasm. */
export const RT_WASM = join(ROOT, 'dist/src/rt/rt.wasm');

/** Expansions of the compressed instructions (src/isa/expand.ts), for RVC_TABLE. */
export const RVC_BIN = join(ROOT, 'dist/src/rt/rvc.bin');

/** What gives memory back to this kind of host; not there for all (native/host-memory.c). */
export const HOST_MEMORY = join(ROOT, `native/${process.platform}-${process.arch}/host-memory.node`);

/** Entry point of guest workers, as a URL: the bundle starts several times as fast. */
export const GUEST_WORKER = pathToFileURL(
  join(ROOT, BUNDLED ? 'dist/bundle/guest.js' : 'dist/workers/guest.js'),
).href;

/** Files that a run's behaviour comes from, for telling builds of one version apart. */
export const BUILD_FILES: readonly string[] = BUNDLED
  ? [join(ROOT, 'dist/bundle/main.js'), join(ROOT, 'dist/bundle/guest.js'), RT_WASM]
  : [RT_WASM];

/** Suppression files used unless --default-suppressions=no. */
export const DEFAULT_SUPPRESSIONS: readonly string[] = ['glibc.supp', 'l4re.supp', 'musl.supp'].map((name) =>
  join(ROOT, 'src/report/suppressions', name),
);
