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

/** Tables in the order of their places: start and bytes. */
const TABLES: readonly (readonly [string, number, number])[] = [
  ['RES_VERSIONS', layout.RES_VERSIONS, layout.RES_LINES * 4],
  ['JUMPS', layout.JUMPS, layout.JUMP_ENTRIES * layout.JUMP_ENTRY],
  ['COLD', layout.COLD, layout.COLD_ENTRIES * 8],
  ['TASKS', layout.TASKS, layout.TASK_STRIDE * layout.MAX_TASKS],
  ['CODEMAP', layout.CODEMAP, layout.CODEMAP_ENTRIES * 16],
  ['FRAME_TABLES', layout.FRAME_TABLES, 0],
  ['FRAME_REFS', layout.FRAME_REFS, ((layout.WASM_PAGES * 65536) / layout.PAGE_SIZE) * 2],
  ['FRAME_WORDS', layout.FRAME_WORDS, 0x21000],
  ['HEAT', layout.HEAT, layout.HEAT_ENTRIES * 8],
  ['RVC_TABLE', layout.RVC_TABLE, layout.RVC_TABLE_SIZE],
  ['SITES', layout.SITES, layout.SITE_ENTRIES * 8],
  ['L4_AREA', layout.L4_AREA, 0],
];

test('tables do not overlap', (t) => {
  for (const [i, [name, start, bytes]] of TABLES.entries()) {
    const next = TABLES[i + 1];
    if (next) t.true(start + bytes <= next[1], `${name} reaches into ${next[0]}`);
  }
});
