// Happens-before race detection. Every aligned 8 bytes of guest memory have a shadow of four cells, each one
// access: clock 24 bits, thread slot 10, bytes touched 8, write 1, stack trace 21. A cell races with the current
// access when they touch a common byte, one of them writes, they come from different threads, and the current
// thread's vector clock does not cover the cell's clock. Cells are read and written as single words without a
// lock: a lost update can lose a cell of racing accesses, never invent one.
//
// Vector clocks: one of CLOCKS u32 per thread slot, and one per synchronisation object in a hash table keyed by
// address; both guarded by one spin lock word for objects (threads touch only their own clock).
import {
  FRAMES,
  G_FRAMES_END,
  G_TOOL_WORDS,
  T_SCRATCH,
  T_SLOT,
  T_TOOL,

  TOOL_AREA,
  TOOL_AREA_END,
} from '../../kernel/core/layout';
import { context, intern } from './callstack';

// A race: the earlier access's cell is in T_SCRATCH, the access in the arguments.
@external('env', 'hg_race')
declare function hg_race(ts: u32, host: u32, size: u32, write: u32, trace: u32): void;

export const CLOCKS: u32 = 256;
const OBJECT_BYTES: u32 = 8 + CLOCKS * 4;
const THREAD_CLOCKS: u32 = TOOL_AREA + 0x01000000;
const OBJECTS: u32 = THREAD_CLOCKS + CLOCKS * CLOCKS * 4;
const OBJECT_COUNT: u32 = (TOOL_AREA_END - OBJECTS) / OBJECT_BYTES;
// Own per-thread words.
const OWN_TAG: u32 = T_TOOL;
const LOCKSET: u32 = T_TOOL + 8;
const SPIN: u32 = G_TOOL_WORDS;

const STACK_BITS: u64 = 0x1fffff;
const WRITE_BIT: u64 = 0x200000;
const MASK_SHIFT: u64 = 22;
const SLOT_SHIFT: u64 = 30;
const CLOCK_SHIFT: u64 = 40;

// @ts-expect-error: decorator
@inline
function clocksOf(slot: u32): u32 {
  return THREAD_CLOCKS + slot * CLOCKS * 4;
}

// @ts-expect-error: decorator
@inline
function slotOf(ts: u32): u32 {
  return load<u32>(ts + T_SLOT);
}

// Recomputes what the thread's cells start with: its clock and slot.
function retag(ts: u32): void {
  const slot = slotOf(ts);
  const clock = <u64>load<u32>(clocksOf(slot) + slot * 4);
  store<u64>(ts + OWN_TAG, (clock << CLOCK_SHIFT) | (<u64>slot << SLOT_SHIFT));
}

function lock(): void {
  while (atomic.cmpxchg<u32>(SPIN, 0, 1) != 0) {
    let spins = 0;
    while (atomic.load<u32>(SPIN) != 0) {
      if (++spins > 100) {
        atomic.wait<i32>(SPIN, 1, 20000);
        spins = 0;
      }
    }
  }
}

function unlock(): void {
  atomic.store<u32>(SPIN, 0);
}

// The object of a key, made when `make`; 0 when there is none or the table is full. Lock held.
function find(key: u64, make: bool): u32 {
  let i = <u32>((key * 0x9e3779b97f4a7c15) >> 40) % OBJECT_COUNT;
  for (let n: u32 = 0; n < OBJECT_COUNT; n++) {
    const at = OBJECTS + i * OBJECT_BYTES;
    const k = load<u64>(at);
    if (k == key) return at + 8;
    if (k == 0) {
      if (!make) return 0;
      store<u64>(at, key);
      return at + 8;
    }
    i++;
    if (i == OBJECT_COUNT) i = 0;
  }
  return 0;
}

function join(into: u32, from: u32): void {
  for (let i: u32 = 0; i < CLOCKS * 4; i += 4) {
    const v = load<u32>(from + i);
    if (v > load<u32>(into + i)) store<u32>(into + i, v);
  }
}

function tick(ts: u32): void {
  const slot = slotOf(ts);
  const at = clocksOf(slot) + slot * 4;
  store<u32>(at, load<u32>(at) + 1);
  retag(ts);
}

// The thread learns all that was released to the object.
export function hg_acquire(ts: u32, key: u64): void {
  lock();
  const o = find(key, false);
  if (o != 0) join(clocksOf(slotOf(ts)), o);
  unlock();
}

// All that the thread knows becomes known to who acquires the object later. strong: what the object knew before
// is forgotten.
export function hg_release(ts: u32, key: u64, strong: u32): void {
  lock();
  const o = find(key, true);
  if (o != 0) {
    if (strong) memory.copy(o, clocksOf(slotOf(ts)), CLOCKS * 4);
    else join(o, clocksOf(slotOf(ts)));
  }
  unlock();
  tick(ts);
}

