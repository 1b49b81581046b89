// Line ownership: how blocks are atomic under --atomicity=restart. See kernel/core/ownership.ts for the structures.
//
// Before it accesses a line a block looks whether its thread has the right to, and calls own_take if not. Rights stay
// with a thread until another one asks for them: it adds to the thread's OWN_WANTED, pokes it, and waits until it is
// between blocks. A thread that waits in the middle of a block and is itself asked gives the block up, so nobody waits
// in a circle.
import {
  DEPTH_LIMIT,
  FAULT_STALE,
  G_EXITING,
  G_OWN,
  G_OWN_ALONE,
  G_PEAK_THREADS,
  STOP_OWN,
  T_LIMIT,
  T_OWN,
  T_SLOT,
  T_STOP,
  THREAD_STRIDE,
  THREADS,
} from '../../kernel/core/layout';
import {
  OWN_BUSY,
  OWN_DIRECTORY_SIZE,
  OWN_LINES,
  OWN_LOCKED,
  OWN_RECORD,
  OWN_SHARED,
  OWN_UNDO,
  OWN_WANTED,
  UNDO_ENTRY,
} from '../../kernel/core/ownership';
import { fault } from './memory';
import { nap } from './nap';

// Turns of a waiting loop before the thread sleeps, and for how long it sleeps at most, in us.
const SPINS: i32 = 400;
const NAP: i32 = 100;

// @ts-expect-error: decorator
@inline
function lineOf(h: u32): u32 {
  return ((h >> 6) ^ (h >> 17)) & (OWN_LINES - 1);
}

// @ts-expect-error: decorator
@inline
function recordOf(slot: u32): u32 {
  return load<u32>(G_OWN) + OWN_DIRECTORY_SIZE + slot * OWN_RECORD;
}

// @ts-expect-error: decorator
@inline
function me(ts: u32): u32 {
  return load<u32>(ts + T_SLOT) + 1;
}

// @ts-expect-error: decorator
@inline
export function alone(ts: u32): bool {
  return load<u32>(G_OWN_ALONE) == me(ts);
}

// Whether somebody waits for the thread to come between blocks, or for anything else of it.
function asked(ts: u32): bool {
  if (atomic.load<u32>(load<u32>(ts + T_OWN) + OWN_WANTED) != 0 || atomic.load<u32>(ts + T_LIMIT) == 0) return true;
  return othersAlone(ts);
}

function othersAlone(ts: u32): bool {
  const a = atomic.load<u32>(G_OWN_ALONE);
  return a != 0 && a != me(ts);
}

function poke(slot: u32): void {
  const ts = THREADS + slot * THREAD_STRIDE;
  atomic.or<i32>(ts + T_STOP, STOP_OWN);
  atomic.store<u32>(ts + T_LIMIT, 0);
}

// Waits until the thread in the slot is between blocks. False when the caller is asked for something, or `patient` and the
// process ends: a worker that died comes nowhere any more.
function awaitIdle(ts: u32, slot: u32, patient: bool): bool {
  const busy = recordOf(slot) + OWN_BUSY;
  for (let n = 0; atomic.load<i32>(busy) != 0; n++) {
    if (patient ? atomic.load<i32>(G_EXITING) != 0 : asked(ts)) return false;
    // Again now and then: the thread may have been on its way out of a safepoint.
    if ((n & 63) == 0) poke(slot);
    if (n > SPINS) nap(busy, 1, NAP);
  }
  return true;
}

// The thread in the slot stays between blocks until `release`. False when the caller is asked for something itself.
function stop(ts: u32, slot: u32): bool {
  const wanted = recordOf(slot) + OWN_WANTED;
  atomic.add<i32>(wanted, 1);
  if (awaitIdle(ts, slot, alone(ts))) return true;
  release(slot);
  return false;
}

function release(slot: u32): void {
  const wanted = recordOf(slot) + OWN_WANTED;
  if (atomic.sub<i32>(wanted, 1) == 1) atomic.notify(wanted);
}

// --- taking rights ----------------------------------------------------------------------------------------------

// @ts-expect-error: decorator
@inline
function rights(slot: u32, line: u32): u32 {
  return recordOf(slot) + (line << 1);
}

// Takes rights of one other thread: the right to write, or all of them. False when the caller was asked.
function takeFrom(ts: u32, slot: u32, line: u32, all: bool): bool {
  if (!stop(ts, slot)) return false;
  const r = rights(slot, line);
  store<u8>(r + 1, 0);
  if (all) store<u8>(r, 0);
  release(slot);
  return true;
}

// The right to one line. False when the caller was asked for something while it waited.
function acquire(ts: u32, line: u32, write: bool): bool {
  const word = load<u32>(G_OWN) + (line << 2);
  const own = me(ts) - 1;
  let v: u32;
  for (let n = 0; ; n++) {
    v = atomic.load<u32>(word);
    if ((v & OWN_LOCKED) == 0 && atomic.cmpxchg<u32>(word, v, v | OWN_LOCKED) == v) break;
    if (!alone(ts) && asked(ts)) return false;
    if (n > SPINS) nap(word, <i32>(v | OWN_LOCKED), NAP / 10);
  }
  let now = own + 1;
  let ok = true;
  if (v == OWN_SHARED) {
    if (write) {
      // Slots are given out from below.
      const n = atomic.load<u32>(G_PEAK_THREADS);
      for (let s: u32 = 0; s < n && ok; s++) {
        if (s != own && load<u8>(rights(s, line))) ok = takeFrom(ts, s, line, true);
      }
    } else now = OWN_SHARED;
  } else if (v != 0 && v != own + 1) {
    ok = takeFrom(ts, v - 1, line, write);
    if (!write) now = OWN_SHARED;
  }
  if (ok) {
    const r = rights(own, line);
    store<u8>(r, 1);
    store<u8>(r + 1, now == own + 1 ? 1 : 0);
    v = now;
  }
  atomic.store<u32>(word, v);
  return ok;
}

