// Builds native/host-memory.c for this machine into native/PLATFORM-ARCH and records the compiler. What is committed
// there is used as it is: nothing is built at installation.
//
//   node scripts/build-native.mjs           build
//   node scripts/build-native.mjs --check   compare with what is committed; exit 1 when it differs, 0 with a remark
//                                           when the compiler is absent or not the recorded one
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const place = `native/${process.platform}-${process.arch}`;
const flags =
  '-Os -shared -fPIC -nostdlib -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fvisibility=hidden ' +
  '-Wl,-s,--build-id=none,--hash-style=gnu,-z,noseparate-code';
const check = process.argv.includes('--check');
const committed = join(root, place, 'host-memory.node');
const recordPath = join(root, place, 'toolchain.json');

const gcc = (args) =>
  spawnSync('gcc', args, { cwd: root, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
const done = (text, status) => {
  (status === 0 ? console.log : console.error)(`build-native: ${text}`);
  process.exit(status);
};

const installed = gcc(['--version']).stdout?.split('\n')[0];
if (!installed) done('gcc is not installed; the committed file stays as it is', check ? 0 : 1);
if (check) {
  if (!existsSync(recordPath)) done(`nothing is committed for ${place}`, 0);
  const recorded = JSON.parse(readFileSync(recordPath, 'utf8')).gcc;
  if (recorded !== installed) done(`not compared: recorded ${recorded}, installed ${installed}`, 0);
}
const scratch = mkdtempSync(join(tmpdir(), 'capgrind-native-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const out = check ? join(scratch, 'host-memory.node') : committed;
mkdirSync(dirname(committed), { recursive: true });
const built = gcc([...flags.split(' '), '-o', out, 'native/host-memory.c']);
if (built.status !== 0) done(built.stderr, 1);
if (check && !readFileSync(out).equals(readFileSync(committed)))
  done(`${committed} differs from its source`, 1);
if (!check) writeFileSync(recordPath, `${JSON.stringify({ gcc: installed }, null, 2)}\n`);
done(`${place} ${check ? 'is as committed' : 'built'}`, 0);
