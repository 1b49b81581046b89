/** Threads: clone, exit, tid words, robust lists, barriers between threads. */

import { GuestFault } from '../core/guest-mem.js';
import {
  ACCESS_WRITE,
  G_MULTI,
  T_BARRIER,
  T_CLEAR_TID,
  T_F,
  T_FCSR,
  T_MULTI,
  T_PARENT,
  T_PC,
  T_ROBUST,
  T_SLOT,
  T_SP_START,
  T_TID,
  T_X,
} from '../core/layout.js';
import * as abi from './abi.js';
import { EAGAIN, EINVAL, ENOSYS, ESRCH } from './errno.js';
import { LEAVE, SysError } from './error.js';
import { MATCH_ANY } from './futex.js';
import type { LinuxKernel } from './kernel.js';
import { L_NAME, L_SIGMASK } from './process.js';
import type { Handlers } from './table.js';
import { probe } from './user.js';

interface CloneArgs {
  readonly flags: number;
  /** New stack pointer. */
  readonly stack: number;
  readonly parentTid: number;
  readonly childTid: number;
  readonly tls: number;
}

/** Set of a thread's flags that have no meaning for threads, or mean namespaces and processes. */
const ALLOWED =
  abi.CLONE_THREAD_FLAGS |
  abi.CLONE_SYSVSEM |
  abi.CLONE_SETTLS |
  abi.CLONE_PARENT_SETTID |
  abi.CLONE_CHILD_CLEARTID |
  abi.CLONE_DETACHED |
  abi.CLONE_CHILD_SETTID;

function clone(k: LinuxKernel, args: CloneArgs): number {
  const { machine, mem, env } = k;
  const flags = args.flags;
  if (flags >= 2 ** 32 || flags < 0) return -EINVAL;
  if ((flags & abi.CLONE_THREAD) !== 0 && (flags & abi.CLONE_SIGHAND) === 0) return -EINVAL;
  if ((flags & abi.CLONE_SIGHAND) !== 0 && (flags & abi.CLONE_VM) === 0) return -EINVAL;
  // fork, vfork and posix_spawn: another process.
  if ((flags & abi.CLONE_THREAD) === 0) return -ENOSYS;
  if ((flags & abi.CLONE_THREAD_FLAGS) !== abi.CLONE_THREAD_FLAGS) return -ENOSYS;
  if ((flags & ~ALLOWED & ~0xff) !== 0) return -EINVAL;
  if (args.stack % 16 !== 0) return -EINVAL;
  if (flags & abi.CLONE_PARENT_SETTID) probe(mem, args.parentTid, 4);
  if (flags & abi.CLONE_CHILD_SETTID) probe(mem, args.childTid, 4);

  const child = env.threads.allocThread();
  if (child === 0) return -EAGAIN;
  const { i32, u8, f64 } = machine;
  const tid = i32[(child + T_TID) >> 2];
  try {
    if (flags & abi.CLONE_PARENT_SETTID) mem.writeU32(args.parentTid, tid);
    if (flags & abi.CLONE_CHILD_SETTID) mem.writeU32(args.childTid, tid);
  } catch (error) {
    env.threads.freeThread(child);
    throw error;
  }
  u8.copyWithin(child + T_X, k.ts + T_X, k.ts + T_X + 256);
  u8.copyWithin(child + T_F, k.ts + T_F, k.ts + T_F + 256);
  u8.copyWithin(child + L_NAME, k.ts + L_NAME, k.ts + L_NAME + 16);
  k.signals.forget(child);
  u8.copyWithin(child + L_SIGMASK, k.ts + L_SIGMASK, k.ts + L_SIGMASK + 8);
  i32[(child + T_FCSR) >> 2] = i32[(k.ts + T_FCSR) >> 2];
  k.setX(child, 10, 0);
  if (args.stack !== 0) k.setX(child, 2, args.stack);
  if (flags & abi.CLONE_SETTLS) k.setX(child, 4, args.tls);
  const next = pc(k) + 4;
  writeI64(k, child + T_PC, next);
  writeI64(k, child + T_CLEAR_TID, flags & abi.CLONE_CHILD_CLEARTID ? args.childTid : 0);
  writeI64(k, child + T_ROBUST, 0);
  writeI64(k, child + T_SP_START, k.x(child, 2));
  i32[(child + T_PARENT) >> 2] = i32[(k.ts + T_SLOT) >> 2];
  // From now on stores test for reservations: code that was translated for one thread alone has to go.
  const first = Atomics.exchange(i32, G_MULTI >> 2, 1) === 0;
  i32[(child + T_MULTI) >> 2] = 1;
  if (first || i32[(k.ts + T_MULTI) >> 2] === 0) {
    i32[(k.ts + T_MULTI) >> 2] = 1;
    writeI64(k, k.ts + T_PC, next);
    k.restart = true;
  }
  if (first) env.threads.goParallel();
  f64[(child + T_BARRIER) >> 3] = 0;
  env.threads.spawn(child);
  return tid;
}

function pc(k: LinuxKernel): number {
  const { u32 } = k.machine;
  return u32[(k.ts + T_PC + 4) >> 2] * 4294967296 + u32[(k.ts + T_PC) >> 2];
}

