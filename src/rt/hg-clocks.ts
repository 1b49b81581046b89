// Vector clocks of threads. A thread's clock lies in the row of its clock index and is touched by the thread alone.
// Indexes are handed on: the one of an ended thread goes to a new thread whose creator has seen that end, so all the
// old thread did comes before all the new one does, and their common clock just runs on. Only when no such index is
// left goes the longest ended one to the next thread; a race between these two threads is then not seen.
//
// G_INDEX_LOCK guards HG_INDEX and HG_OWNERS against writers; rows of live threads need no lock. Leaf lock.
import { FRAMES, G_FRAMES_END } from '../../kernel/core/layout';
import {
  HG_CLOCKS,
  HG_CREATED,
  HG_DIRTY,
  HG_FENCED,
  HG_G_AGE,
  HG_G_HISTORY,
  HG_G_INDEXES,
  HG_G_INDEX_LOCK,
  HG_HAS_FENCED,
  HG_HAS_PENDING,
  HG_HOME,
  HG_INDEX,
  HG_INDEXES,
  HG_INDEX_ENTRY,
  HG_NUMBER,
  HG_OWNERS,
  HG_OWNERS_KEPT,
  HG_OWNER_ENTRY,
  HG_OWN_INDEX,
  HG_PENDING,
  HG_ROW,
  HG_SEGMENTS,
  HG_SEGMENTS_KEPT,
  HG_TAG,
  INDEX_ENDED,
  INDEX_FRESH,
  INDEX_LIVE,
  INDEX_SPENT,
} from '../tools/helgrind/layout';
import { context } from './callstack';
import { nap } from './nap';

// Largest clock that fits a cell.
const CLOCK_MAX: u32 = 0xfffffe;

// @ts-expect-error: decorator
@inline
export function indexOf(ts: u32): u32 {
  return load<u32>(ts + HG_OWN_INDEX);
}

// @ts-expect-error: decorator
@inline
export function rowOf(ts: u32): u32 {
  return HG_CLOCKS + indexOf(ts) * HG_ROW;
}

// Bytes of a row that may hold something other than 0.
// @ts-expect-error: decorator
@inline
export function rowBytes(): u32 {
  return atomic.load<u32>(HG_G_INDEXES) << 2;
}

export function spinLock(word: u32): void {
  let spins = 0;
  while (atomic.cmpxchg<u32>(word, 0, 1) != 0) {
    while (atomic.load<u32>(word) != 0) {
      if (++spins > 200) {
        nap(word, 1, 50);
        spins = 0;
      }
    }
  }
}

// @ts-expect-error: decorator
@inline
export function spinUnlock(word: u32): void {
  atomic.store<u32>(word, 0);
}

export function joinRow(into: u32, from: u32, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i += 4) {
    const v = load<u32>(from + i);
    if (v > load<u32>(into + i)) store<u32>(into + i, v);
  }
}

// What the thread's cells start with follows from its index and clock.
function retag(ts: u32): void {
  const index = indexOf(ts);
  store<u64>(ts + HG_TAG, <u64>((index << 24) | load<u32>(rowOf(ts) + index * 4)));
  store<u32>(ts + HG_HOME, load<u32>(G_FRAMES_END) - (<u32>FRAMES << 2) + ((index & 1) << 3));
  store<u32>(ts + HG_DIRTY, 0);
  if (load<u32>(HG_G_HISTORY) == 1) segment(ts);
}

// Remembers where the present clock began. A reader takes the clock again after the trace: 0 is none, while it changes.
function segment(ts: u32): void {
  const index = indexOf(ts);
  const clock = load<u32>(rowOf(ts) + index * 4);
  const at = HG_SEGMENTS + (index * HG_SEGMENTS_KEPT + (clock & (HG_SEGMENTS_KEPT - 1))) * 8;
  atomic.store<u32>(at, 0);
  atomic.store<u32>(at + 4, context(ts));
  atomic.store<u32>(at, clock);
}

// @ts-expect-error: decorator
@inline
function entryOf(index: u32): u32 {
  return HG_INDEX + index * HG_INDEX_ENTRY;
}

// An index for a thread that knows what the row at `known` says. Index lock held.
function chooseIndex(known: u32): u32 {
  const n = load<u32>(HG_G_INDEXES);
  let oldest: u32 = 0;
  let age: u32 = 0xffffffff;
  for (let i: u32 = 0; i < n; i++) {
    const e = entryOf(i);
    if (load<u32>(e) != INDEX_ENDED) continue;
    const last = load<u32>(e + 4);
    if (load<u32>(known + i * 4) >= last) return i;
    if (load<u32>(e + 12) < age) {
      age = load<u32>(e + 12);
      oldest = i;
    }
  }
  if (n < <u32>HG_INDEXES) {
    atomic.store<u32>(HG_G_INDEXES, n + 1);
    return n;
  }
  return oldest;
}

