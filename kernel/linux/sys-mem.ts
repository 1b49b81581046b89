/** Calls on the address space: mmap and kin, brk, madvise. */
import fs from 'node:fs';
import { USER_TOP } from '../core/address-space.js';
import { PAGE_SIZE } from '../core/layout.js';
import * as abi from './abi.js';
import { EACCES, EBADF, EINVAL, ENODEV, ENOMEM, EOVERFLOW } from './errno.js';
import type { LinuxKernel } from './kernel.js';
import * as P from './process.js';
import type { Handlers } from './table.js';

const PROT_ALL = abi.PROT_READ | abi.PROT_WRITE | abi.PROT_EXEC;
const USER_END = USER_TOP;

/** Advice that acts (linux/mman.h): WILLNEED, DONTNEED, FREE, POPULATE_READ, POPULATE_WRITE. */
const ADVICE: ReadonlyMap<number, 'dontneed' | 'free' | 'willneed'> = new Map([
  [3, 'willneed'],
  [4, 'dontneed'],
  [8, 'free'],
  [22, 'willneed'],
  [23, 'willneed'],
]);
/** Advice that asks for speed only (linux/mman.h): NORMAL .. WILLNEED, FREE, fork and huge page hints, COLD, ... */
const MADV_HARMLESS: ReadonlySet<number> = new Set([
  0, 1, 2, 3, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
]);

const aligned = (addr: number) => addr % PAGE_SIZE === 0;
const pages = (length: number) => Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
const inUser = (addr: number, length: number) => addr >= 0 && length >= 0 && addr + length <= USER_END;

/** Whether every page of the range is mapped. */
function mapped(k: LinuxKernel, addr: number, length: number): boolean {
  for (let at = addr; at < addr + length; ) {
    const region = k.space.regionAt(at);
    if (region === undefined) return false;
    at = region.end;
  }
  return true;
}

/** A range that must be page-aligned at its start and mapped throughout; the answer for checks without effect. */
function checkRange(k: LinuxKernel, addr: number, length: number): number {
  const start = addr - (addr % PAGE_SIZE);
  const size = pages(addr + length - start);
  if (!inUser(start, size)) return -ENOMEM;
  return mapped(k, start, size) ? 0 : -ENOMEM;
}

function mmap(
  k: LinuxKernel,
  addr: number,
  size: number,
  prot: number,
  flags: number,
  fd: number,
  offset: number,
): number {
  const type = flags & abi.MAP_TYPE;
  if (size === 0 || offset < 0 || !aligned(offset)) return -EINVAL;
  if (type < abi.MAP_SHARED || type > abi.MAP_SHARED_VALIDATE) return -EINVAL;
  if (size < 0 || size > USER_END) return -ENOMEM;
  if ((prot & ~PROT_ALL) !== 0 && (prot & ~(PROT_ALL | abi.PROT_GROWSDOWN | abi.PROT_GROWSUP)) !== 0)
    return -EINVAL;
  const noReplace = (flags & abi.MAP_FIXED_NOREPLACE) !== 0;
  const fixed = noReplace || (flags & abi.MAP_FIXED) !== 0;
  if (fixed && !aligned(addr)) return -EINVAL;
  const length = pages(size);
  if (fixed && !inUser(addr, length)) return -ENOMEM;
  const request = {
    addr: fixed || inUser(addr, length) ? addr - (addr % PAGE_SIZE) : 0,
    length,
    prot: prot & PROT_ALL,
    fixed,
    noReplace,
    shared: type !== abi.MAP_PRIVATE,
    noreserve: (flags & abi.MAP_NORESERVE) !== 0,
    stack: (flags & abi.MAP_STACK) !== 0,
    growsDown: (flags & abi.MAP_GROWSDOWN) !== 0,
    populate: (flags & abi.MAP_POPULATE) !== 0,
    kind: 'anon' as const,
  };
  if (flags & abi.MAP_ANONYMOUS) return k.space.map(request);
  if (offset + length > Number.MAX_SAFE_INTEGER) return -EOVERFLOW;
  return k.files.use(fd, (desc) => {
    const kind = k.files.word(desc, P.D_KIND);
    const host = k.files.word(desc, P.D_HOST);
    if (k.files.word(desc, P.D_FLAGS) & abi.O_PATH) return -EBADF;
    if (kind !== P.KIND_FILE && !isZero(host, kind)) return kind === P.KIND_STREAM ? -ENODEV : -EACCES;
    if (!k.files.readable(desc)) return -EACCES;
    if (request.shared && prot & abi.PROT_WRITE && !k.files.writable(desc)) return -EACCES;
    if (kind !== P.KIND_FILE) return k.space.map(request);
    const writable = request.shared && k.files.writable(desc);
    const maxProt = request.shared && !writable ? PROT_ALL & ~abi.PROT_WRITE : PROT_ALL;
    return k.files.locked(() => {
      const file = k.mapped.request(k.space, host, writable, offset);
      return k.space.map({ ...request, kind: 'file', maxProt, name: fileName(host), file });
    });
  });
}

