/**
 * Writes runs to a results file until it is killed and prints the last seed that is kept; with `spill`, writes
 * 2000, changes all in one transaction too large for the cache, and hangs before its end.
 */
import { writeSync } from 'node:fs';
import { Store } from '../../src/campaign/store.js';
import { run } from './runs.js';

const [file, spill] = process.argv.slice(2);
const store = await Store.open(file!);
store.begin('k', 'title', false);
if (spill) {
  const { db } = store as unknown as { db: import('node-sqlite3-wasm').Database };
  db.exec('begin');
  for (let seed = 1; seed <= 2000; seed++) store.add('k', run(seed));
  db.exec('commit; pragma cache_size = 1; begin');
  db.exec("update run set output = printf('%50c', 'x')");
  writeSync(1, 'now\n');
  setInterval(() => undefined, 1000);
} else {
  for (let seed = store.runs('k', 0, 1e9).length + 1; ; seed++) {
    store.add('k', run(seed));
    writeSync(1, `${seed}\n`);
  }
}
