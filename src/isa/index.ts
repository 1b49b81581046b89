/** Finds the rows that may fit an instruction word without looking at all of them. */

interface Matchable {
  readonly match: number;
  readonly mask: number;
}

/** `buckets[slots[gather(word)]]` lists, in table order, the only rows that can fit the word. */
export interface MatchIndex {
  readonly slots: Uint16Array;
  /** Row numbers; bucket 0 is empty. */
  readonly buckets: readonly (readonly number[])[];
}

/**
 * Builds the index of a table, once, at module load.
 * @param gather picks the opcode bits of a word and packs them into a key; it must be bitwise (each key bit a copy of
 * one word bit), because it is applied to match and mask values as well.
 */
export function buildIndex(
  rows: readonly Matchable[],
  keyBits: number,
  gather: (word: number) => number,
): MatchIndex {
  const slots = new Uint16Array(1 << keyBits);
  const buckets: number[][] = [[]];
  const extended = new Map<number, number>();
  for (let row = 0; row < rows.length; row++) {
    const fixed = gather(rows[row].match);
    const free = ~gather(rows[row].mask) & (slots.length - 1);
    extended.clear();
    // Walks every subset of the free key bits, from all to none.
    for (let sub = free; ; sub = (sub - 1) & free) {
      const before = slots[fixed | sub];
      let after = extended.get(before);
      if (after === undefined) {
        after = buckets.push([...buckets[before], row]) - 1;
        extended.set(before, after);
      }
      slots[fixed | sub] = after;
      if (sub === 0) break;
    }
  }
  return { slots, buckets };
}