/** /dev/zero: mapping it is the old way to ask for anonymous memory. */
function isZero(host: number, kind: number): boolean {
  return kind === P.KIND_STREAM && fileName(host) === '/dev/zero';
}

/** The host's name of an open file, for /proc/self/maps and for people; empty when it has none. */
function fileName(host: number): string {
  try {
    return fs.readlinkSync(`/proc/self/fd/${host}`);
  } catch {
    return '';
  }
}

export const MEM_CALLS: Handlers = {
  mmap,
  brk: (k, addr) => k.space.brk(addr),

  munmap(k, addr, size) {
    if (!aligned(addr) || size === 0 || !inUser(addr, pages(size))) return -EINVAL;
    return k.space.unmap(addr, pages(size));
  },

  mprotect(k, addr, size, prot) {
    if (!aligned(addr)) return -EINVAL;
    if (prot & ~(PROT_ALL | abi.PROT_GROWSDOWN | abi.PROT_GROWSUP)) return -EINVAL;
    if (size === 0) return 0;
    if (!inUser(addr, pages(size))) return -ENOMEM;
    return k.space.protect(addr, pages(size), prot & PROT_ALL);
  },

  mremap(k, addr, oldSize, newSize, flags, target) {
    if (flags & ~(abi.MREMAP_MAYMOVE | abi.MREMAP_FIXED) || !aligned(addr) || newSize === 0) return -EINVAL;
    const fixed = (flags & abi.MREMAP_FIXED) !== 0;
    const mayMove = (flags & abi.MREMAP_MAYMOVE) !== 0;
    if (fixed && (!mayMove || !aligned(target))) return -EINVAL;
    if (newSize < 0 || newSize > USER_END || oldSize < 0 || oldSize > USER_END) return -ENOMEM;
    const from = pages(oldSize);
    const to = pages(newSize);
    if (fixed && (!inUser(target, to) || (target < addr + from && addr < target + to))) return -EINVAL;
    return k.space.remap(addr, from, to, mayMove, fixed ? target : undefined);
  },

  madvise(k, addr, size, advice) {
    if (!aligned(addr) || size < 0) return -EINVAL;
    const action = ADVICE.get(advice);
    if (action !== undefined) return size === 0 ? 0 : k.space.advise(addr, pages(size), action);
    if (!MADV_HARMLESS.has(advice)) return -EINVAL;
    return size === 0 ? 0 : checkRange(k, addr, size);
  },

  msync(k, addr, size, flags) {
    if (!aligned(addr) || flags & ~(abi.MS_ASYNC | abi.MS_INVALIDATE | abi.MS_SYNC)) return -EINVAL;
    if ((flags & abi.MS_ASYNC) !== 0 && (flags & abi.MS_SYNC) !== 0) return -EINVAL;
    return size === 0 ? 0 : k.space.sync(addr, pages(size));
  },

  mincore(k, addr, size, vector) {
    if (!aligned(addr)) return -EINVAL;
    const verdict = size === 0 ? 0 : checkRange(k, addr, size);
    if (verdict === 0) k.mem.copyOut(vector, new Uint8Array(pages(size) / PAGE_SIZE).fill(1));
    return verdict;
  },

  mlock: (k, addr, size) => (size === 0 ? 0 : checkRange(k, addr, size)),
  munlock: (k, addr, size) => (size === 0 ? 0 : checkRange(k, addr, size)),
  mlock2: (k, addr, size, flags) => (flags & ~1 ? -EINVAL : size === 0 ? 0 : checkRange(k, addr, size)),
  mlockall: (_k, flags) => (flags === 0 || flags & ~7 ? -EINVAL : 0),
  munlockall: () => 0,

  riscv_flush_icache(k, start, end, flags) {
    if (flags & ~1) return -EINVAL;
    k.env.flushIcache(start, end);
    return 0;
  },
};