function writeI64(k: LinuxKernel, at: number, value: number): void {
  k.machine.i32[at >> 2] = value | 0;
  k.machine.i32[(at >> 2) + 1] = Math.floor(value / 4294967296) | 0;
}

function readI64(k: LinuxKernel, at: number): number {
  return k.machine.i32[(at >> 2) + 1] * 4294967296 + k.machine.u32[at >> 2];
}

/** Runs something that a bad pointer of the guest's may end early, as the kernel does when a thread ends. */
function forgiving(fn: () => void): void {
  try {
    fn();
  } catch (error) {
    if (!(error instanceof GuestFault) && !(error instanceof SysError)) throw error;
  }
}

/**
 * struct robust_list_head (linux/futex.h): first entry, offset of the lock word from an entry, pending entry.
 * Bit 0 of an entry's address marks a PI lock.
 */
function walkRobustList(k: LinuxKernel): void {
  const head = readI64(k, k.ts + T_ROBUST);
  if (head === 0) return;
  forgiving(() => {
    const { mem, futex, ts } = k;
    const offset = mem.readI64(head + 8);
    const pending = mem.readI64(head + 16);
    const plain = (entry: number) => entry - (entry % 2);
    let entry = mem.readI64(head);
    for (let n = 0; plain(entry) !== head && n < abi.ROBUST_LIST_LIMIT; n++) {
      // The entry may be reused as soon as its lock is free.
      const next = mem.readI64(plain(entry));
      if (plain(entry) !== plain(pending)) futex.ownerDied(ts, plain(entry) + offset, entry % 2 === 1, false);
      entry = next;
    }
    if (plain(pending) !== 0) futex.ownerDied(ts, plain(pending) + offset, pending % 2 === 1, true);
  });
}

/**
 * What the end of a thread leaves in guest memory: robust locks given up, the tid word cleared and its waiter
 * woken. Also for threads that end because the process does not, but that leave by another way than exit(2).
 */
export function leaveGuest(k: LinuxKernel): void {
  walkRobustList(k);
  const { ts, mem, futex } = k;
  const clear = readI64(k, ts + T_CLEAR_TID);
  if (clear === 0) return;
  writeI64(k, ts + T_CLEAR_TID, 0);
  forgiving(() => {
    // The joiner may reuse the memory as soon as it reads 0: nothing is touched afterwards, only woken.
    if (clear % 4 !== 0) return;
    mem.pieces(clear, 4, ACCESS_WRITE, (host) => Atomics.store(k.machine.i32, host >>> 2, 0));
    futex.wake(ts, clear, true, 1, MATCH_ANY);
  });
}

const EXPEDITED = 1 | 2 | 4 | 8 | 16 | 32 | 64;

export const THREAD_CALLS: Handlers = {
  clone: (k, flags, stack, parentTid, tls, childTid) => clone(k, { flags, stack, parentTid, childTid, tls }),

  /** struct clone_args (linux/sched.h). */
  clone3(k, addr, size) {
    if (size < 64) return -EINVAL;
    const word = (i: number) => k.mem.readI64(addr + i * 8);
    const flags = word(0);
    const stack = word(5);
    const stackSize = word(6);
    if ((stack === 0) !== (stackSize === 0) || stackSize < 0 || word(4) > 64) return -EINVAL;
    if (size >= 80 && word(9) !== 0) return -EINVAL;
    return clone(k, { flags, stack: stack + stackSize, parentTid: word(3), childTid: word(2), tls: word(7) });
  },

  exit(k, code) {
    leaveGuest(k);
    k.signals.forget(k.ts);
    k.env.threads.exitThread(k.ts, code & 0xff);
    return LEAVE;
  },

  exit_group(k, code) {
    k.env.threads.exitProcess(code & 0xff);
    return LEAVE;
  },

  set_tid_address(k, addr) {
    writeI64(k, k.ts + T_CLEAR_TID, addr);
    return k.tid;
  },

  set_robust_list(k, head, size) {
    if (size !== 24) return -EINVAL;
    writeI64(k, k.ts + T_ROBUST, head);
    return 0;
  },

  get_robust_list(k, tid, head, size) {
    const { i32 } = k.machine;
    const ts = tid === 0 ? k.ts : k.env.threads.live().find((t) => i32[(t + T_TID) >> 2] === tid);
    if (ts === undefined) return -ESRCH;
    k.mem.writeU64(head, readI64(k, ts + T_ROBUST));
    k.mem.writeU64(size, 24);
    return 0;
  },

  sched_yield(k) {
    k.env.threads.yieldTurn(k.ts);
    return 0;
  },

  membarrier(k, command, flags) {
    if (flags !== 0) return -EINVAL;
    if (command === 0) return EXPEDITED;
    if ((command & EXPEDITED) !== command || (command & (command - 1)) !== 0) return -EINVAL;
    // Threads run on host threads whose loads and stores are ordered by what follows in their own code; the caller's
    // side is what this call has to supply. SYNC_CORE also wants fresh code.
    Atomics.add(k.machine.i32, (k.ts + T_BARRIER) >> 2, 0);
    if (command & 0x60) k.env.flushIcache(0, 2 ** 47);
    return 0;
  },
};