// The right to access `p & 255` bytes at host address h, for writing if bit 8 of p is set. 0, or 1: the block starts over.
export function own_take(ts: u32, h: u32, p: u32): i32 {
  const first = lineOf(h);
  const last = lineOf(h + (p & 255) - 1);
  const write = (p & 256) != 0;
  const r = load<u32>(ts + T_OWN) + (write ? 1 : 0);
  if (load<u8>(r + (first << 1)) || acquire(ts, first, write)) {
    if (load<u8>(r + (last << 1)) || acquire(ts, last, write)) return 0;
  }
  fault(ts, 0, 0, FAULT_STALE);
  return 1;
}

// Puts back what the first n entries of the undo log say, the last one first.
export function own_undo(ts: u32, n: i32): void {
  const log = load<u32>(ts + T_OWN) + OWN_UNDO;
  for (let e = log + (n - 1) * UNDO_ENTRY; e >= log; e -= UNDO_ENTRY) {
    const h = load<u32>(e);
    const old = load<u64>(e + 8);
    const size = load<u32>(e + 4);
    if (size == 8) store<u64>(h, old);
    else if (size == 4) store<u32>(h, <u32>old);
    else if (size == 2) store<u16>(h, <u16>old);
    else store<u8>(h, <u8>old);
  }
}

// --- between blocks ---------------------------------------------------------------------------------------------

// The thread is between blocks, and stays there until own_close. It runs alone no longer.
export function own_open(ts: u32): void {
  const busy = load<u32>(ts + T_OWN) + OWN_BUSY;
  atomic.store<i32>(busy, 0);
  atomic.notify(busy);
  if (!alone(ts)) return;
  atomic.store<u32>(G_OWN_ALONE, 0);
  atomic.notify(G_OWN_ALONE);
}

// Goes on once nobody wants the thread between blocks. False when it was asked for something else meanwhile, if that
// matters: it is then still between blocks.
function close(ts: u32, unless: bool): bool {
  const record = load<u32>(ts + T_OWN);
  let n = 0;
  while (true) {
    atomic.store<i32>(record + OWN_BUSY, 1);
    const wanted = atomic.load<i32>(record + OWN_WANTED);
    if (wanted == 0 && !othersAlone(ts)) return true;
    atomic.store<i32>(record + OWN_BUSY, 0);
    atomic.notify(record + OWN_BUSY);
    while (atomic.load<i32>(record + OWN_WANTED) != 0 || othersAlone(ts)) {
      if (unless && (atomic.load<i32>(ts + T_STOP) & ~STOP_OWN) != 0) return false;
      if (++n <= SPINS) continue;
      const w = atomic.load<i32>(record + OWN_WANTED);
      if (w != 0) nap(record + OWN_WANTED, w, NAP);
      else {
        const a = atomic.load<i32>(G_OWN_ALONE);
        if (a != 0) nap(G_OWN_ALONE, a, NAP);
      }
    }
  }
}

export function own_close(ts: u32): void {
  close(ts, false);
}

// At a safepoint that a thread was asked to come to: true when all that was wanted was to find it between blocks.
export function own_poll(ts: u32): bool {
  if (load<u32>(G_OWN) == 0) return false;
  if ((atomic.and<i32>(ts + T_STOP, ~STOP_OWN) & ~STOP_OWN) != 0) return false;
  atomic.store<u32>(ts + T_LIMIT, DEPTH_LIMIT);
  if (atomic.load<i32>(ts + T_STOP) != 0) atomic.store<u32>(ts + T_LIMIT, 0);
  own_open(ts);
  return close(ts, true);
}

// From between blocks (own_open is called first): waits until all other threads are between blocks too; they stay there until own_open. 0, or 1:
// the caller is asked for something.
export function own_alone(ts: u32): i32 {
  if (alone(ts)) return 0;
  own_open(ts);
  for (let n = 0; atomic.cmpxchg<u32>(G_OWN_ALONE, 0, me(ts)) != 0; n++) {
    if ((atomic.load<i32>(ts + T_STOP) & ~STOP_OWN) != 0) {
      return 1;
    }
    if (n > SPINS) {
      const a = atomic.load<i32>(G_OWN_ALONE);
      if (a != 0) nap(G_OWN_ALONE, a, NAP);
    }
  }
  const n = atomic.load<u32>(G_PEAK_THREADS);
  for (let s: u32 = 0; s < n; s++) {
    if (s == me(ts) - 1 || awaitIdle(ts, s, true)) continue;
    own_open(ts);
    return 1;
  }
  close(ts, false);
  // What it was asked before has been answered.
  if ((atomic.and<i32>(ts + T_STOP, ~STOP_OWN) & ~STOP_OWN) == 0) atomic.store<u32>(ts + T_LIMIT, DEPTH_LIMIT);
  return 0;
}

// The same at the start of a block, until the next safepoint. 0, or 1: the block starts over.
export function own_pin(ts: u32): i32 {
  if (own_alone(ts)) {
    close(ts, false);
    fault(ts, 0, 0, FAULT_STALE);
    return 1;
  }
  poke(me(ts) - 1);
  return 0;
}
