/** stat, statx, statfs, getdents64: what the host says about files, in the guest's structures. */
import fs from 'node:fs';
import * as abi from './abi.js';
import { EBADF, EINVAL, ENOTDIR, errnoOf } from './errno.js';
import type { LinuxKernel } from './kernel.js';
import * as P from './process.js';
import { procFile } from './procfs.js';
import { pathOrFd } from './sys-path.js';
import type { Handlers } from './table.js';
import { wall } from './time.js';

/** STATX_BASIC_STATS and STATX_BTIME. */
const STATX_FILLED = 0xfff;

function seconds(ns: bigint): [bigint, bigint] {
  const nsec = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return [(ns - nsec) / 1_000_000_000n, nsec];
}

/** struct stat of asm-generic/stat.h, 128 bytes. */
function encodeStat(s: fs.BigIntStats): Uint8Array {
  const bytes = new Uint8Array(128);
  const v = new DataView(bytes.buffer);
  v.setBigUint64(0, s.dev, true);
  v.setBigUint64(8, s.ino, true);
  v.setUint32(16, Number(s.mode), true);
  v.setUint32(20, Number(s.nlink), true);
  v.setUint32(24, Number(s.uid), true);
  v.setUint32(28, Number(s.gid), true);
  v.setBigUint64(32, s.rdev, true);
  v.setBigInt64(48, s.size, true);
  v.setInt32(56, Number(s.blksize), true);
  v.setBigInt64(64, s.blocks, true);
  [s.atimeNs, s.mtimeNs, s.ctimeNs].forEach((ns, i) => {
    const [sec, nsec] = seconds(ns);
    v.setBigInt64(72 + i * 16, sec, true);
    v.setBigInt64(80 + i * 16, nsec, true);
  });
  return bytes;
}

/** Device numbers split as gnu_dev_major and gnu_dev_minor do. */
function major(dev: bigint): number {
  return Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n));
}
function minor(dev: bigint): number {
  return Number((dev & 0xffn) | ((dev >> 12n) & 0xffffff00n));
}

/** struct statx of linux/stat.h, 256 bytes. */
function encodeStatx(s: fs.BigIntStats): Uint8Array {
  const bytes = new Uint8Array(256);
  const v = new DataView(bytes.buffer);
  v.setUint32(0, STATX_FILLED, true);
  v.setUint32(4, Number(s.blksize), true);
  v.setUint32(16, Number(s.nlink), true);
  v.setUint32(20, Number(s.uid), true);
  v.setUint32(24, Number(s.gid), true);
  v.setUint16(28, Number(s.mode), true);
  v.setBigUint64(32, s.ino, true);
  v.setBigUint64(40, s.size, true);
  v.setBigUint64(48, s.blocks, true);
  [s.atimeNs, s.birthtimeNs, s.ctimeNs, s.mtimeNs].forEach((ns, i) => {
    const [sec, nsec] = seconds(ns);
    v.setBigInt64(64 + i * 16, sec, true);
    v.setUint32(72 + i * 16, Number(nsec), true);
  });
  v.setUint32(128, major(s.rdev), true);
  v.setUint32(132, minor(s.rdev), true);
  v.setUint32(136, major(s.dev), true);
  v.setUint32(140, minor(s.dev), true);
  return bytes;
}

/** What fstat says about pipes and eventfds, which no host file stands for. */
function inventedStat(k: LinuxKernel, desc: number): fs.BigIntStats {
  const pipe = k.files.word(desc, P.D_KIND) !== P.KIND_EVENT;
  const [sec, nsec] = wall(k);
  const now = BigInt(sec) * 1_000_000_000n + BigInt(nsec);
  return {
    dev: 13n,
    ino: BigInt(pipe ? 1000 + k.files.word(desc, P.D_HOST) : 1),
    mode: BigInt(pipe ? abi.S_IFIFO | 0o600 : 0o600),
    nlink: 1n,
    uid: BigInt(process.getuid?.() ?? 0),
    gid: BigInt(process.getgid?.() ?? 0),
    rdev: 0n,
    size: 0n,
    blksize: 4096n,
    blocks: 0n,
    atimeNs: now,
    mtimeNs: now,
    ctimeNs: now,
    birthtimeNs: now,
  } as fs.BigIntStats;
}

function statFd(k: LinuxKernel, fd: number): fs.BigIntStats {
  return k.files.use(fd, (desc) =>
    k.files.word(desc, P.D_KIND) > P.KIND_DIR || k.files.word(desc, P.D_AUX) & P.DA_AS_PIPE
      ? inventedStat(k, desc)
      : fs.fstatSync(k.files.word(desc, P.D_HOST), { bigint: true }),
  );
}

