// --audit-atomicity: notices when another thread's access comes between an access of a block and the block's end, and
// one of the two writes. See kernel/core/audit.ts for the structures, src/jit/audit.ts for who calls this.
import { G_AUDIT_AREA, T_SLOT } from '../../kernel/core/layout';
import {
  AUDIT_BLOCKS,
  AUDIT_COUNTS,
  AUDIT_LOG,
  AUDIT_LOG_MAX,
  AUDIT_LOGS,
} from '../../kernel/core/audit';
import { OWN_LINES } from '../../kernel/core/ownership';

// @ts-expect-error: decorator
@inline
function logOf(ts: u32): u32 {
  return load<u32>(G_AUDIT_AREA) + AUDIT_LOGS + load<u32>(ts + T_SLOT) * AUDIT_LOG;
}

// @ts-expect-error: decorator
@inline
function markOf(h: u32): u32 {
  const line = ((h >> 6) ^ (h >> 17)) & (OWN_LINES - 1);
  return load<u32>(G_AUDIT_AREA) + (((line << 3) | ((h >> 3) & 7)) << 3);
}

// At the start of a block, or where one goes on behind a fault.
export function audit_begin(ts: u32): void {
  const log = logOf(ts);
  if (load<u32>(log + 12) != 0) store<u32>(log + 12, 0);
  else store<u64>(log, 0);
}

// A fault in the middle of a block has been resolved: what runs next is the rest of the block.
export function audit_carry(ts: u32): void {
  if (load<u32>(G_AUDIT_AREA) != 0) store<u32>(logOf(ts) + 12, 1);
}

// The block's entry for a mark, 0 for none.
function entryOf(log: u32, mark: u32): u32 {
  const end = log + 16 + (load<u32>(log) << 4);
  for (let e = log + 16; e < end; e += 16) if (load<u32>(e) == mark) return e;
  return 0;
}

function touch(ts: u32, log: u32, mark: u32, write: bool): void {
  const me = load<u32>(ts + T_SLOT) + 1;
  let e = entryOf(log, mark);
  if (e == 0) {
    const n = load<u32>(log);
    if (n == AUDIT_LOG_MAX) return;
    store<u32>(log, n + 1);
    e = log + 16 + (n << 4);
    store<u32>(e, mark);
    store<u32>(e + 8, 0);
  } else if (atomic.load<u32>(mark) != load<u32>(e + 4)) store<u32>(log + 4, 1);
  if (!write) {
    if (load<u32>(e + 8) == 0) {
      atomic.store<u32>(mark + 4, me);
      store<u32>(e + 4, atomic.load<u32>(mark));
    }
    return;
  }
  const writes = load<u32>(log + 8) + 1;
  store<u32>(log + 8, writes);
  const writer = (me << 22) | (writes & 0x3fffff);
  atomic.store<u32>(mark + 4, 0);
  atomic.store<u32>(mark, writer);
  store<u32>(e + 4, writer);
  store<u32>(e + 8, 1);
}

// Before an access of `p & 255` bytes at host address h, a write if bit 8 of p is set.
export function audit_access(ts: u32, h: u32, p: u32): void {
  const log = logOf(ts);
  const first = markOf(h);
  const last = markOf(h + (p & 255) - 1);
  touch(ts, log, first, (p & 256) != 0);
  if (last != first) touch(ts, log, last, (p & 256) != 0);
}

// At the end of the block at pc.
export function audit_end(ts: u32, pc: u64): void {
  const log = logOf(ts);
  let broken = load<u32>(log + 4) != 0;
  const end = log + 16 + (load<u32>(log) << 4);
  for (let e = log + 16; e < end && !broken; e += 16) {
    const mark = load<u32>(e);
    broken = atomic.load<u32>(mark) != load<u32>(e + 4) || (load<u32>(e + 8) != 0 && atomic.load<u32>(mark + 4) != 0);
  }
  store<u64>(log, 0);
  if (broken) count(pc);
}

function count(pc: u64): void {
  const counts = load<u32>(G_AUDIT_AREA) + AUDIT_COUNTS;
  atomic.add<u32>(counts, 1);
  let i = (<u32>(pc >> 1) * 0x9e3779b1) >> 22;
  for (let n = 0; n < AUDIT_BLOCKS; n++, i = (i + 1) & (AUDIT_BLOCKS - 1)) {
    const e = counts + 16 + (i << 4);
    const there = atomic.cmpxchg<u64>(e, 0, pc);
    if (there != 0 && there != pc) continue;
    atomic.add<u32>(e + 8, 1);
    return;
  }
}
