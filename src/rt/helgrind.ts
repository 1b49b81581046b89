// Race detection by happens-before. Every aligned 8 bytes of guest memory have a shadow of four cells, each one
// access (layout: src/tools/helgrind/layout.ts). A cell races with the present access when they touch a common
// byte, one of them writes, not both are atomic, they come from different threads, and the present thread's clock
// does not cover the cell's.
//
// Which cell: a thread's home cell for the lower or upper 4 bytes is the one that generated code looks at: when it
// says that the thread has made this access before, at this clock, nothing is called. Threads with an even and an
// odd index have different homes. Cells are claimed by compare-and-swap and then the others are looked at, so of two
// accesses at once at least one sees the other. A cell that is pushed out loses a race at most.
//
// Plain loads do not race with atomic stores: a relaxed atomic load is the same instruction. Such a load takes what
// was released to the word into the thread's pending row, which its next acquire fence makes known. An atomic store
// marks others' cells stale, so that their next load comes here and sees it (hg-atomics.ts).
import { ACCESS_READ, FRAMES, G_FRAMES_END, T_CALL_TOP, T_CALLS, CALLS_MAX, T_FAULT_ADDR, T_SCRATCH } from '../../kernel/core/layout';
import {
  CELL_ATOMIC_BIT,
  CELL_BYTES_BIT,
  CELL_READ_BIT,
  CELL_STALE_BIT,
  HG_CALLERS,
  HG_CALLERS_COUNT,
  HG_DIRTY,
  HG_G_CONTEXTS,
  HG_G_HISTORY,
  HG_HAS_PENDING,
  HG_HOME,
  HG_IGNORED_READS,
  HG_IGNORED_WRITES,
  HG_LOCKSET,
  HG_PENDING,
  HG_ROW,
  HG_TAG,
  TRACE_SILENT,
} from '../tools/helgrind/layout';
import { context, intern, traceWithin } from './callstack';
import { indexOf, rowOf } from './hg-clocks';
import { learnInto, lockObject, unlockObject } from './hg-objects';
import { hostByte } from './memory';

// A race: the earlier access's cell is in T_SCRATCH, the access in the arguments.
@external('env', 'hg_race')
declare function hg_race(ts: u32, host: u32, size: u32, write: u32, trace: u32): void;

// Whether the code at the address in T_SCRATCH is the program's own.
@external('env', 'hg_own_code')
declare function hg_own_code(ts: u32): u32;

export const EPOCH: u64 = 0xffffffff;
export const ATOMIC: u64 = (<u64>1) << CELL_ATOMIC_BIT;
export const STALE: u64 = (<u64>1) << CELL_STALE_BIT;
export const READ: u64 = (<u64>1) << CELL_READ_BIT;
// A cell that says that accesses of its bytes are not looked at. No thread has this index and clock.
const UNCHECKED: u64 = 0xffffffff;
const TRACE_SHIFT: u64 = 32;
const TRACE_MASK: u64 = 0x1fffff;

// @ts-expect-error: decorator
@inline
export function cellsOf(host: u32): u32 {
  return load<u32>(G_FRAMES_END) + (((host & ~7) - FRAMES) << 2);
}

// Bits of the bytes that a cell did not touch, for an access of size bytes at host within 8.
// @ts-expect-error: decorator
@inline
function untouched(host: u32, size: u32): u64 {
  const touched: u64 = ((<u64>1 << size) - 1) << (host & 7);
  return ~(touched << CELL_BYTES_BIT) & (<u64>255 << CELL_BYTES_BIT);
}

// Key of the object of an atomic variable.
// @ts-expect-error: decorator
@inline
export function keyOf(host: u32): u64 {
  return (<u64>1 << 62) | <u64>(host & ~3);
}

// @ts-expect-error: decorator
@inline
function covers(row: u32, c: u64): bool {
  return load<u32>(row + ((<u32>c >> 24) << 2)) >= (<u32>c & 0xffffff);
}

// Trace of the access, as the history level wants it: 0 is none.
function traceOf(ts: u32, pc: u64): u32 {
  if (load<u32>(HG_G_HISTORY) != 2) return 0;
  const trace = traceWithin(ts, pc, load<u32>(HG_G_CONTEXTS));
  return trace == 0 ? 0 : locksOnTop(ts, trace);
}

function locksOnTop(ts: u32, trace: u32): u32 {
  const locks = load<u32>(ts + HG_LOCKSET);
  // Program counters below every mapped address are numbers of sets of locks.
  return locks != 0 ? intern(trace, locks) : trace;
}

