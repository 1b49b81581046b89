/** The table of heap blocks, and the sentences that place addresses by it. */
import test from 'ava';
import { TOOL_AREA } from '../../kernel/core/layout.js';
import { Machine } from '../../kernel/core/machine.js';
import { blockPhrase, HeapBlocks } from '../../src/tools/heap.js';

const fresh = (bytes = 1 << 20): HeapBlocks => new HeapBlocks(Machine.create(0), TOOL_AREA, bytes);

test('a block is found by its start, by what lies in it, and near it', (t) => {
  const h = fresh();
  h.allocated(0x3f0000001010, 40, 7, 1);
  const block = { addr: 0x3f0000001010, size: 40, trace: 7, thread: 1, freed: null };
  t.deepEqual(h.at(0x3f0000001010), block);
  t.is(h.at(0x3f0000001018), null);
  t.deepEqual(h.around(0x3f0000001010 + 39, 0), block);
  t.is(h.around(0x3f0000001010 + 40, 0), null);
  t.deepEqual(h.around(0x3f0000001010 + 48, 16), block);
  t.deepEqual(h.around(0x3f0000001010 - 3, 16), block);
});

test('what was freed is told from what lives there now', (t) => {
  const h = fresh();
  h.allocated(0x5000, 64, 1, 1);
  t.like(h.freed(0x5000, 2, 3), { size: 64, trace: 1 });
  t.is(h.freed(0x5000, 2, 3), null, 'freed twice');
  t.is(h.at(0x5000), null);
  t.deepEqual(h.around(0x5010, 0), {
    addr: 0x5000,
    size: 64,
    trace: 1,
    thread: 1,
    freed: { trace: 2, thread: 3 },
  });
  h.allocated(0x5000, 32, 9, 2);
  t.like(h.around(0x5010, 0), { size: 32, trace: 9, freed: null });
});

test('a block announced again is the same block: operator new over malloc', (t) => {
  const h = fresh();
  h.allocated(0x5000, 64, 1, 1);
  h.allocated(0x5000, 64, 2, 1);
  t.like(h.at(0x5000), { trace: 2 });
  t.not(h.freed(0x5000, 0, 0), null);
  t.is(h.at(0x5000), null);
});

test('blocks that come and go need no more room than those that live', (t) => {
  const h = fresh(64 + 4096 * 48 + 32 * 256);
  for (let i = 0; i < 20_000; i++) {
    h.allocated(0x10000 + i * 16, 16, 0, 1);
    if (i >= 100) h.freed(0x10000 + (i - 100) * 16, 0, 1);
  }
  t.is(h.lost, 0);
  for (let i = 19_900; i < 20_000; i++) t.not(h.at(0x10000 + i * 16), null);
});

test('what finds no place is counted, and the rest stays right', (t) => {
  const h = fresh(64 + 4096 * 48 + 32 * 64);
  for (let i = 0; i < 100; i++) h.allocated(0x10000 + i * 16, 16, i, 1);
  t.is(h.lost, 36);
  let known = 0;
  for (let i = 0; i < 100; i++) {
    const b = h.at(0x10000 + i * 16);
    if (b === null) continue;
    known++;
    t.is(b.trace, i);
  }
  t.is(known, 64);
});

test('sentences', (t) => {
  const b = { addr: 0x1000, size: 1234, trace: 0, thread: 1, freed: null };
  t.is(blockPhrase(0x1000, b), "0 bytes inside a block of size 1,234 alloc'd");
  t.is(blockPhrase(0x1000 + 1233, b), "1,233 bytes inside a block of size 1,234 alloc'd");
  t.is(blockPhrase(0x1000 + 1234, b), "0 bytes after a block of size 1,234 alloc'd");
  t.is(blockPhrase(0xff8, b), "8 bytes before a block of size 1,234 alloc'd");
  t.is(
    blockPhrase(0x1004, { ...b, freed: { trace: 0, thread: 1 } }),
    "4 bytes inside a block of size 1,234 free'd",
  );
});
