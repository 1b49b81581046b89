/** The results file: what is written stays, also under kill -9; what is not ours is refused in one line. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { Store, StoreError } from '../../src/campaign/store.js';
import { SCRATCH } from '../support/capgrind.js';
import { more, usual } from '../support/extent.js';
import { run } from './runs.js';

const WRITER = fileURLToPath(new URL('./store-writer.js', import.meta.url));
const { Database } = createRequire(import.meta.url)(
  'node-sqlite3-wasm',
) as typeof import('node-sqlite3-wasm');
const newFile = (): string => join(mkdtempSync(join(SCRATCH, 'store-')), 'results.db');

async function made(file = newFile()): Promise<string> {
  const store = await Store.open(file);
  store.begin('k', 'title', false);
  for (let seed = 1; seed <= 50; seed++) store.add('k', run(seed));
  store.close();
  return file;
}

async function refused(t: ExecutionContext, file: string, about: RegExp): Promise<void> {
  const error = await t.throwsAsync(Store.open(file), { instanceOf: StoreError });
  t.regex(error!.message, about);
  t.true(error!.message.includes(file) && !error!.message.includes('\n'), error!.message);
}

usual('runs come back as they were, by seed, of this campaign and range only', async (t) => {
  const file = newFile();
  const store = await Store.open(file);
  store.begin('k', 'title', false);
  store.begin('other', 'title', false);
  const full = run(2, {
    end: 'signal',
    status: 139,
    signal: 11,
    output: 'ff',
    findings: [{ kind: 'Race "é"', context: '1', at: 'f' }],
    interleaving: 'abc',
    blocks: 2 ** 40,
    message: 'm',
  });
  for (const r of [run(9), full, run(1), run(30)]) store.add('k', r);
  store.add('other', run(3));
  store.close();
  const again = await Store.open(file);
  t.deepEqual(again.runs('k', 1, 30), [run(1), full, run(9)]);
  t.deepEqual(again.runs('nobody', 0, 100), []);
  again.close();
});

usual('the first result of a seed stays', async (t) => {
  const store = await Store.open(null);
  store.begin('k', 'title', false);
  store.add('k', run(1, { status: 1 }));
  store.add('k', run(1, { status: 2 }));
  t.deepEqual(store.runs('k', 0, 9), [run(1, { status: 1 })]);
  store.begin('k', 'title', false);
  t.is(store.runs('k', 0, 9).length, 1);
  store.begin('k', 'title', true);
  t.is(store.runs('k', 0, 9).length, 0, 'afresh');
  store.close();
});

usual('one writer at a time, told in one line', async (t) => {
  const file = newFile();
  const store = await Store.open(file);
  await refused(t, file, /in use by another campaign/);
  store.close();
  (await Store.open(file)).close();
  t.false(existsSync(`${file}.lock`));
});

more(
  'kill -9 at any moment: every run that was said to be kept is there, and the file is whole',
  async (t) => {
    t.timeout(120_000);
    const file = newFile();
    let kept = 0;
    for (let round = 0; round < 6; round++) {
      const writer = spawn(process.execPath, [WRITER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      writer.stdout.on('data', (text: Buffer) => {
        said += text.toString();
      });
      const gone = new Promise((done) => writer.once('close', done));
      await new Promise((begun) => writer.stdout.once('data', begun));
      await new Promise((go) => setTimeout(go, 20 + round * 35));
      writer.kill('SIGKILL');
      await gone;
      const lines = said.split('\n').slice(0, -1);
      kept = Math.max(kept, Number(lines.at(-1) ?? 0));
      const store = await Store.open(file);
      const seeds = store.runs('k', 0, 1e9).map((r) => r.seed);
      store.close();
      t.true(seeds.length >= kept, `${seeds.length} of ${kept}`);
      t.deepEqual(
        seeds,
        seeds.map((_, i) => i + 1),
        'no gaps',
      );
    }
    t.true(kept > 10, `${kept} written at all`);
  },
);

usual('a kill in the middle of a large transaction leaves nothing of it', async (t) => {
  const file = newFile();
  const writer = spawn(process.execPath, [WRITER, file, 'spill'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise((done) => writer.once('close', done));
  await new Promise((begun) => writer.stdout.once('data', begun));
  writer.kill('SIGKILL');
  await gone;
  const store = await Store.open(file);
  const runs = store.runs('k', 0, 1e9);
  store.close();
  t.is(runs.length, 2000);
  t.deepEqual(
    runs.filter((r) => r.outcome.output !== 'aaaa'),
    [],
  );
});

usual('files that are something else are refused', async (t) => {
  const text = newFile();
  writeFileSync(text, 'This is a letter, not a database.\n'.repeat(300));
  await refused(t, text, /not a database/);
  const foreign = newFile();
  const db = new Database(foreign);
  db.exec('create table addresses (name text)');
  db.close();
  await refused(t, foreign, /a database, but not one of capgrind's results/);
  const folder = newFile();
  mkdirSync(folder);
  await refused(t, folder, /./);
  await refused(t, '/no/such/folder/results.db', /no such file or directory/);
  t.is(readFileSync(text, 'utf8').slice(0, 16), 'This is a letter', 'and left as they are');
});

usual('damaged files are refused', async (t) => {
  const cut = await made();
  truncateSync(cut, 5000);
  await refused(t, cut, /damaged|malformed|cannot be used/);
  const scratched = await made();
  const bytes = readFileSync(scratched);
  bytes.fill(0xa5, 4096, 8192);
  writeFileSync(scratched, bytes);
  await refused(t, scratched, /damaged|malformed|cannot be used/);
});

usual('a file of a later format is refused', async (t) => {
  const file = await made();
  const bytes = readFileSync(file);
  // user_version lies at offset 60 of the header (sqlite.org/fileformat2.html).
  bytes.writeUInt32BE(2, 60);
  writeFileSync(file, bytes);
  await refused(t, file, /another version of capgrind \(format 2\)/);
});

usual('an empty file is a new one', async (t) => {
  const file = newFile();
  writeFileSync(file, '');
  (await made(file)) && t.pass();
});
