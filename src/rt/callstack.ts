// Shadow call stacks and interned stack traces. Entry of T_CALLS: {return address i64, sp low word, node}. Nodes
// form a tree of calling contexts in a lock-free hash table of i64 keys, (pc << 22 | parent << 1 | 1); a node's
// number is its place in the table. Nodes are never removed, so a number stays good for the whole run. The first word
// of the table, where no node lies, counts them.
import { CALLS_MAX, T_CALL_TOP, T_CALLS, T_TASK, TASK_FRAME, TOOL_AREA } from '../../kernel/core/layout';

export const NODES: u32 = TOOL_AREA;
export const NODE_COUNT: u32 = 1 << 21;
// Numbers below mean something else to whoever stores them.
const FIRST_NODE: u32 = 16;

// Number of the node for pc under parent; 0 when the table is full.
export function intern(parent: u32, pc: u64): u32 {
  return node(parent, pc, NODE_COUNT);
}

// The same; a node that is not there yet is made only while there are fewer than `most`, else the answer is 0.
function node(parent: u32, pc: u64, most: u32): u32 {
  const key = (pc << 22) | (<u64>parent << 1) | 1;
  let i = <u32>((key * 0x9e3779b97f4a7c15) >> 43);
  for (let n = 0; n < 64; n++) {
    if (i >= FIRST_NODE) {
      const at = NODES + (i << 3);
      let k = atomic.load<u64>(at);
      if (k == 0) {
        if (atomic.load<u32>(NODES) >= most) return 0;
        k = atomic.cmpxchg<u64>(at, 0, key);
        if (k == 0) atomic.add<u32>(NODES, 1);
      }
      if (k == 0 || k == key) return i;
    }
    i = (i + 1) & (NODE_COUNT - 1);
  }
  return 0;
}

// Node below all frames of a thread: a frame that names its task, where that is not the first one.
function bottom(ts: u32, most: u32): u32 {
  const task = load<u32>(ts + T_TASK);
  return task == 0 ? 0 : node(0, <u64>TASK_FRAME + task, most);
}

// @ts-expect-error: decorator
@inline
function entry(ts: u32, i: u32): u32 {
  return ts + T_CALLS + (i << 4);
}

// Drops entries of frames that the stack pointer has passed: returns that went another way (longjmp, unwinding).
// @ts-expect-error: decorator
@inline
function settle(ts: u32, top: u32, sp: u32): u32 {
  while (top > 0 && top <= <u32>CALLS_MAX && load<u32>(entry(ts, top - 1) + 8) < sp) top--;
  return top;
}

export function cs_push(ts: u32, ret: u64, sp: u64): void {
  let top = settle(ts, load<u32>(ts + T_CALL_TOP), <u32>sp);
  if (top < <u32>CALLS_MAX) {
    const e = entry(ts, top);
    store<u64>(e, ret);
    store<u32>(e + 8, <u32>sp);
    store<u32>(e + 12, 0);
  }
  store<u32>(ts + T_CALL_TOP, top + 1);
}

export function cs_pop(ts: u32, target: u64, sp: u64): void {
  let top = settle(ts, load<u32>(ts + T_CALL_TOP), <u32>sp);
  if (top > <u32>CALLS_MAX) top--;
  else if (top > 0 && load<u64>(entry(ts, top - 1)) == target) top--;
  store<u32>(ts + T_CALL_TOP, top);
}

// Node of the current calling context, made on demand for as many frames as are new.
export function context(ts: u32): u32 {
  return contextWithin(ts, NODE_COUNT);
}

function contextWithin(ts: u32, most: u32): u32 {
  let top = load<u32>(ts + T_CALL_TOP);
  if (top > <u32>CALLS_MAX) top = <u32>CALLS_MAX;
  let known = top;
  while (known > 0 && load<u32>(entry(ts, known - 1) + 12) == 0) known--;
  let n = known > 0 ? load<u32>(entry(ts, known - 1) + 12) : bottom(ts, most);
  for (let i = known; i < top; i++) {
    const e = entry(ts, i);
    // One less than the return address lies in the call.
    n = node(n, load<u64>(e) - 1, most);
    if (n == 0) return 0;
    store<u32>(e + 12, n);
  }
  return n;
}

// Node of the stack trace with pc on top.
export function trace(ts: u32, pc: u64): u32 {
  return intern(context(ts), pc);
}

// The same, 0 when it has frames that are not known yet and there are `most` already.
export function traceWithin(ts: u32, pc: u64, most: u32): u32 {
  const caller = contextWithin(ts, most);
  if (caller == 0 && (load<u32>(ts + T_CALL_TOP) | load<u32>(ts + T_TASK)) != 0) return 0;
  return node(caller, pc, most);
}
