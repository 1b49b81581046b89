/** Identity, limits, usage, and what the machine is. */
import crypto from 'node:crypto';
import os from 'node:os';
import { G_LIVE_THREADS, T_SLOT, T_TID } from '../core/layout.js';
import * as abi from './abi.js';
import { EINVAL, EPERM, ESRCH } from './errno.js';
import type { LinuxKernel } from './kernel.js';
import { L_NAME, P_PID, P_PPID } from './process.js';
import type { Handlers } from './table.js';
import { processCpu, type TimeSpec } from './time.js';

const UNLIMITED = -1;
/** Soft and hard limits by RLIMIT_* number (asm-generic/resource.h). */
const LIMITS: readonly (readonly [number, number])[] = Array.from({ length: 16 }, (_, i) => {
  if (i === 3) return [abi.STACK_LIMIT, UNLIMITED];
  if (i === 4) return [0, UNLIMITED];
  if (i === 7) return [abi.OPEN_MAX, abi.OPEN_MAX];
  if (i === 8) return [65536, 65536];
  if (i === 13 || i === 14) return [0, 0];
  return [UNLIMITED, UNLIMITED];
});

/** Host memory that a scheduled guest is told of, in bytes. */
export const FIXED_MEMORY = 8 * 2 ** 30;

const fixedUsage = ([sec, nsec]: TimeSpec) => ({
  userCPUTime: sec * 1e6 + nsec / 1e3,
  systemCPUTime: 0,
  maxRSS: 0,
  minorPageFault: 0,
  majorPageFault: 0,
});

const pid = (k: LinuxKernel) => k.machine.i32[P_PID >> 2];
const uid = () => process.getuid?.() ?? 0;
const gid = () => process.getgid?.() ?? 0;

function threadKnown(k: LinuxKernel, tid: number): boolean {
  if (tid === 0 || tid === k.tid || tid === pid(k)) return true;
  return k.env.threads.live().some((ts) => k.machine.i32[(ts + T_TID) >> 2] === tid);
}

/** Runs `fn` for a known thread id, ESRCH or EINVAL otherwise. */
function forThread(k: LinuxKernel, tid: number, fn: () => number): number {
  if (tid < 0) return -EINVAL;
  return threadKnown(k, tid) ? fn() : -ESRCH;
}

function threeIds(k: LinuxKernel, id: number, addrs: readonly number[]): number {
  for (const addr of addrs) k.mem.writeU32(addr, id);
  return 0;
}

function readLimit(k: LinuxKernel, resource: number, addr: number): number {
  const limit = LIMITS[resource];
  if (limit === undefined) return -EINVAL;
  k.mem.writeU64(addr, limit[0]);
  k.mem.writeU64(addr + 8, limit[1]);
  return 0;
}

function checkLimit(k: LinuxKernel, resource: number, addr: number): number {
  const limit = LIMITS[resource];
  if (limit === undefined) return -EINVAL;
  const amount = (at: number) => {
    const value = k.mem.readI64(at);
    return value < 0 ? Infinity : value;
  };
  const soft = amount(addr);
  const hard = amount(addr + 8);
  if (soft > hard) return -EINVAL;
  return hard > (limit[1] < 0 ? Infinity : limit[1]) ? -EPERM : 0;
}

/** CPUs as a bit set of `size` bytes. */
function allCpus(k: LinuxKernel, size: number): Uint8Array {
  const set = new Uint8Array(size);
  for (let cpu = 0; cpu < k.env.config.cpus && cpu < size * 8; cpu++) set[cpu >> 3]! |= 1 << (cpu & 7);
  return set;
}

function text(fields: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(65 * 6);
  fields.forEach((field, i) => {
    bytes.set(Buffer.from(field).subarray(0, 64), i * 65);
  });
  return bytes;
}

/** riscv_hwprobe keys (asm/hwprobe.h): base behaviour IMA; F and D, C, Zba, Zbb, Zbs; misaligned accesses are fast. */
const PROBE: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 0, 3: 1, 4: 1 | 2 | 8 | 16 | 32, 5: 3 };