// The cell to give up for a new one: one that says less, has nothing to say any more, or can say both.
function victim(s: u32, home: u32, row: u32, index: u64, cell: u64): u32 {
  const bare = cell & (<u64>255 << CELL_BYTES_BIT);
  const read = cell & READ;
  let best = home;
  let rank: u32 = 0;
  for (let i: u32 = 0; i < 32; i += 8) {
    const at = s + i;
    const c = load<u64>(at);
    let r: u32 = 1;
    if ((c & EPOCH) == UNCHECKED) continue;
    if (c == 0) r = 8;
    else {
      const bytes = c >> CELL_BYTES_BIT;
      const within = (bare >> CELL_BYTES_BIT & ~bytes) == 0;
      const weaker = within && (read == 0 || (c & READ) != 0);
      const says = ~(<u64>255 << CELL_BYTES_BIT);
      if (((c ^ cell) & says) == 0) r = within ? 9 : 8;
      else if (((c >> 24) & 255) == index) r = weaker ? 9 : 3;
      else if (covers(row, c)) r = weaker ? 6 : 4;
      // Words that are synchronised on keep their atomic stores: loads look for them.
      if ((c & (ATOMIC | READ)) == ATOMIC && r < 6) r = r > 3 ? 2 : 0;
    }
    r = (r << 1) | (at == home ? 1 : 0);
    if (r > rank) {
      rank = r;
      best = at;
    }
  }
  return best;
}

// Lets generated code find a cell that covers its access: a copy in the home cell, if that has less to say.
function bringHome(home: u32, c: u64, index: u64): void {
  const h = load<u64>(home);
  if (h != 0) {
    if (((h >> 24) & 255) != index || (h & ATOMIC) != 0 || h == c) return;
    const bytes: u64 = <u64>255 << CELL_BYTES_BIT;
    if ((~h & c & bytes) != 0 || (c & ~h & READ) != 0) return;
  }
  atomic.cmpxchg<u64>(home, h, c);
}

// Records an access within 8 bytes, and reports the race if there is one. kind: READ and ATOMIC bits.
export function record(ts: u32, host: u32, size: u32, pc: u64, kind: u64, silent: bool): void {
  const s = cellsOf(host);
  const tag = load<u64>(ts + HG_TAG);
  const bare = untouched(host, size);
  const read = kind & READ;
  const atomic_ = kind & ATOMIC;
  const index = <u64>indexOf(ts);
  const home = (s & ~31) + ((host & 4) << 2) + ((<u32>index & 1) << 3);
  // A cell of this clock that touched as much, wrote if this one does, and is as plain as this one if it writes.
  const need = EPOCH | STALE | (~bare & (<u64>255 << CELL_BYTES_BIT)) | (read != 0 ? 0 : READ | ATOMIC);
  if (load<u32>(ts + (read != 0 ? HG_IGNORED_READS : HG_IGNORED_WRITES)) != 0) return;
  for (let i: u32 = 0; i < 32; i += 8) {
    const c = load<u64>(s + i);
    if ((c & EPOCH) == UNCHECKED && (c & ~bare) >> CELL_BYTES_BIT == 0) return;
    if (c != 0 && ((c ^ (tag | (read != 0 ? 0 : atomic_))) & need) == 0) {
      bringHome(home, c, index);
      return;
    }
  }
  const row = rowOf(ts);
  const trace = silent ? TRACE_SILENT : traceOf(ts, pc);
  store<u32>(ts + HG_DIRTY, 1);
  while (true) {
    let cell = tag | bare | kind | (<u64>trace << TRACE_SHIFT);
    const at = victim(s, home, row, index, cell);
    const old = load<u64>(at);
    // Neighbouring bytes touched from the same place at the same clock share a cell.
    if (old != 0 && ((old ^ cell) & ~(<u64>255 << CELL_BYTES_BIT)) == 0) cell = cell & (old | ~(<u64>255 << CELL_BYTES_BIT));
    if (atomic.cmpxchg<u64>(at, old, cell) == old) break;
  }
  look(ts, s, host, size, pc, kind, trace);
}

// Looks at what others did to the bytes.
function look(ts: u32, s: u32, host: u32, size: u32, pc: u64, kind: u64, trace: u32): void {
  const bare = untouched(host, size);
  const row = rowOf(ts);
  const index = <u64>indexOf(ts);
  let raced: u64 = 0;
  let pending = false;
  for (let i: u32 = 0; i < 32; i += 8) {
    const c = atomic.load<u64>(s + i);
    if (c == 0 || (c & EPOCH) == UNCHECKED || ((c >> 24) & 255) == index) continue;
    if (((~c & ~bare) >> CELL_BYTES_BIT) == 0) continue;
    if ((c & kind & READ) != 0) continue;
    if ((c & kind & ATOMIC) != 0) continue;
    if ((c & (ATOMIC | READ)) == ATOMIC && (kind & READ) != 0) {
      pending = true;
      continue;
    }
    // An atomic store after plain loads: these may be relaxed ones.
    if ((c & (ATOMIC | READ)) == READ && (kind & (ATOMIC | READ)) == ATOMIC) continue;
    if (covers(row, c)) continue;
    if (((c >> TRACE_SHIFT) & TRACE_MASK) == TRACE_SILENT) continue;
    if (raced == 0 || (raced & READ) != 0) raced = c;
  }
  if (pending) pend(ts, host);
  if (raced == 0 || trace == TRACE_SILENT) return;
  store<u64>(ts + T_SCRATCH, raced);
  // Where this access is made is known whatever the history level.
  const now = trace != 0 ? trace : locksOnTop(ts, intern(context(ts), pc));
  hg_race(ts, host, size, (kind & READ) != 0 ? 0 : 1, now);
}

