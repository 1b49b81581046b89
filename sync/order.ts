/**
 * The lock order, written once.
 *
 * A worker that holds a lock may wait only for locks that lie below it in the tree. `many` ranks have many
 * locks; a worker may hold several of one such rank, taken in ascending order of their addresses.
 *
 * With CAPGRIND_LOCK_CHECK=1 every ranked lock asserts this before it waits, so a wrong order is reported on the
 * first run that takes it, not on the first that deadlocks. Each worker checks itself; nothing is shared.
 */

/** One rank per row, outermost first; `depth` is its indentation in the tree. */
export const LOCK_TREE = [
  { depth: 0, name: 'bigLock', many: false, what: 'the right to run guest code under --atomicity=serial' },
  { depth: 1, name: 'l4Kernel', many: false, what: 'objects, capabilities and IPC of the L4 face' },
  { depth: 2, name: 'region', many: true, what: 'address-space layout of a task: its region manager' },
  { depth: 3, name: 'frames', many: false, what: 'frame bitmaps and reference counts' },
  { depth: 4, name: 'translation', many: false, what: 'translating, and changing the translation table' },
  { depth: 5, name: 'threadTable', many: false, what: 'life and death of guest threads' },
  { depth: 6, name: 'futexBucket', many: true, what: 'the waiters of the futexes that hash to it' },
  { depth: 7, name: 'stripe', many: true, what: 'data and shadow of the lines that hash to it' },
  { depth: 8, name: 'toolState', many: true, what: "the running tool's own tables" },
  { depth: 9, name: 'log', many: false, what: 'the order of lines in the output' },
] as const;

export type RankName = (typeof LOCK_TREE)[number]['name'];

/** The tree as indented text, for the documentation. */
export function lockTreeText(): string {
  return LOCK_TREE.map((r) => `${'  '.repeat(r.depth)}${r.name}${r.many ? ' (many)' : ''}: ${r.what}\n`).join(
    '',
  );
}

interface Held {
  rank: RankName;
  key: number;
}

interface Rank {
  many: boolean;
  /** Ranks under which this one may be taken. */
  outer: ReadonlySet<string>;
}

const RANKS: ReadonlyMap<string, Rank> = readTree();

function readTree(): Map<string, Rank> {
  const ranks = new Map<string, Rank>();
  const path: string[] = [];
  for (const row of LOCK_TREE) {
    path.length = row.depth;
    ranks.set(row.name, { many: row.many, outer: new Set(path) });
    path.push(row.name);
  }
  return ranks;
}

/** What one worker holds, and whether it may wait for more. */
export class LockOrder {
  readonly enabled: boolean;
  readonly #held: Held[] = [];

  constructor(enabled: boolean) {
    this.enabled = enabled;
  }

  /**
   * To be called before waiting for a lock; `key` tells locks of one rank apart (the index of its first word).
   * Throws Error when the worker holds a lock under which this one may not be taken.
   */
  taking(rank: RankName, key: number): void {
    if (!this.enabled) return;
    const wanted = RANKS.get(rank)!;
    for (const held of this.#held) {
      const below = wanted.outer.has(held.rank);
      const ascending = held.rank === rank && wanted.many && held.key < key;
      if (!below && !ascending) {
        throw new Error(`lock order: ${rank}@${key} wanted while holding ${this.held().join(', ')}`);
      }
    }
  }

  /** To be called with the lock in hand. A lock that was only tried for comes here without `taking`. */
  took(rank: RankName, key: number): void {
    if (this.enabled) this.#held.push({ rank, key });
  }

  /** To be called when a lock is given back, in any order. Throws Error when the worker does not hold it. */
  released(rank: RankName, key: number): void {
    if (!this.enabled) return;
    const at = this.#held.findLastIndex((h) => h.rank === rank && h.key === key);
    if (at < 0) throw new Error(`lock order: ${rank}@${key} released by a worker that does not hold it`);
    this.#held.splice(at, 1);
  }

  /** What is held, outermost first, as `rank@key`. */
  held(): string[] {
    return this.#held.map((h) => `${h.rank}@${h.key}`);
  }
}

/** The checker of this worker; the ranked locks of this floor report to it. */
export const lockOrder = new LockOrder(process.env['CAPGRIND_LOCK_CHECK'] === '1');
