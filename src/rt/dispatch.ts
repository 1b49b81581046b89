// From guest pc to translated code: jump cache, code map, and the loop that runs regions.
import {
  CODEMAP,
  CODEMAP_ENTRIES,
  JC_ENTRIES,
  T_JC,
  T_LIMIT,
  T_PC,
  T_SCRATCH,
  T_TASK,
  T_UNWIND,
  UNWIND_DEPTH,
} from '../../kernel/core/layout';
import { hot, interpret, warm } from './interpret';
import { own_poll } from './own';

// Translates the code at the pc in T_SCRATCH, or loads it into this worker's table; returns its table slot.
// When nothing executable is there the fault has been raised and slot 0 comes back.
@external('env', 'js_code')
declare function js_code(ts: u32): i32;
// The thread was asked to stop at a safepoint; T_PC is the pc to go on at, before and after.
@external('env', 'js_poll')
declare function js_poll(ts: u32): void;

// Entries of this worker's function table: slots beyond were handed out by others and are not ours yet.
let tableSize: i32 = 0;

export function set_table_size(n: i32): void {
  tableSize = n;
}

// Slot of the code at pc when it is translated and within this worker's table, else 0.
// @ts-expect-error: decorator
@inline
function known(ts: u32, pc: u64): i32 {
  const j = ts + T_JC + (((<u32>(pc >> 1)) & (JC_ENTRIES - 1)) << 4);
  if (load<u64>(j) == pc) return load<i32>(j + 8);
  const slot = search(load<u32>(ts + T_TASK), pc);
  if (slot <= 0 || slot >= tableSize) return 0;
  store<u64>(j, pc);
  store<i32>(j + 8, slot);
  return slot;
}

// Slot of a pc in the code map, -1 when there is none.
export function search(task: u32, pc: u64): i32 {
  let i = hashPc(task, pc);
  while (true) {
    const e = CODEMAP + (i << 4);
    const p = atomic.load<u64>(e);
    if (p == 0) return -1;
    if (p == pc && load<u32>(e + 12) == task) return atomic.load<i32>(e + 8);
    i = (i + 1) & (CODEMAP_ENTRIES - 1);
  }
}

// @ts-expect-error: decorator
@inline
function hashPc(task: u32, pc: u64): u32 {
  const x = <u32>(pc >> 1) ^ <u32>(pc >> 33) ^ (task * 0x9e3779b1);
  return (x * 0x9e3779b1) >> 14;
}

// Adds a pc to the code map. Called under the translation lock.
export function publish(task: u32, pc: u64, slot: i32): void {
  let i = hashPc(task, pc);
  while (true) {
    const e = CODEMAP + (i << 4);
    const p = load<u64>(e);
    if (p == 0 || (p == pc && load<u32>(e + 12) == task)) {
      store<u32>(e + 12, task);
      atomic.store<i32>(e + 8, slot);
      atomic.store<u64>(e, pc);
      return;
    }
    i = (i + 1) & (CODEMAP_ENTRIES - 1);
  }
}

// Slot of the code at pc, which is translated or loaded first; 0 when it cannot be run.
function code(ts: u32, pc: u64): i32 {
  store<u64>(ts + T_SCRATCH, pc);
  return js_code(ts);
}

// Runs from pc until control reaches ret or the thread unwinds; returns the pc reached.
export function resume(ts: u32, depth: u32, pc: u64, ret: u64): u64 {
  while (true) {
    if (load<i32>(ts + T_UNWIND) != 0) return pc;
    const limit = atomic.load<u32>(ts + T_LIMIT);
    if (depth >= limit) {
      store<u64>(ts + T_PC, pc);
      if (limit != 0) {
        store<i32>(ts + T_UNWIND, UNWIND_DEPTH);
        return pc;
      }
      if (own_poll(ts)) continue;
      js_poll(ts);
      pc = load<u64>(ts + T_PC);
      continue;
    }
    let slot = known(ts, pc);
    if (slot == 0 && !warm(pc)) pc = interpret(ts, depth, pc, ret);
    else {
      if (slot == 0) slot = code(ts, pc);
      pc = call_indirect<u64>(slot, ts, depth, pc);
    }
    if (pc == ret) return pc;
  }
}

// A guest call that leaves its module.
export function enter(ts: u32, depth: u32, pc: u64): u64 {
  // The thread is giving up its frames: the dispatcher above takes over.
  if (load<i32>(ts + T_UNWIND) != 0) return pc;
  let slot = known(ts, pc);
  if (slot == 0) {
    // Cold: the caller finds that this is not its return address and has the dispatcher run it.
    if (!hot(pc)) return pc;
    slot = code(ts, pc);
  }
  return call_indirect<u64>(slot, ts, depth, pc);
}

// Top of a thread: runs from T_PC until the thread unwinds, and leaves the pc reached in T_PC.
export function run(ts: u32): void {
  store<u64>(ts + T_PC, resume(ts, 1, load<u64>(ts + T_PC), ~(<u64>0)));
}

// Runs the one region in `slot` from T_PC.
export function step(ts: u32, slot: i32): void {
  store<u64>(ts + T_PC, call_indirect<u64>(slot, ts, <u32>1, load<u64>(ts + T_PC)));
}

// What every table slot holds until its code is there.
export function stub(ts: u32, depth: u32, pc: u64): u64 {
  return call_indirect<u64>(code(ts, pc), ts, depth, pc);
}

// Slot 0: the pc could not be executed; the kernel has decided where to go on.
export function bail(ts: u32, depth: u32, pc: u64): u64 {
  return load<u64>(ts + T_PC);
}
