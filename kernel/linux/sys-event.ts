/** Pipes, eventfds, and waiting for several descriptors: ppoll and pselect6. */
import * as abi from './abi.js';
import { EAGAIN, EBADF, EINVAL } from './errno.js';
import { ERESTART_NOHAND, SysError } from './error.js';
import { streamReadable } from './io.js';
import type { LinuxKernel } from './kernel.js';
import { makePipe, pipeFill, pipeReaders, pipeWriters } from './pipe.js';
import * as P from './process.js';
import { withMask } from './sys-signal.js';
import type { Handlers } from './table.js';
import { relativeDeadline } from './time.js';
import { probe } from './user.js';
import { mustGoOn } from './wait.js';

/** Largest value of an eventfd counter, 2^64 - 2, as near as a double comes to it. */
const EVENT_MAX = 2 ** 64 - 2048;

/** How long a poll that includes host streams sleeps between two looks at them, in ms. */
const STREAM_LOOK = 10;

/** read(2) on an eventfd. */
export function eventRead(k: LinuxKernel, desc: number, addr: number, count: number): number {
  if (count >= 0 && count < 8) return -EINVAL;
  for (;;) {
    const seen = Atomics.load(k.machine.i32, P.P_READY >> 2);
    const got = k.files.locked(() => {
      const value = k.files.offset(desc);
      if (value === 0) return 0;
      const take = k.files.word(desc, P.D_AUX) & P.DA_SEMAPHORE ? 1 : value;
      k.files.setOffset(desc, value - take);
      return take;
    });
    if (got > 0) {
      k.files.bump();
      k.mem.writeU64(addr, got);
      return 8;
    }
    sleepOnReady(k, desc, seen);
  }
}

/** write(2) on an eventfd. */
export function eventWrite(k: LinuxKernel, desc: number, addr: number, count: number): number {
  if (count >= 0 && count < 8) return -EINVAL;
  const signed = k.mem.readI64(addr);
  if (signed === -1) return -EINVAL;
  const value = signed < 0 ? signed + 2 ** 64 : signed;
  for (;;) {
    const seen = Atomics.load(k.machine.i32, P.P_READY >> 2);
    const fits = k.files.locked(() => {
      if (k.files.offset(desc) + value > EVENT_MAX) return false;
      k.files.setOffset(desc, k.files.offset(desc) + value);
      return true;
    });
    if (fits) {
      k.files.bump();
      return 8;
    }
    sleepOnReady(k, desc, seen);
  }
}

function sleepOnReady(k: LinuxKernel, desc: number, seen: number): void {
  if (k.files.nonblocking(desc)) throw new SysError(EAGAIN);
  mustGoOn(k.sleeper.wait(k.ts, P.P_READY, seen, Infinity));
}

/** POLL* bits that hold now; those of `wanted`, and POLLHUP, POLLERR, POLLNVAL as they are. */
function readiness(k: LinuxKernel, fd: number, wanted: number): number {
  const desc = k.files.lookup(fd);
  if (desc === 0) return abi.POLLNVAL;
  const IN = abi.POLLIN | abi.POLLRDNORM;
  const OUT = abi.POLLOUT | abi.POLLWRNORM;
  const host = k.files.word(desc, P.D_HOST);
  switch (k.files.word(desc, P.D_KIND)) {
    case P.KIND_PIPE_READ: {
      const hup = pipeWriters(k, host) === 0 ? abi.POLLHUP : 0;
      return (pipeFill(k, host) > 0 ? IN & wanted : 0) | hup;
    }
    case P.KIND_PIPE_WRITE: {
      if (pipeReaders(k, host) === 0) return abi.POLLERR | (OUT & wanted);
      return P.PIPE_CAPACITY - pipeFill(k, host) >= abi.PIPE_BUF ? OUT & wanted : 0;
    }
    case P.KIND_EVENT: {
      const value = k.files.offset(desc);
      return ((value > 0 ? IN : 0) | (value < EVENT_MAX ? OUT : 0)) & wanted;
    }
    case P.KIND_STREAM: {
      const input = wanted & IN && k.files.readable(desc) && streamReadable(k, desc) ? IN : 0;
      return (input | (k.files.writable(desc) ? OUT : 0)) & wanted;
    }
    default:
      return (IN | OUT) & wanted;
  }
}

interface Watched {
  readonly fd: number;
  readonly wanted: number;
  ready: number;
}

