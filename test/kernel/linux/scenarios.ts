/** What a worker does in the futex and pipe tests, by name. Each returns a number for the test to look at. */
import type { Rig } from './rig.js';

export const NR = { read: 63, write: 64, futex: 98, clone: 220, exit: 93 } as const;
export const PRIVATE = 128;

/** Guest addresses that the tests agree on, all in one page. */
export const WORD = 0x10000;
export const WORD2 = 0x10100;
export const READY = 0x10200;
export const COUNT = 0x10300;
export const TIME = 0x10400;
export const BUFFER = 0x11000;

/** Adds to a guest word atomically; the value before. */
export function add(rig: Rig, addr: number, n: number): number {
  return Atomics.add(rig.machine.i32, rig.kernel.mem.hostWord(addr, true) >>> 2, n);
}

export function load(rig: Rig, addr: number): number {
  return Atomics.load(rig.machine.i32, rig.kernel.mem.hostWord(addr, true) >>> 2);
}

function compareExchange(rig: Rig, addr: number, was: number, will: number): number {
  return Atomics.compareExchange(rig.machine.i32, rig.kernel.mem.hostWord(addr, true) >>> 2, was, will);
}

function exchange(rig: Rig, addr: number, value: number): number {
  return Atomics.exchange(rig.machine.i32, rig.kernel.mem.hostWord(addr, true) >>> 2, value);
}

/** The three-state mutex that C libraries build: 0 free, 1 held, 2 held and waited for. */
function lock(rig: Rig, addr: number): void {
  if (compareExchange(rig, addr, 0, 1) === 0) return;
  while (exchange(rig, addr, 2) !== 0) rig.call(NR.futex, addr, 0 | PRIVATE, 2, 0);
}

function unlock(rig: Rig, addr: number): void {
  if (exchange(rig, addr, 0) === 2) rig.call(NR.futex, addr, 1 | PRIVATE, 1);
}

export const scenarios: Readonly<Record<string, (rig: Rig, n: number) => number | 'leaves'>> = {
  /** One FUTEX_WAIT on WORD while it is 0. */
  wait(rig) {
    add(rig, READY, 1);
    return rig.call(NR.futex, WORD, 0 | PRIVATE, 0, 0);
  },

  /** FUTEX_WAIT_BITSET on WORD with bit n. */
  bitset(rig, n) {
    add(rig, READY, 1);
    return rig.call(NR.futex, WORD, 9 | PRIVATE, 0, 0, 0, 1 << n);
  },

  /** n times: take a futex mutex and count up what it protects, not atomically. */
  mutex(rig, n) {
    for (let i = 0; i < n; i++) {
      lock(rig, WORD);
      rig.kernel.mem.writeU32(COUNT, rig.kernel.mem.readU32(COUNT) + 1);
      unlock(rig, WORD);
    }
    return 0;
  },

  /** n times under a priority-inheritance lock. */
  pi(rig, n) {
    const tid = rig.kernel.tid;
    for (let i = 0; i < n; i++) {
      if (compareExchange(rig, WORD, 0, tid) !== 0) {
        const got = rig.call(NR.futex, WORD, 6 | PRIVATE, 0, 0);
        if (got !== 0) return got;
      }
      rig.kernel.mem.writeU32(COUNT, rig.kernel.mem.readU32(COUNT) + 1);
      if (compareExchange(rig, WORD, tid, 0) !== tid) {
        const gave = rig.call(NR.futex, WORD, 7 | PRIVATE);
        if (gave !== 0) return gave;
      }
    }
    return 0;
  },

  /** Writes n bytes to descriptor 4 in odd pieces; the sum of what the calls returned. */
  fill(rig, n) {
    let done = 0;
    for (let size = 1; done < n; size = (size * 7 + 3) % 5000) {
      const part = Math.min(size + 1, n - done);
      const bytes = new Uint8Array(part).map((_, i) => (done + i) % 251);
      rig.kernel.mem.copyOut(BUFFER, bytes);
      const put = rig.call(NR.write, 4, BUFFER, part);
      if (put === 'leaves' || put < 0) return put;
      done += put;
    }
    return done;
  },

  /** A read of descriptor 3 that only an exit of the process can end. */
  blockedRead(rig) {
    add(rig, READY, 1);
    return rig.call(NR.read, 3, BUFFER, 1);
  },
};
