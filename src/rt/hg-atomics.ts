// Atomic instructions and fences as edges of exactly the strength they have (C++ memory model, RVWMO):
//
//   .rl, or an atomic store after a release fence (W before W)      releases to the variable's object
//   .aq, or an acquire fence (R before R) after an atomic load      acquires from it
//   neither                                                         no edge; atomic accesses do not race with each other
//
// A read-modify-write continues the release sequence (joins), a store behind a fence begins a new one. From `begin`
// to `end` the variable's object is locked, so order of release and acquire is that of the operations themselves, and
// a store conditional releases only when it succeeds. Nothing between the two can fault or wait: the address has
// been translated. The access itself is recorded before `begin` takes the lock, since it may report a race.
import { G_FRAMES_END, FRAMES } from '../../kernel/core/layout';
import {
  CELL_BYTES_BIT,
  HG_ATOMIC_KEY,
  HG_FENCED,
  HG_HAS_FENCED,
  HG_HAS_PENDING,
  HG_PENDING,
  HG_ROW,
  HG_TAG,
} from '../tools/helgrind/layout';
import { ATOMIC, cellsOf, EPOCH, keyOf, READ, record, STALE } from './helgrind';
import { advance, indexOf, joinRow, publish, rowBytes, rowOf } from './hg-clocks';
import { hg_forget, learnInto, lockObject, tell, tellRow, unlockObject } from './hg-objects';

// Bits of `how`.
const AQ: u32 = 1;
const RL: u32 = 2;
// A store that begins a new release sequence.
const FIRST: u32 = 4;
// Takes part in synchronisation only: races with nothing.
const SILENT: u32 = 8;

// Others who have accessed the word must look again.
function markStale(host: u32, index: u64): void {
  const s = cellsOf(host);
  for (let i: u32 = 0; i < 32; i += 8) {
    while (true) {
      const c = atomic.load<u64>(s + i);
      if (c == 0 || (c & STALE) != 0 || ((c >> 24) & 255) == index) break;
      if (atomic.cmpxchg<u64>(s + i, c, c | STALE) == c) break;
    }
  }
}

function learn(ts: u32, key: u64, how: u32): void {
  if (how & AQ) {
    learnInto(rowOf(ts), key);
    return;
  }
  const row = <u32>HG_PENDING + indexOf(ts) * HG_ROW;
  if (load<u32>(ts + HG_HAS_PENDING) == 0) memory.fill(row, 0, HG_ROW);
  if (learnInto(row, key)) store<u32>(ts + HG_HAS_PENDING, 1);
}

function releaseTo(ts: u32, key: u64, how: u32): void {
  if (how & RL) tell(ts, key, (how & FIRST) != 0);
  else if (load<u32>(ts + HG_HAS_FENCED) != 0) {
    tellRow(<u32>HG_FENCED + indexOf(ts) * HG_ROW, key, (how & FIRST) != 0);
  }
}

// Before an AMO, a store conditional, or a store behind a fence.
export function hg_atomic_begin(ts: u32, host: u32, size: u32, how: u32, pc: u64): void {
  record(ts, host, size, pc, ATOMIC, (how & SILENT) != 0);
  const key = keyOf(host);
  lockObject(key);
  store<u64>(ts + HG_ATOMIC_KEY, key);
  markStale(host, <u64>indexOf(ts));
}

// After an AMO.
export function hg_amo_end(ts: u32, how: u32): void {
  const key = load<u64>(ts + HG_ATOMIC_KEY);
  learn(ts, key, how);
  releaseTo(ts, key, how);
  unlockObject(key);
  if (how & RL) advance(ts);
}

// After a store conditional with this result.
export function hg_sc_end(ts: u32, how: u32, failed: u64): void {
  const key = load<u64>(ts + HG_ATOMIC_KEY);
  if (failed == 0) releaseTo(ts, key, how);
  if (how & AQ) learnInto(rowOf(ts), key);
  unlockObject(key);
  if (failed == 0 && (how & RL) != 0) advance(ts);
}

// After a store behind a release fence.
export function hg_store_end(ts: u32, how: u32): void {
  const key = load<u64>(ts + HG_ATOMIC_KEY);
  releaseTo(ts, key, how);
  unlockObject(key);
}

// After a load in front of an acquire fence.
export function hg_load_acquire(ts: u32, host: u32, size: u32, how: u32, pc: u64): void {
  const own = cellsOf(host) + ((host & 4) << 2) + ((indexOf(ts) & 1) << 3);
  const c = atomic.load<u64>(own);
  // What the word holds has been acquired before, at this clock, and nobody has stored to it since.
  const touched: u64 = (((<u64>1 << size) - 1) << (host & 7)) << CELL_BYTES_BIT;
  if (((c ^ load<u64>(ts + HG_TAG)) & (EPOCH | STALE | touched)) == 0 && (c & (ATOMIC | READ)) == (ATOMIC | READ)) return;
  record(ts, host, size, pc, READ | ATOMIC, (how & SILENT) != 0);
  const key = keyOf(host);
  lockObject(key);
  learnInto(rowOf(ts), key);
  unlockObject(key);
}

// After LR.
export function hg_lr(ts: u32, host: u32, size: u32, how: u32, pc: u64): void {
  record(ts, host, size, pc, READ, (how & SILENT) != 0);
  const key = keyOf(host);
  lockObject(key);
  learn(ts, key, how);
  unlockObject(key);
}

// A fence. Sets: 2 read, 1 write.
export function hg_fence(ts: u32, pred: u32, succ: u32): void {
  const row = rowOf(ts);
  if ((pred & succ & 2) != 0 && load<u32>(ts + HG_HAS_PENDING) != 0) {
    joinRow(row, <u32>HG_PENDING + indexOf(ts) * HG_ROW, rowBytes());
    store<u32>(ts + HG_HAS_PENDING, 0);
  }
  if ((pred & succ & 1) != 0) {
    const fenced = <u32>HG_FENCED + indexOf(ts) * HG_ROW;
    publish(ts, fenced, true, rowBytes());
    store<u32>(ts + HG_HAS_FENCED, 1);
    advance(ts);
  }
}

// Memory starts a new life: nobody has accessed it, and nothing was released to what lay there.
export function hg_fresh(ts: u32, host: u32, size: u32): void {
  const end = (host + size) & ~7;
  for (let h = (host + 7) & ~7; h < end; h += 8) {
    const s = load<u32>(G_FRAMES_END) + ((h - FRAMES) << 2);
    const a = load<u64>(s);
    const b = load<u64>(s + 8);
    const c = load<u64>(s + 16);
    const d = load<u64>(s + 24);
    const any = a | b | c | d;
    if (any == 0) continue;
    if ((any & ATOMIC) != 0) {
      hg_forget(ts, keyOf(h));
      hg_forget(ts, keyOf(h + 4));
    }
    store<u64>(s, 0);
    store<u64>(s + 8, 0);
    store<u64>(s + 16, 0);
    store<u64>(s + 24, 0);
  }
}
