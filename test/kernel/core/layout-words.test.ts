/** Words of the shared memory that several people add to: no two may lie at the same place. */
import test from 'ava';
import * as layout from '../../../kernel/core/layout.js';

/** Names that stand for a range, or for a size. */
const RANGES = /^(G_LOCKS|G_FILES|G_STATS)$|_SIZE$|_WORDS$/;

function twice(prefix: string): string[] {
  const at = new Map<number, string>();
  const out: string[] = [];
  for (const [name, value] of Object.entries(layout)) {
    if (!name.startsWith(prefix) || RANGES.test(name) || typeof value !== 'number') continue;
    const other = at.get(value);
    if (other !== undefined) out.push(`${other} and ${name}`);
    at.set(value, name);
  }
  return out;
}

test('no two process-wide words at one place', (t) => t.deepEqual(twice('G_'), []));
test('no two words of a thread state at one place', (t) => t.deepEqual(twice('T_'), []));
