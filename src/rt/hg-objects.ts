// Synchronisation objects: vector clocks by 64-bit keys, in a hash table of buckets {lock, first object}. An object
// is {next, bytes of its clock, key i64, clock}; blocks come in powers of two from a pool and go back to free lists.
// When the pool is full, releases to new objects meet in one row that every object without a block shares: that adds
// order where there is none, so races can be missed, but none is made up.
//
// A bucket's lock guards its list and the objects on it; the pool's lock the free lists, and is taken inside. Both
// are spin locks held for a few hundred instructions; in between, a thread holds at most one bucket, and takes no
// other lock but the LR/SC line locks of src/rt/atomics.ts and the pool's.
import {
  HG_BUCKETS,
  HG_BUCKET_COUNT,
  HG_CLOCKS,
  HG_G_FREE,
  HG_G_POOL_FULL,
  HG_G_POOL_LOCK,
  HG_G_POOL_NEXT,
  HG_INDEXES,
  HG_POOL,
  HG_POOL_END,
  HG_ROW,
} from '../tools/helgrind/layout';
import { advance, joinRow, publish, rowBytes, rowOf, spinLock, spinUnlock } from './hg-clocks';

const HEAD: u32 = 16;
const SMALLEST: u32 = 5;
// Shared row of objects that found no place; row 0 is the first thread's, so it lies behind the rows of owners.
const OVERFLOW: u32 = HG_POOL;
const POOL_START: u32 = HG_POOL + HG_ROW;

// @ts-expect-error: decorator
@inline
function bucketOf(key: u64): u32 {
  return HG_BUCKETS + (<u32>((key * 0x9e3779b97f4a7c15) >> 48) % HG_BUCKET_COUNT) * 8;
}

// @ts-expect-error: decorator
@inline
export function lockObject(key: u64): void {
  spinLock(bucketOf(key));
}

// @ts-expect-error: decorator
@inline
export function unlockObject(key: u64): void {
  spinUnlock(bucketOf(key));
}

// Block of 2^shift bytes, 0 when there is none.
function allocate(shift: u32): u32 {
  spinLock(HG_G_POOL_LOCK);
  const list = HG_G_FREE + shift * 4;
  let block = load<u32>(list);
  if (block != 0) store<u32>(list, load<u32>(block));
  else {
    let next = load<u32>(HG_G_POOL_NEXT);
    if (next == 0) next = POOL_START;
    const size = <u32>1 << shift;
    if (next + size <= <u32>HG_POOL_END) {
      block = next;
      store<u32>(HG_G_POOL_NEXT, next + size);
    } else {
      store<u32>(HG_G_POOL_FULL, 1);
    }
  }
  spinUnlock(HG_G_POOL_LOCK);
  return block;
}

function release(block: u32, shift: u32): void {
  spinLock(HG_G_POOL_LOCK);
  const list = HG_G_FREE + shift * 4;
  store<u32>(block, load<u32>(list));
  store<u32>(list, block);
  spinUnlock(HG_G_POOL_LOCK);
}

// @ts-expect-error: decorator
@inline
function shiftFor(bytes: u32): u32 {
  const n: u32 = 32 - <u32>clz<u32>(bytes + HEAD - 1);
  return n < SMALLEST ? SMALLEST : n;
}

// The link that points to the object, or to 0 at the end of the list.
function linkTo(key: u64): u32 {
  let link = bucketOf(key) + 4;
  while (true) {
    const o = load<u32>(link);
    if (o == 0 || load<u64>(o + 8) == key) return link;
    link = o;
  }
}

// Clock of the object with room for `need` bytes, made when there is none. Object locked.
function clockFor(key: u64, need: u32): u32 {
  const link = linkTo(key);
  const old = load<u32>(link);
  if (old != 0 && load<u32>(old + 4) >= need) return old + HEAD;
  const shift = shiftFor(need);
  const block = allocate(shift);
  if (block == 0) return OVERFLOW;
  const bytes = (<u32>1 << shift) - HEAD;
  memory.fill(block, 0, <u32>1 << shift);
  store<u32>(block + 4, bytes);
  store<u64>(block + 8, key);
  if (old != 0) {
    const had = load<u32>(old + 4);
    store<u32>(block, load<u32>(old));
    memory.copy(block + HEAD, old + HEAD, had);
    release(old, shiftFor(had));
  }
  store<u32>(link, block);
  return block + HEAD;
}

// Joins what was released to the object into a row. Object locked.
export function learnInto(row: u32, key: u64): bool {
  const o = load<u32>(linkTo(key));
  if (o != 0) {
    const has = load<u32>(o + 4);
    joinRow(row, o + HEAD, has < <u32>HG_ROW ? has : HG_ROW);
    return true;
  }
  if (load<u32>(HG_G_POOL_FULL) == 0) return false;
  joinRow(row, OVERFLOW, HG_ROW);
  return true;
}

// Releases what the thread knows to the object. Object locked.
export function tell(ts: u32, key: u64, strong: bool): void {
  const bytes = rowBytes();
  const clock = clockFor(key, bytes);
  publish(ts, clock, strong && clock != OVERFLOW, bytes);
}

// Releases a row to the object. Object locked.
export function tellRow(row: u32, key: u64, strong: bool): void {
  const bytes = rowBytes();
  const clock = clockFor(key, bytes);
  if (strong && clock != OVERFLOW) memory.copy(clock, row, bytes);
  else joinRow(clock, row, bytes);
}

// The thread learns all that was released to the object.
export function hg_acquire(ts: u32, key: u64): void {
  lockObject(key);
  learnInto(rowOf(ts), key);
  unlockObject(key);
}

// All that the thread knows becomes known to who acquires the object later. strong: what the object knew before
// is forgotten.
export function hg_release(ts: u32, key: u64, strong: u32): void {
  lockObject(key);
  tell(ts, key, strong != 0);
  unlockObject(key);
  advance(ts);
}

// Nobody will acquire the object any more.
export function hg_forget(ts: u32, key: u64): void {
  lockObject(key);
  const link = linkTo(key);
  const o = load<u32>(link);
  if (o != 0) {
    store<u32>(link, load<u32>(o));
    release(o, shiftFor(load<u32>(o + 4)));
  }
  unlockObject(key);
}