// The thread has read what an atomic store may have released: known from its next acquire fence on.
export function pend(ts: u32, host: u32): void {
  const row = <u32>HG_PENDING + indexOf(ts) * HG_ROW;
  if (load<u32>(ts + HG_HAS_PENDING) == 0) memory.fill(row, 0, HG_ROW);
  const key = keyOf(host);
  lockObject(key);
  if (learnInto(row, key)) store<u32>(ts + HG_HAS_PENDING, 1);
  unlockObject(key);
}

// A plain access of any size and alignment, taken apart into aligned ones as Valgrind does.
function access(ts: u32, host: u32, size: u32, pc: u64, kind: u64): void {
  if ((host & (size - 1)) == 0 && host >= <u32>FRAMES) {
    record(ts, host, size, pc, kind, false);
    return;
  }
  const straddles = host < <u32>FRAMES;
  // Across two windows the data lie in a buffer, and the guest's address tells where they belong.
  const guest = load<u64>(ts + T_FAULT_ADDR);
  for (let done: u32 = 0; done < size; ) {
    const h = straddles ? hostByte(ts, guest + done, ACCESS_READ) : host + done;
    let piece: u32 = 8;
    while ((h & (piece - 1)) != 0 || piece > size - done) piece >>= 1;
    if (h != 0) record(ts, h, piece, pc, kind, false);
    done += piece;
  }
}

export function hg_read(ts: u32, host: u32, size: u32, pc: u64): void {
  access(ts, host, size, pc, READ);
}

export function hg_write(ts: u32, host: u32, size: u32, pc: u64): void {
  access(ts, host, size, pc, 0);
}

// Whether the function that runs was called by the program's own code.
function calledByProgram(ts: u32): bool {
  const top = load<u32>(ts + T_CALL_TOP);
  if (top == 0 || top > <u32>CALLS_MAX) return top != 0;
  const ret = load<u64>(ts + T_CALLS + ((top - 1) << 4));
  const at = HG_CALLERS + ((<u32>(ret >> 1) & (HG_CALLERS_COUNT - 1)) << 3);
  const known = atomic.load<u64>(at);
  if (known >> 1 == ret) return (known & 1) != 0;
  store<u64>(ts + T_SCRATCH, ret - 1);
  const own = hg_own_code(ts);
  atomic.store<u64>(at, (ret << 1) | <u64>(own & 1));
  return own != 0;
}

// Accesses of library functions that work for their callers: of interest when those are the program.
export function hg_read_for(ts: u32, host: u32, size: u32, pc: u64): void {
  if (calledByProgram(ts)) access(ts, host, size, pc, READ);
}

export function hg_write_for(ts: u32, host: u32, size: u32, pc: u64): void {
  if (calledByProgram(ts)) access(ts, host, size, pc, 0);
}

// Accesses of the bytes are looked at from now on, or no more: what was recorded of their words is forgotten.
export function hg_checking(host: u32, size: u32, on: u32): void {
  for (let h = host; h < host + size; h++) {
    const s = cellsOf(h);
    let old = load<u64>(s);
    if ((old & EPOCH) != UNCHECKED) {
      if (on) continue;
      memory.fill(s, 0, 32);
      old = UNCHECKED | (<u64>255 << CELL_BYTES_BIT);
    }
    const bit: u64 = <u64>1 << (CELL_BYTES_BIT + (h & 7));
    const now = on ? old | bit : old & ~bit;
    store<u64>(s, now >> CELL_BYTES_BIT == 255 ? 0 : now);
  }
}

// The thread's reads, writes are to be ignored once more or less (1, -1), or as before (0).
export function hg_ignore(ts: u32, reads: i32, writes: i32): void {
  const r = load<i32>(ts + HG_IGNORED_READS) + reads;
  const w = load<i32>(ts + HG_IGNORED_WRITES) + writes;
  store<i32>(ts + HG_IGNORED_READS, r > 0 ? r : 0);
  store<i32>(ts + HG_IGNORED_WRITES, w > 0 ? w : 0);
}