// A thread begins: it knows what its creator knows (parent 0: the first thread). Clocks of a slot never go back.
export function hg_begin(ts: u32, parent: u32): void {
  const slot = slotOf(ts);
  const own = load<u32>(clocksOf(slot) + slot * 4);
  if (parent != 0) {
    memory.copy(clocksOf(slot), clocksOf(slotOf(parent)), CLOCKS * 4);
    tick(parent);
  }
  store<u32>(clocksOf(slot) + slot * 4, own + 1);
  retag(ts);
}

// @ts-expect-error: decorator
@inline
function covers(ts: u32, cell: u64): bool {
  const slot = <u32>(cell >> SLOT_SHIFT) & 0x3ff;
  return load<u32>(clocksOf(slotOf(ts)) + slot * 4) >= <u32>(cell >> CLOCK_SHIFT);
}

// @ts-expect-error: decorator
@inline
function shadow(host: u32): u32 {
  return load<u32>(G_FRAMES_END) + (((host & ~7) - FRAMES) << 2);
}

function slow(ts: u32, host: u32, mask: u64, write: u64, pc: u64, size: u32): void {
  const s = shadow(host);
  const tag = load<u64>(ts + OWN_TAG);
  let free: u32 = 0;
  let old: u32 = 0;
  let raced: u64 = 0;
  for (let i: u32 = 0; i < 32; i += 8) {
    const c = load<u64>(s + i);
    if (c == 0) {
      if (free == 0) free = s + i;
      continue;
    }
    const cm = (c >> MASK_SHIFT) & 255;
    const cw = c & WRITE_BIT;
    const mine = ((c ^ tag) >> SLOT_SHIFT & 0x3ff) == 0;
    if (mine) {
      // An equal or stronger access of this epoch: nothing new.
      if ((c >> CLOCK_SHIFT) == (tag >> CLOCK_SHIFT) && (mask & ~cm) == 0 && (cw != 0 || write == 0)) return;
      if ((cm & ~mask) == 0 && (write != 0 || cw == 0)) free = s + i;
      else if (old == 0) old = s + i;
      continue;
    }
    if (covers(ts, c)) {
      if ((cm & ~mask) == 0 && (write != 0 || cw == 0)) free = s + i;
      else if (old == 0) old = s + i;
    } else if ((cm & mask) != 0 && (cw | write) != 0) {
      raced = c;
    }
  }
  const locks = load<u32>(ts + LOCKSET);
  let stack = intern(context(ts), pc);
  if (locks != 0) stack = intern(stack, LOCKSET_PC | locks);
  if (free == 0) free = old;
  if (free == 0) free = s + ((<u32>pc >> 1) & 3) * 8;
  store<u64>(free, tag | (mask << MASK_SHIFT) | write | (<u64>stack & STACK_BITS));
  if (raced != 0) {
    store<u64>(ts + T_SCRATCH, raced);
    hg_race(ts, host, size, write != 0 ? 1 : 0, stack);
  }
}

// Pseudo program counters that carry a lock set number in a trace: below every mapped address.
const LOCKSET_PC: u64 = 0;

function access(ts: u32, host: u32, size: u32, pc: u64, write: u64): void {
  const off = host & 7;
  const first = size < 8 - off ? size : 8 - off;
  const mask = (((<u64>1) << first) - 1) << off;
  // The newest access of this thread is often in the first cell.
  const want = load<u64>(ts + OWN_TAG) | (mask << MASK_SHIFT) | write;
  if ((load<u64>(shadow(host)) & ~STACK_BITS) != want) slow(ts, host, mask, write, pc, size);
  if (first < size) {
    slow(ts, host + first, ((<u64>1) << (size - first)) - 1, write, pc, size);
  }
}

export function hg_read(ts: u32, host: u32, size: u32, pc: u64): void {
  access(ts, host, size, pc, 0);
}

export function hg_write(ts: u32, host: u32, size: u32, pc: u64): void {
  access(ts, host, size, pc, WRITE_BIT);
}

// An atomic operation on host memory: bits 1 acquire, 2 release.
export function hg_atomic(ts: u32, host: u32, how: u32): void {
  const key = (<u64>1 << 62) | <u64>host;
  if (how & 1) hg_acquire(ts, key);
  if (how & 2) hg_release(ts, key, 0);
}

// Memory starts a new life: nobody has accessed it.
export function hg_fresh(host: u32, size: u32): void {
  const from = shadow(host + 7);
  const to = shadow(host + size);
  if (to > from) memory.fill(from, 0, to - from);
}