/** Up to 15 bytes of the string at `addr`: a longer name is cut, not refused. */
function shortName(k: LinuxKernel, addr: number): Uint8Array {
  for (let n = 0; n < 15; n++) if (k.mem.readU8(addr + n) === 0) return k.mem.copyIn(addr, n);
  return k.mem.copyIn(addr, 15);
}

function priorityRange(policy: number, real: number): number {
  if (policy === 1 || policy === 2) return real;
  return policy === 0 || policy === 3 || policy === 5 || policy === 6 ? 0 : -EINVAL;
}

export const INFO_CALLS: Handlers = {
  getpid: (k) => pid(k),
  getppid: (k) => k.machine.i32[P_PPID >> 2],
  gettid: (k) => k.tid,
  getuid: uid,
  geteuid: uid,
  getgid: gid,
  getegid: gid,
  getresuid: (k, a, b, c) => threeIds(k, uid(), [a, b, c]),
  getresgid: (k, a, b, c) => threeIds(k, gid(), [a, b, c]),
  setuid: (_k, id) => (id === uid() ? 0 : -EPERM),
  setgid: (_k, id) => (id === gid() ? 0 : -EPERM),
  getpgid: (k, id) => (id === 0 || id === pid(k) ? pid(k) : -ESRCH),
  getsid: (k, id) => (id === 0 || id === pid(k) ? pid(k) : -ESRCH),
  setpgid: (k, id, group) => {
    if (group < 0) return -EINVAL;
    if (id !== 0 && id !== pid(k)) return -ESRCH;
    return group === 0 || group === pid(k) ? 0 : -EPERM;
  },

  getgroups(k, size, addr) {
    const groups = process.getgroups?.() ?? [gid()];
    if (size === 0) return groups.length;
    if (size < groups.length) return -EINVAL;
    groups.forEach((group, i) => {
      k.mem.writeU32(addr + i * 4, group);
    });
    return groups.length;
  },

  uname(k, addr) {
    const host = k.env.scheduled ? 'capgrind' : os.hostname();
    k.mem.copyOut(addr, text(['Linux', host, '6.1.0-capgrind', '#1 SMP', 'riscv64', '(none)']));
    return 0;
  },

  sysinfo(k, addr) {
    const bytes = new Uint8Array(112);
    const v = new DataView(bytes.buffer);
    const put = (at: number, value: number) => v.setBigUint64(at, BigInt(Math.floor(value)), true);
    const fixed = k.env.scheduled;
    put(0, fixed ? fixed.now() / 1e9 : os.uptime());
    (fixed ? [0, 0, 0] : os.loadavg()).forEach((load, i) => {
      put(8 + i * 8, load * 65536);
    });
    put(32, fixed ? FIXED_MEMORY : os.totalmem());
    put(40, fixed ? FIXED_MEMORY / 2 : os.freemem());
    v.setUint16(80, Atomics.load(k.machine.i32, G_LIVE_THREADS >> 2), true);
    v.setUint32(104, 1, true);
    k.mem.copyOut(addr, bytes);
    return 0;
  },

  getrandom(k, addr, size, flags) {
    if (flags & ~7) return -EINVAL;
    const total = size < 0 ? 0x1ffffff : Math.min(size, 0x1ffffff);
    for (let done = 0; done < total; ) {
      const part = k.bounce.subarray(0, Math.min(k.bounce.length, total - done));
      if (k.env.scheduled) k.env.scheduled.random(part);
      else crypto.randomFillSync(part);
      k.mem.copyOut(addr + done, part);
      done += part.length;
    }
    return total;
  },

  getcpu(k, cpu, node) {
    if (cpu !== 0) k.mem.writeU32(cpu, k.machine.i32[(k.ts + T_SLOT) >> 2] % k.env.config.cpus);
    if (node !== 0) k.mem.writeU32(node, 0);
    return 0;
  },

  sched_getaffinity(k, tid, size, addr) {
    return forThread(k, tid, () => {
      if (size < 0 || size % 8 !== 0 || size * 8 < k.env.config.cpus) return -EINVAL;
      const bytes = Math.min(size, Math.ceil(k.env.config.cpus / 64) * 8);
      k.mem.copyOut(addr, allCpus(k, bytes));
      return bytes;
    });
  },

  sched_setaffinity(k, tid, size, addr) {
    return forThread(k, tid, () => {
      const wanted = new Uint8Array(Math.min(Math.max(size, 0), 128));
      k.mem.readInto(addr, wanted);
      const there = allCpus(k, wanted.length);
      return wanted.some((bits, i) => (bits & there[i]!) !== 0) ? 0 : -EINVAL;
    });
  },

  sched_getscheduler: (k, tid) => forThread(k, tid, () => 0),
  sched_setscheduler: (k, tid, policy, param) =>
    forThread(k, tid, () => {
      if (policy === 1 || policy === 2) return -EPERM;
      if (priorityRange(policy, 0) < 0) return -EINVAL;
      return k.mem.readU32(param) === 0 ? 0 : -EINVAL;
    }),
  sched_getparam: (k, tid, param) =>
    forThread(k, tid, () => {
      k.mem.writeU32(param, 0);
      return 0;
    }),
  sched_setparam: (k, tid, param) => forThread(k, tid, () => (k.mem.readU32(param) === 0 ? 0 : -EINVAL)),
  sched_get_priority_max: (_k, policy) => priorityRange(policy, 99),
  sched_get_priority_min: (_k, policy) => priorityRange(policy, 1),
  /** The kernel answers 20 - nice, so that no result looks like an error. */
  getpriority: (_k, which) => (which < 0 || which > 2 ? -EINVAL : 20),
  setpriority: (_k, which) => (which < 0 || which > 2 ? -EINVAL : 0),

  getrlimit: (k, resource, addr) => readLimit(k, resource, addr),
  setrlimit: (k, resource, addr) => checkLimit(k, resource, addr),
  prlimit64(k, id, resource, fresh, old) {
    if (id !== 0 && id !== pid(k)) return -ESRCH;
    if (fresh !== 0) {
      const verdict = checkLimit(k, resource, fresh);
      if (verdict < 0) return verdict;
    }
    return old === 0 ? (LIMITS[resource] === undefined ? -EINVAL : 0) : readLimit(k, resource, old);
  },

  /** struct rusage (linux/resource.h): two timevals, then 14 longs. */
  getrusage(k, who, addr) {
    if (who !== 0 && who !== 1 && who !== -1) return -EINVAL;
    const bytes = new Uint8Array(144);
    if (who !== -1) {
      const usage = k.env.scheduled ? fixedUsage(processCpu(k)) : process.resourceUsage();
      const v = new DataView(bytes.buffer);
      const put = (at: number, value: number) => v.setBigInt64(at, BigInt(Math.floor(value)), true);
      [usage.userCPUTime, usage.systemCPUTime].forEach((us, i) => {
        put(i * 16, us / 1e6);
        put(i * 16 + 8, us % 1e6);
      });
      put(32, usage.maxRSS);
      put(64, usage.minorPageFault);
      put(72, usage.majorPageFault);
    }
    k.mem.copyOut(addr, bytes);
    return 0;
  },

  personality: (_k, persona) => (persona === -1 || persona === 0 ? 0 : -EINVAL),

  prctl(k, option, value) {
    const at = k.ts + L_NAME;
    switch (option) {
      case 3:
        return 1;
      case 4:
        return value === 0 || value === 1 ? 0 : -EINVAL;
      case 15: {
        const name = new Uint8Array(16);
        name.set(shortName(k, value));
        k.machine.u8.set(name, at);
        return 0;
      }
      case 16:
        k.mem.copyOut(value, k.machine.u8.slice(at, at + 16));
        return 0;
      default:
        return -EINVAL;
    }
  },

  /** Pairs {key i64, value u64}; unknown keys come back as -1. */
  riscv_hwprobe(k, pairs, count, setSize, set, flags) {
    if (flags !== 0 || count < 0 || count > 4096) return -EINVAL;
    if (set === 0 ? setSize !== 0 : setSize < 0) return -EINVAL;
    for (let i = 0; i < count; i++) {
      const at = pairs + i * 16;
      const found = PROBE[k.mem.readI64(at)];
      if (found === undefined) k.mem.writeU64(at, -1);
      k.mem.writeU64(at + 8, found ?? 0);
    }
    return 0;
  },
};