function statAt(k: LinuxKernel, dirfd: number, name: number, flags: number): fs.BigIntStats {
  const text = name === 0 && flags & abi.AT_EMPTY_PATH ? '' : k.paths.string(name);
  if (text === '' && flags & abi.AT_EMPTY_PATH && dirfd !== abi.AT_FDCWD) return statFd(k, dirfd);
  const own = k.paths.ownProc(text);
  // A synthesised file looks like any small file of /proc; /proc/version is always there to copy from.
  if (own !== null && procFile(k, own) !== null) return fs.statSync('/proc/version', { bigint: true });
  const target = pathOrFd(k, dirfd, name, flags);
  const link = (flags & abi.AT_SYMLINK_NOFOLLOW) !== 0;
  return link ? fs.lstatSync(target, { bigint: true }) : fs.statSync(target, { bigint: true });
}

/** struct statfs of asm-generic/statfs.h with 64-bit words, 120 bytes. */
function encodeStatfs(s: fs.BigIntStatsFs): Uint8Array {
  const bytes = new Uint8Array(120);
  const v = new DataView(bytes.buffer);
  [s.type, s.bsize, s.blocks, s.bfree, s.bavail, s.files, s.ffree].forEach((word, i) => {
    v.setBigInt64(i * 8, BigInt.asIntN(64, word), true);
  });
  v.setBigInt64(64, 255n, true);
  v.setBigInt64(72, s.bsize, true);
  return bytes;
}

/** Directory listings being read by this worker, by description and its generation. */
const listings = new Map<number, { generation: number; entries: readonly Entry[] }>();

interface Entry {
  readonly name: Buffer;
  readonly type: number;
  readonly ino: bigint;
}

function listing(k: LinuxKernel, desc: number, offset: number): readonly Entry[] {
  const generation = k.files.word(desc, P.D_GENERATION);
  const known = listings.get(desc);
  // From the start the directory is read afresh, later its first reading goes on: entries neither vanish nor repeat.
  if (known !== undefined && known.generation === generation && offset > 0) return known.entries;
  const folder = `/proc/self/fd/${k.files.word(desc, P.D_HOST)}`;
  const entry = (name: string): Entry => {
    try {
      const s = fs.lstatSync(`${folder}/${name}`, { bigint: true });
      return { name: Buffer.from(name), type: Number(s.mode & BigInt(abi.S_IFMT)) >> 12, ino: s.ino };
    } catch (error) {
      errnoOf(error);
      return { name: Buffer.from(name), type: 0, ino: 1n };
    }
  };
  const entries = ['.', '..', ...fs.readdirSync(folder)].map(entry);
  listings.set(desc, { generation, entries });
  return entries;
}

export const STAT_CALLS: Handlers = {
  fstat(k, fd, addr) {
    k.mem.copyOut(addr, encodeStat(statFd(k, fd)));
    return 0;
  },

  newfstatat(k, dirfd, name, addr, flags) {
    if (flags & ~(abi.AT_SYMLINK_NOFOLLOW | abi.AT_EMPTY_PATH | 0x800)) return -EINVAL;
    k.mem.copyOut(addr, encodeStat(statAt(k, dirfd, name, flags)));
    return 0;
  },

  statx(k, dirfd, name, flags, _mask, addr) {
    if (flags & ~(abi.AT_SYMLINK_NOFOLLOW | abi.AT_EMPTY_PATH | 0x6800)) return -EINVAL;
    k.mem.copyOut(addr, encodeStatx(statAt(k, dirfd, name, flags)));
    return 0;
  },

  statfs(k, name, addr) {
    const target = k.paths.resolve(abi.AT_FDCWD, k.paths.string(name));
    k.mem.copyOut(addr, encodeStatfs(fs.statfsSync(target, { bigint: true })));
    return 0;
  },

  fstatfs(k, fd, addr) {
    const s = k.files.use(fd, (desc) => {
      const folder = k.files.word(desc, P.D_KIND) > P.KIND_DIR ? '/proc' : '/proc/self/fd';
      const suffix = folder === '/proc' ? '' : `/${k.files.word(desc, P.D_HOST)}`;
      return fs.statfsSync(`${folder}${suffix}`, { bigint: true });
    });
    k.mem.copyOut(addr, encodeStatfs(s));
    return 0;
  },

  getdents64(k, fd, addr, size) {
    return k.files.use(fd, (desc) => {
      if (k.files.word(desc, P.D_KIND) !== P.KIND_DIR) return -ENOTDIR;
      if (!k.files.readable(desc)) return -EBADF;
      let index = k.files.offset(desc);
      const entries = listing(k, desc, index);
      let done = 0;
      while (index < entries.length) {
        const { name, type, ino } = entries[index]!;
        const length = (19 + name.length + 1 + 7) & ~7;
        if (done + length > size) break;
        const bytes = new Uint8Array(length);
        const v = new DataView(bytes.buffer);
        v.setBigUint64(0, ino, true);
        v.setBigInt64(8, BigInt(index + 1), true);
        v.setUint16(16, length, true);
        bytes[18] = type;
        bytes.set(name, 19);
        k.mem.copyOut(addr + done, bytes);
        done += length;
        index++;
      }
      if (done === 0 && index < entries.length) return -EINVAL;
      k.files.setOffset(desc, index);
      return done;
    });
  },
};