/** Waits until something watched is ready or the deadline has passed; the number of ready entries. */
function poll(k: LinuxKernel, watched: readonly Watched[], deadline: number): number {
  for (;;) {
    const seen = Atomics.load(k.machine.i32, P.P_READY >> 2);
    let count = 0;
    let streams = false;
    for (const w of watched) {
      if (w.fd < 0) continue;
      w.ready = readiness(k, w.fd, w.wanted);
      if (w.ready !== 0) count++;
      const desc = k.files.lookup(w.fd);
      if (desc !== 0 && k.files.word(desc, P.D_KIND) === P.KIND_STREAM) streams = true;
    }
    const now = k.sleeper.now();
    if (count > 0 || now >= deadline) return count;
    const until = streams ? Math.min(deadline, now + STREAM_LOOK) : deadline;
    mustGoOn(k.sleeper.wait(k.ts, P.P_READY, seen, until), ERESTART_NOHAND);
  }
}

/** Bits of a select set that mean: for reading, writing, exceptions. */
const SELECT_WANTED = [abi.POLLIN | abi.POLLRDNORM, abi.POLLOUT | abi.POLLWRNORM, abi.POLLPRI] as const;
const SELECT_READY = [
  abi.POLLIN | abi.POLLRDNORM | abi.POLLHUP | abi.POLLERR,
  abi.POLLOUT | abi.POLLWRNORM | abi.POLLERR,
  abi.POLLPRI,
] as const;

export const EVENT_CALLS: Handlers = {
  pipe2(k, addr, flags) {
    if (flags & ~(abi.O_CLOEXEC | abi.O_NONBLOCK | abi.O_DIRECT)) return -EINVAL;
    probe(k.mem, addr, 8);
    const [read, write] = makePipe(k, flags, (flags & abi.O_CLOEXEC) !== 0);
    k.mem.writeU32(addr, read);
    k.mem.writeU32(addr + 4, write);
    return 0;
  },

  eventfd2(k, initial, flags) {
    if (flags & ~(abi.O_CLOEXEC | abi.O_NONBLOCK | abi.EFD_SEMAPHORE)) return -EINVAL;
    const aux = flags & abi.EFD_SEMAPHORE ? P.DA_SEMAPHORE : 0;
    return k.files.install(
      {
        kind: P.KIND_EVENT,
        flags: abi.O_RDWR | (flags & abi.O_NONBLOCK),
        host: -1,
        offset: initial >>> 0,
        aux,
      },
      (flags & abi.O_CLOEXEC) !== 0,
    );
  },

  ppoll(k, addr, count, timeout, mask, size) {
    if (count < 0 || count > abi.OPEN_MAX) return -EINVAL;
    const watched: Watched[] = [];
    for (let i = 0; i < count; i++) {
      const fd = k.mem.readU32(addr + i * 8) | 0;
      watched.push({ fd, wanted: k.mem.readU16(addr + i * 8 + 4), ready: 0 });
    }
    const deadline = timeout === 0 ? Infinity : relativeDeadline(k, timeout);
    const ready = withMask(k, mask, size, () => poll(k, watched, deadline));
    watched.forEach((w, i) => {
      k.mem.writeU16(addr + i * 8 + 6, w.ready);
    });
    return ready;
  },

  /** The sixth argument points to {address of a mask, its size}. */
  pselect6(k, count, reads, writes, exceptions, timeout, sixth) {
    if (count < 0) return -EINVAL;
    const most = Math.min(count, abi.OPEN_MAX);
    const sets = [reads, writes, exceptions];
    const watched: Watched[] = [];
    for (let fd = 0; fd < most; fd++) {
      let wanted = 0;
      sets.forEach((set, i) => {
        if (set !== 0 && k.mem.readU8(set + (fd >> 3)) & (1 << (fd & 7))) wanted |= SELECT_WANTED[i]!;
      });
      if (wanted === 0) continue;
      if (k.files.lookup(fd) === 0) return -EBADF;
      watched.push({ fd, wanted, ready: 0 });
    }
    const deadline = timeout === 0 ? Infinity : relativeDeadline(k, timeout);
    const mask = sixth === 0 ? 0 : k.mem.readU64(sixth);
    withMask(k, mask, mask === 0 ? 0 : k.mem.readU64(sixth + 8), () => poll(k, watched, deadline));
    let total = 0;
    sets.forEach((set, i) => {
      if (set === 0) return;
      const bits = new Uint8Array(Math.ceil(most / 64) * 8);
      for (const w of watched) {
        if ((w.wanted & SELECT_WANTED[i]!) === 0 || (w.ready & SELECT_READY[i]!) === 0) continue;
        bits[w.fd >> 3]! |= 1 << (w.fd & 7);
        total++;
      }
      k.mem.copyOut(set, bits);
    });
    return total;
  },
};
