/**
 * The results of campaigns in an SQLite file: one row for each run, written as the runs end, each in a transaction of
 * its own. A file may hold many campaigns; the key of a campaign (key.ts) says which runs belong together.
 *
 * Write-ahead log and exclusive locking, for a reason: the package's file layer takes its own lock for that of another
 * process when it looks for a rollback journal, so with a journal a transaction that a kill cut in half would stay half
 * done. Recovery of the log does not ask for locks. test/campaign/store.test.ts kills a writer to make sure.
 */
import { closeSync, existsSync, openSync, readSync, rmdirSync } from 'node:fs';
import sqlite, { type Database } from 'node-sqlite3-wasm';
import type { Outcome, OutcomeEnd, OutcomeFinding } from './outcome.js';
import { StoreLock } from './store-lock.js';

/** Marks the file as ours: "CGst". */
const APPLICATION_ID = 0x43477374;
const SCHEMA_VERSION = 1;

const SCHEMA = `
  create table campaign (
    key text primary key,
    title text not null,
    began text not null
  ) without rowid;
  create table run (
    campaign text not null references campaign (key),
    seed integer not null,
    end text not null,
    status integer not null,
    signal integer not null,
    output text not null,
    findings text not null,
    interleaving text,
    blocks integer,
    message text not null,
    milliseconds integer not null,
    finished text not null,
    primary key (campaign, seed)
  ) without rowid;`;

export interface StoredRun {
  readonly seed: number;
  readonly outcome: Outcome;
  readonly milliseconds: number;
}

/** A file that cannot be used: one line for the user. */
export class StoreError extends Error {}

export class Store {
  private constructor(
    private readonly file: string,
    private readonly db: Database,
    private readonly lock: StoreLock | null,
  ) {}

  /** Opens a results file, or makes one. `null`: results are kept in memory only. Throws StoreError. */
  static async open(file: string | null): Promise<Store> {
    if (file === null) return Store.prepare('memory', new sqlite.Database(':memory:'), null, true);
    let lock: StoreLock | null;
    try {
      lock = await StoreLock.take(file);
    } catch (error) {
      throw new StoreError(`cannot open the results file ${file}: ${(error as Error).message}`);
    }
    if (!lock) throw new StoreError(`the results file ${file} is in use by another campaign`);
    try {
      return Store.openLocked(file, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  private static openLocked(file: string, lock: StoreLock): Store {
    let fresh: boolean;
    let db: Database;
    try {
      fresh = isEmpty(file);
      // The package's lock is a folder that a killed process leaves behind.
      if (lock.exclusive && existsSync(`${file}.lock`)) rmdirSync(`${file}.lock`);
      db = new sqlite.Database(file);
    } catch (error) {
      throw new StoreError(`cannot open the results file ${file}: ${(error as Error).message}`);
    }
    try {
      return Store.prepare(file, db, lock, fresh);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  private static prepare(file: string, db: Database, lock: StoreLock | null, fresh: boolean): Store {
    const store = new Store(file, db, lock);
    store.guard(() => {
      db.exec('pragma locking_mode = exclusive');
      if (!fresh) store.check();
      db.exec('pragma journal_mode = wal; pragma synchronous = full');
      // A process that died while it made the file left it without its mark, but for what is in the log.
      if (store.number('pragma application_id') !== APPLICATION_ID) {
        db.exec(
          `begin; ${SCHEMA} pragma application_id = ${APPLICATION_ID}; pragma user_version = ${SCHEMA_VERSION}; commit`,
        );
      }
    });
    return store;
  }

  private check(): void {
    const { file } = this;
    const tables = this.number("select count(*) from sqlite_schema where type = 'table'");
    if (tables > 0 && this.number('pragma application_id') !== APPLICATION_ID) {
      throw new StoreError(`${file} is a database, but not one of capgrind's results`);
    }
    const version = this.number('pragma user_version');
    if (tables > 0 && version !== SCHEMA_VERSION) {
      throw new StoreError(`${file} was written by another version of capgrind (format ${version})`);
    }
    const found = this.db.all('pragma quick_check(1)').map((r) => String(Object.values(r)[0]))[0];
    if (found !== 'ok') throw new StoreError(`the results file ${file} is damaged: ${found?.split('\n')[0]}`);
  }

  /** Makes the campaign known; with `afresh`, forgets the runs it has. */
  begin(key: string, title: string, afresh: boolean): void {
    this.guard(() => {
      this.db.exec('begin');
      if (afresh) this.db.run('delete from run where campaign = ?', [key]);
      this.db.run('insert or ignore into campaign values (?, ?, ?)', [key, title, new Date().toISOString()]);
      this.db.exec('commit');
    });
  }

  /** Adds a run; a seed that has one keeps it. Once this returns, the run is on disk. */
  add(key: string, { seed, outcome: o, milliseconds }: StoredRun): void {
    const findings = JSON.stringify(o.findings);
    const finished = new Date().toISOString();
    this.guard(() =>
      this.db.run('insert or ignore into run values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', [
        ...[key, seed, o.end, o.status, o.signal, o.output, findings],
        ...[o.interleaving, o.blocks, o.message, milliseconds, finished],
      ]),
    );
  }

  /** The runs of a campaign with seeds from `first` up to, not including, `behind`; by seed. */
  runs(key: string, first: number, behind: number): StoredRun[] {
    const query = 'select * from run where campaign = ? and seed >= ? and seed < ? order by seed';
    return this.guard(() => this.db.all(query, [key, first, behind]).map((row) => toRun(row as Row)));
  }

  close(): void {
    try {
      if (this.db.isOpen) this.db.close();
    } finally {
      this.lock?.release();
    }
  }

  private number(sql: string): number {
    const row = this.db.get(sql);
    return Number(row && Object.values(row)[0]);
  }

  /** Everything SQLite says of a file is one line that names it. */
  private guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError(`the results file ${this.file} cannot be used: ${(error as Error).message}`);
    }
  }
}

type Row = Record<string, string | number | null>;

function toRun(row: Row): StoredRun {
  return {
    seed: Number(row['seed']),
    milliseconds: Number(row['milliseconds']),
    outcome: {
      end: row['end'] as OutcomeEnd,
      status: Number(row['status']),
      signal: Number(row['signal']),
      output: String(row['output']),
      findings: JSON.parse(String(row['findings'])) as OutcomeFinding[],
      interleaving: row['interleaving'] as string | null,
      blocks: row['blocks'] === null ? null : Number(row['blocks']),
      message: String(row['message']),
    },
  };
}

/** Whether there is no file yet, or nothing in it. */
function isEmpty(file: string): boolean {
  if (!existsSync(file)) return true;
  const fd = openSync(file, 'r');
  try {
    return readSync(fd, Buffer.alloc(1), 0, 1, 0) === 0;
  } finally {
    closeSync(fd);
  }
}
