// Runs the tests that `npm test` leaves out for their length (test/support/extent.ts): only files that have any.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const files = readdirSync(join(root, 'dist/test'), { recursive: true })
  .filter((file) => file.endsWith('.test.js'))
  .map((file) => join('dist/test', file))
  .filter((file) => readFileSync(join(root, file), 'utf8').includes('support/extent.js'));
const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs');
const done = spawnSync(process.execPath, [ava, ...process.argv.slice(2), ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, CAPGRIND_TEST_MORE: '1' },
});
process.exitCode = done.status ?? 1;