// Makes the index the thread's. Index lock held.
function takeIndex(ts: u32, index: u32): void {
  const e = entryOf(index);
  const first = load<u32>(e) == INDEX_FRESH ? 1 : load<u32>(e + 4) + 1;
  store<u32>(e, INDEX_LIVE);
  const owners = load<u32>(e + 8);
  const o = HG_OWNERS + (index * HG_OWNERS_KEPT + (owners & (HG_OWNERS_KEPT - 1))) * HG_OWNER_ENTRY;
  store<u32>(o, first);
  store<u32>(o + 4, load<u32>(ts + HG_NUMBER));
  store<u32>(o + 8, load<u32>(ts + HG_CREATED));
  atomic.store<u32>(e + 8, owners + 1);
  store<u32>(ts + HG_OWN_INDEX, index);
  store<u32>(HG_CLOCKS + index * HG_ROW + index * 4, first);
}

// Gives the thread's index back. Index lock held.
function endIndex(ts: u32): void {
  const e = entryOf(indexOf(ts));
  const last = doneClock(ts);
  store<u32>(e + 4, last);
  const age = load<u32>(HG_G_AGE) + 1;
  store<u32>(HG_G_AGE, age);
  store<u32>(e + 12, age);
  // The last thousand clocks are not worth a new owner.
  store<u32>(e, last > CLOCK_MAX - 1000 ? INDEX_SPENT : INDEX_ENDED);
}

// The clock of the index is used up: the thread goes on under another one. Its old row is part of what it knows.
function migrate(ts: u32): void {
  const old = rowOf(ts);
  spinLock(HG_G_INDEX_LOCK);
  const index = chooseIndex(old);
  if (load<u32>(entryOf(index)) == INDEX_FRESH || load<u32>(entryOf(index)) == INDEX_ENDED) {
    endIndex(ts);
    const row = HG_CLOCKS + index * HG_ROW;
    memory.copy(row, old, HG_ROW);
    takeIndex(ts, index);
    memory.copy(HG_FENCED + index * HG_ROW, old + (HG_FENCED - HG_CLOCKS), HG_ROW);
    memory.copy(HG_PENDING + index * HG_ROW, old + (HG_PENDING - HG_CLOCKS), HG_ROW);
  }
  spinUnlock(HG_G_INDEX_LOCK);
}

// The clock that stands for all the thread has done so far: one less than the present one while no cell carries that.
// @ts-expect-error: decorator
@inline
export function doneClock(ts: u32): u32 {
  const clock = load<u32>(rowOf(ts) + indexOf(ts) * 4);
  return load<u32>(ts + HG_DIRTY) != 0 ? clock : clock - 1;
}

// What comes from here on is not part of what was just made known.
export function advance(ts: u32): void {
  if (load<u32>(ts + HG_DIRTY) == 0) return;
  const at = rowOf(ts) + indexOf(ts) * 4;
  const clock = load<u32>(at);
  if (clock < CLOCK_MAX) store<u32>(at, clock + 1);
  else migrate(ts);
  retag(ts);
}

// Writes what the thread knows, with its own clock as of now, into `into` (strong) or joins it there. `bytes` is
// rowBytes() as it was when `into` was made: more than that the thread cannot know.
export function publish(ts: u32, into: u32, strong: bool, bytes: u32): void {
  const row = rowOf(ts);
  const own = row + indexOf(ts) * 4;
  const clock = load<u32>(own);
  store<u32>(own, doneClock(ts));
  if (strong) memory.copy(into, row, bytes);
  else joinRow(into, row, bytes);
  store<u32>(own, clock);
}

// A thread begins: it knows what its creator knows (parent 0: the first thread).
export function hg_begin(ts: u32, parent: u32, number: u32, created: u32): void {
  store<u32>(ts + HG_NUMBER, number);
  store<u32>(ts + HG_CREATED, created);
  spinLock(HG_G_INDEX_LOCK);
  const index = chooseIndex(parent != 0 ? rowOf(parent) : HG_CLOCKS);
  const row = HG_CLOCKS + index * HG_ROW;
  memory.fill(row, 0, HG_ROW);
  if (parent != 0) publish(parent, row, true, rowBytes());
  takeIndex(ts, index);
  spinUnlock(HG_G_INDEX_LOCK);
  if (parent != 0) advance(parent);
  store<u32>(ts + HG_HAS_FENCED, 0);
  store<u32>(ts + HG_HAS_PENDING, 0);
  retag(ts);
}

// The thread has made its last access; whoever waits for its end has an object to acquire.
export function hg_end(ts: u32): void {
  spinLock(HG_G_INDEX_LOCK);
  endIndex(ts);
  spinUnlock(HG_G_INDEX_LOCK);
}
