// Makes a checkout ready to run: installs packages when node_modules is missing or older than the lock file, builds
// when something in dist is missing or older than its sources. Says nothing when there is nothing to do.
// Called before `npm start` and `npm test`; needs nothing but Node.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MINIMUM = [20, 19];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sourceFolders = ['sync', 'kernel', 'src', 'workers', 'bench', 'test', 'scripts'];
/** Made by people or by other builds, of which dist has nothing. */
const notSources = new Set(['test/guests', 'bench/guests', 'bench/results'].map((p) => join(root, p)));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1])) {
  console.error(`capgrind needs Node ${MINIMUM.join('.')} or newer; this is ${process.versions.node}`);
  process.exit(1);
}

/** Time of the last change in milliseconds; 0 for what is not there. */
const changed = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Every file below a folder, as absolute paths. */
function* filesBelow(folder) {
  if (notSources.has(folder) || !existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** npm itself, also where only `node` is on the path as with some version managers. */
function npm(args, why) {
  console.error(`${why}: npm ${args.join(' ')}`);
  const script = process.env.npm_execpath;
  const [command, first] = script && /\.c?js$/.test(script) ? [process.execPath, [script]] : ['npm', []];
  // Standard output stays the program's own: `npm start` may be piped.
  const done = spawnSync(command, [...first, ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (done.status === 0) return;
  console.error(`capgrind: npm ${args.join(' ')} failed${done.error ? `: ${done.error.message}` : ''}`);
  process.exit(done.status || 1);
}

function ensurePackages() {
  const lock = join(root, 'package-lock.json');
  const installed = changed(join(root, 'node_modules/.package-lock.json'));
  const wanted = existsSync(lock) ? changed(lock) : 0;
  if (installed > 0 && installed >= wanted) return;
  const why =
    installed === 0 ? 'packages are not installed yet' : 'package-lock.json is newer than node_modules';
  npm([wanted ? 'ci' : 'install', '--no-audit', '--no-fund'], why);
}

/** tsc leaves what it made of a file that is gone, and AVA would run such a test. */
function removeOrphans() {
  for (const folder of sourceFolders) {
    for (const made of filesBelow(join(root, 'dist', folder))) {
      if (extname(made) !== '.js') continue;
      const source = `${made.replace(join(root, 'dist'), root).slice(0, -3)}.ts`;
      if (!existsSync(source)) rmSync(made);
    }
  }
}

function ensureBuild() {
  // The bundle is written last, so it is as old as the whole build.
  const bundle = join(root, 'dist/bundle/main.js');
  const built = existsSync(join(root, 'dist/src/rt/rt.wasm')) ? changed(bundle) : 0;
  const configuration = ['package.json', 'tsconfig.json'].map((p) => join(root, p));
  let newest = Math.max(...configuration.map(changed));
  for (const folder of sourceFolders) {
    for (const path of filesBelow(join(root, folder))) {
      if (/\.(ts|mjs)$/.test(path)) newest = Math.max(newest, changed(path));
    }
  }
  if (built >= newest) return;
  removeOrphans();
  // Without its outputs an incremental compiler's notes would make it believe that nothing is to be done.
  if (built === 0) rmSync(join(root, 'dist/.tsbuildinfo'), { force: true });
  npm(['run', '--silent', 'build'], built === 0 ? 'not built yet' : 'sources are newer than the build');
}

ensurePackages();
ensureBuild();
