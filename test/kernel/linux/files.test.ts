import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import * as E from '../../../kernel/linux/errno.js';
import { Rig } from './rig.js';
import { BUFFER, load, READY } from './scenarios.js';

const NR = {
  getcwd: 17, eventfd2: 19, dup: 23, dup3: 24, fcntl: 25, ioctl: 29, mkdirat: 34, unlinkat: 35, symlinkat: 36,
  renameat: 38, ftruncate: 46, faccessat: 48, chdir: 49, openat: 56, close: 57, pipe2: 59, getdents64: 61, lseek: 62,
  read: 63, write: 64, readv: 65, writev: 66, pread64: 67, pwrite64: 68, sendfile: 71, ppoll: 73, readlinkat: 78,
  newfstatat: 79, fstat: 80, umask: 166, memfd_create: 279, statx: 291, close_range: 436,
} as const; // biome-ignore format: one table

const CWD = -100;
const NAME = 0x14000;
const NAME2 = 0x15000;
const O_RDWR = 2;
const O_CREAT = 0o100;
const O_APPEND = 0o2000;
const O_NONBLOCK = 0o4000;
const O_DIRECTORY = 0o200000;

class Files extends Rig {
  name(text: string, at = NAME): number {
    this.kernel.mem.copyOut(at, Buffer.from(`${text}\0`));
    return at;
  }
  open(name: string, flags: number, mode = 0o644): number | 'leaves' {
    return this.call(NR.openat, CWD, this.name(name), flags, mode);
  }
  write(fd: number, text: string): number | 'leaves' {
    this.kernel.mem.copyOut(BUFFER, Buffer.from(text));
    return this.call(NR.write, fd, BUFFER, Buffer.byteLength(text));
  }
  read(fd: number, count = 4096): string | number {
    const n = this.call(NR.read, fd, BUFFER, count);
    return typeof n === 'number' && n >= 0 ? this.text(BUFFER, n) : (n as number);
  }
  text(addr: number, n: number): string {
    const bytes = new Uint8Array(n);
    this.kernel.mem.readInto(addr, bytes);
    return Buffer.from(bytes).toString();
  }
}

function rigIn(t: { teardown(fn: () => void): void }): { rig: Files; dir: string } {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'capgrind-test-'));
  t.teardown(() => fs.rmSync(dir, { recursive: true }));
  return { rig: Files.create({ cwd: dir }) as Files, dir };
}

test('open, write, seek, read, stat', (t) => {
  const { rig, dir } = rigIn(t);
  t.is(rig.open('missing', 0), -E.ENOENT);
  const fd = rig.open('file', O_RDWR | O_CREAT, 0o640) as number;
  t.is(fd, 3);
  t.is(rig.write(fd, 'hello world'), 11);
  t.is(rig.call(NR.lseek, fd, 6, 0), 6);
  t.is(rig.read(fd), 'world');
  t.is(rig.read(fd), '');
  t.is(rig.call(NR.lseek, fd, -5, 2), 6);
  t.is(rig.call(NR.lseek, fd, -50, 1), -E.EINVAL);
  t.is(rig.call(NR.pread64, fd, BUFFER, 5, 0), 5);
  t.is(rig.text(BUFFER, 5), 'hello');
  t.is(rig.call(NR.lseek, fd, 0, 1), 6, 'pread leaves the offset alone');
  t.is(rig.call(NR.fstat, fd, BUFFER), 0);
  t.is(rig.kernel.mem.readU32(BUFFER + 16), 0o100640);
  t.is(rig.kernel.mem.readI64(BUFFER + 48), 11);
  t.is(rig.call(NR.statx, fd, rig.name(''), 0x1000, 0xfff, BUFFER), 0);
  t.is(rig.kernel.mem.readI64(BUFFER + 40), 11);
  t.is(rig.call(NR.ftruncate, fd, 4), 0);
  t.is(rig.call(NR.close, fd), 0);
  t.is(rig.call(NR.close, fd), -E.EBADF);
  t.is(fs.readFileSync(path.join(dir, 'file'), 'utf8'), 'hell');
});

test('a description is shared by its descriptors, and a buffer that faults loses nothing', (t) => {
  const { rig } = rigIn(t);
  const fd = rig.open('file', O_RDWR | O_CREAT) as number;
  rig.write(fd, 'abcdef');
  const copy = rig.call(NR.dup, fd) as number;
  t.is(rig.call(NR.lseek, copy, 2, 0), 2);
  t.is(rig.call(NR.read, fd, 0x7000_0000, 4), -E.EFAULT);
  t.is(rig.read(fd, 2), 'cd');
  t.is(rig.call(NR.dup3, fd, 9, 0o2000000), 9);
  t.is(rig.call(NR.fcntl, 9, 1), 1, 'F_GETFD');
  t.is(rig.call(NR.fcntl, fd, 0, 5), 5, 'F_DUPFD');
  t.is(rig.read(9), 'ef');
  t.is(rig.call(NR.close_range, 3, -1, 0), 0);
  t.is(rig.read(copy), -E.EBADF);
  t.is(rig.call(NR.read, 1000000, BUFFER, 1), -E.EBADF);
});

test('O_APPEND writes at the end whatever the offset; access modes are kept apart', (t) => {
  const { rig } = rigIn(t);
  const fd = rig.open('log', 1 | O_CREAT | O_APPEND) as number;
  rig.write(fd, 'one');
  rig.call(NR.lseek, fd, 0, 0);
  rig.write(fd, 'two');
  t.is(rig.read(fd), -E.EBADF);
  const reader = rig.open('log', 0) as number;
  t.is(rig.read(reader), 'onetwo');
  t.is(rig.write(reader, 'x'), -E.EBADF);
  t.is(rig.call(NR.fcntl, fd, 3), 1 | O_APPEND);
});

test('vectors gather and scatter', (t) => {
  const { rig } = rigIn(t);
  const { mem } = rig.kernel;
  const fd = rig.open('v', O_RDWR | O_CREAT) as number;
  mem.copyOut(BUFFER, Buffer.from('firstsecond'));
  const iov = 0x16000;
  for (const [i, word] of [BUFFER, 5, BUFFER + 5, 6].entries()) mem.writeU64(iov + i * 8, word);
  t.is(rig.call(NR.writev, fd, iov, 2), 11);
  rig.call(NR.lseek, fd, 0, 0);
  for (const [i, word] of [BUFFER + 100, 3, BUFFER + 200, 100].entries()) mem.writeU64(iov + i * 8, word);
  t.is(rig.call(NR.readv, fd, iov, 2), 11);
  t.is(rig.text(BUFFER + 100, 3) + rig.text(BUFFER + 200, 8), 'firstsecond');
  t.is(rig.call(NR.readv, fd, iov, 2000), -E.EINVAL);
});

test('names: mkdir, rename, symlink, readlink, unlink, chdir, getcwd, access', (t) => {
  const { rig, dir } = rigIn(t);
  const call = rig.call.bind(rig);
  t.is(call(NR.mkdirat, CWD, rig.name('sub'), 0o777), 0);
  t.is(call(NR.mkdirat, CWD, rig.name('sub'), 0o777), -E.EEXIST);
  rig.open('sub/a', O_CREAT | 1);
  t.is(call(NR.renameat, CWD, rig.name('sub/a'), CWD, rig.name('sub/b', NAME2)), 0);
  t.is(call(NR.symlinkat, rig.name('sub/b'), CWD, rig.name('link', NAME2)), 0);
  t.is(call(NR.readlinkat, CWD, rig.name('link'), BUFFER, 100), 5);
  t.is(rig.text(BUFFER, 5), 'sub/b');
  t.is(call(NR.newfstatat, CWD, rig.name('link'), BUFFER, 0x100), 0);
  t.is(rig.kernel.mem.readU32(BUFFER + 16) & 0o170000, 0o120000);
  t.is(call(NR.unlinkat, CWD, rig.name('sub'), 0), -E.EISDIR);
  t.is(call(NR.unlinkat, CWD, rig.name('sub'), 0x200), -E.ERRNO['ENOTEMPTY']!);
  t.is(call(NR.chdir, rig.name('sub')), 0);
  t.is(call(NR.faccessat, CWD, rig.name('b'), 4), 0);
  const here = path.join(fs.realpathSync(dir), 'sub');
  t.is(call(NR.getcwd, BUFFER, 4), -E.ERANGE);
  t.is(call(NR.getcwd, BUFFER, 4096), here.length + 1);
  t.is(rig.text(BUFFER, here.length), here);
  const up = rig.open('..', O_DIRECTORY) as number;
  t.is(call(NR.unlinkat, up, rig.name('link'), 0), 0);
  t.is(call(NR.chdir, rig.name('b')), -E.ENOTDIR);
  t.is(call(NR.openat, CWD, 0x7000_0000, 0), -E.EFAULT);
});

test('getdents64 lists every entry once, also through a small buffer', (t) => {
  const { rig, dir } = rigIn(t);
  for (let i = 0; i < 20; i++) fs.writeFileSync(path.join(dir, `entry-${i}`), '');
  const fd = rig.open('.', O_DIRECTORY) as number;
  const names: string[] = [];
  for (;;) {
    const n = rig.call(NR.getdents64, fd, BUFFER, 128) as number;
    t.true(n >= 0 && n <= 128);
    if (n === 0) break;
    for (let at = 0; at < n; ) {
      const size = rig.kernel.mem.readU16(BUFFER + at + 16);
      const name = rig.text(BUFFER + at + 19, size - 19);
      names.push(name.slice(0, name.indexOf('\0')));
      t.is(size % 8, 0);
      at += size;
    }
  }
  t.deepEqual(names.sort(), ['.', '..', ...Array.from({ length: 20 }, (_, i) => `entry-${i}`)].sort());
  t.is(rig.call(NR.lseek, fd, 0, 0), 0);
  t.is(rig.call(NR.getdents64, fd, BUFFER, 10), -E.EINVAL);
});

test('the umask narrows what is created', (t) => {
  const { rig, dir } = rigIn(t);
  rig.call(NR.umask, 0o077);
  rig.open('private', O_CREAT | 1, 0o666);
  t.is(fs.statSync(path.join(dir, 'private')).mode & 0o777, 0o600);
  t.is(rig.call(NR.umask, 0), 0o077);
});

test("/proc/self is the guest's, and the framework's own is out of reach", (t) => {
  const { rig } = rigIn(t);
  const maps = rig.read(rig.open('/proc/self/maps', 0) as number, 65536) as string;
  t.regex(maps, /^00010000-[0-9a-f]+ rw-p /m);
  t.is(rig.call(NR.readlinkat, CWD, rig.name('/proc/self/exe'), BUFFER, 100), '/guest/program'.length);
  t.is(rig.read(rig.open('/proc/self/cmdline', 0) as number), 'program\0--flag\0');
  t.is(rig.open('/proc/self/mem', 0), -E.EACCES);
  t.is(rig.open('/proc/thread-self/mem', 0), -E.EACCES);
  t.is(rig.open(`/proc/${process.pid}/mem`, 0), -E.EACCES);
  t.is(rig.open('/proc/self/task/../mem', 0), -E.EACCES);
  fs.symlinkSync('/proc/self/mem', path.join(rig.kernel.paths.cwd, 'sneaky'));
  t.is(rig.open('sneaky', 0), -E.EACCES);
  t.regex(rig.read(rig.open('/proc/cpuinfo', 0) as number) as string, /rv64imafdc/);
});

test('the sysroot is tried first for absolute names', (t) => {
  const { dir } = rigIn(t);
  fs.mkdirSync(path.join(dir, 'etc'));
  fs.writeFileSync(path.join(dir, 'etc/hostname'), 'below the sysroot');
  const rig = Files.create({ cwd: '/', sysroot: dir }) as Files;
  t.is(rig.read(rig.open('/etc/hostname', 0) as number), 'below the sysroot');
  t.true((rig.open('/etc/passwd', 0) as number) > 0);
});

test('devices, terminals and what is none', (t) => {
  const { rig } = rigIn(t);
  const zero = rig.open('/dev/zero', 0) as number;
  t.is(rig.read(zero, 4), '\0\0\0\0');
  const none = rig.open('/dev/null', O_RDWR) as number;
  t.is(rig.write(none, 'gone'), 4);
  t.is(rig.read(none), '');
  t.is(rig.call(NR.lseek, none, 0, 0), -E.ESPIPE);
  t.is(rig.call(NR.ioctl, none, 0x5401, BUFFER), -E.ENOTTY);
  const memory = rig.call(NR.memfd_create, rig.name('m'), 0) as number;
  t.is(rig.write(memory, 'kept'), 4);
  rig.call(NR.lseek, memory, 0, 0);
  t.is(rig.read(memory), 'kept');
});

test('sendfile copies from an offset and moves it', (t) => {
  const { rig, dir } = rigIn(t);
  fs.writeFileSync(path.join(dir, 'from'), '0123456789');
  const from = rig.open('from', 0) as number;
  const to = rig.open('to', O_RDWR | O_CREAT) as number;
  rig.kernel.mem.writeU64(BUFFER, 4);
  t.is(rig.call(NR.sendfile, to, from, BUFFER, 3), 3);
  t.is(rig.kernel.mem.readI64(BUFFER), 7);
  t.is(fs.readFileSync(path.join(dir, 'to'), 'utf8'), '456');
});

test('pipes: order, end of file, EPIPE and SIGPIPE, O_NONBLOCK', (t) => {
  const { rig } = rigIn(t);
  t.is(rig.call(NR.pipe2, BUFFER, O_NONBLOCK), 0);
  const [r, w] = [rig.kernel.mem.readU32(BUFFER), rig.kernel.mem.readU32(BUFFER + 4)];
  t.is(rig.read(r), -E.EAGAIN);
  rig.write(w, 'abc');
  rig.write(w, 'def');
  t.is(rig.read(r, 4), 'abcd');
  t.is(rig.read(r), 'ef');
  const big = new Uint8Array(60000);
  rig.kernel.mem.copyOut(0x20000, big);
  t.is(rig.call(NR.write, w, 0x20000, 60000), 60000);
  t.is(rig.call(NR.write, w, 0x20000, 60000), 5536, 'what fits');
  t.is(rig.call(NR.write, w, 0x20000, 10), -E.EAGAIN);
  rig.call(NR.close, w);
  t.is(rig.call(NR.read, r, 0x20000, 65536), 65536);
  t.is(rig.read(r), '');
  rig.call(NR.pipe2, BUFFER, 0);
  const [r2, w2] = [rig.kernel.mem.readU32(BUFFER), rig.kernel.mem.readU32(BUFFER + 4)];
  rig.call(NR.close, r2);
  rig.ignoreSignal(13);
  t.is(rig.write(w2, 'x'), -E.EPIPE);
  rig.ignoreSignal(13, false);
  t.is(rig.write(w2, 'x'), 'leaves');
  t.is(rig.killedBy, 13);
});

test('a pipe between two workers keeps every byte in order', async (t) => {
  const { rig } = rigIn(t);
  rig.call(NR.pipe2, BUFFER, 0);
  const total = 300_000;
  const writer = rig.spawn('fill', total);
  let seen = 0;
  while (seen < total) {
    const n = rig.call(NR.read, 3, 0x20000, 30_000) as number;
    if (n <= 0) return t.fail(`read gave ${n}`);
    const bytes = new Uint8Array(n);
    rig.kernel.mem.readInto(0x20000, bytes);
    const first = seen;
    if (!bytes.every((byte, i) => byte === (first + i) % 251)) return t.fail(`wrong byte behind ${first}`);
    seen += n;
  }
  t.is(await writer, total);
});

test('the end of the process ends a blocked read', async (t) => {
  const { rig } = rigIn(t);
  rig.call(NR.pipe2, BUFFER, 0);
  const reader = rig.spawn('blockedRead');
  await rig.until(() => load(rig, READY) === 1);
  rig.exitProcess(0);
  t.is(await reader, 'leaves');
});

test('ppoll sees pipes and eventfds, times out, and names closed descriptors', (t) => {
  const { rig } = rigIn(t);
  const { mem } = rig.kernel;
  rig.call(NR.pipe2, BUFFER, 0);
  const event = rig.call(NR.eventfd2, 0, 0) as number;
  const fds = 0x16000;
  const time = 0x16100;
  mem.writeU64(time, 0);
  mem.writeU64(time + 8, 5_000_000);
  const poll = (...watched: [number, number][]) => {
    watched.forEach(([fd, events], i) => {
      mem.writeU32(fds + i * 8, fd);
      mem.writeU16(fds + i * 8 + 4, events);
      mem.writeU16(fds + i * 8 + 6, 0);
    });
    const n = rig.call(NR.ppoll, fds, watched.length, time, 0, 8);
    return [n, ...watched.map((_, i) => mem.readU16(fds + i * 8 + 6))];
  };
  t.deepEqual(poll([3, 1], [event, 1]), [0, 0, 0]);
  t.deepEqual(poll([3, 1], [4, 4]), [1, 0, 4]);
  rig.write(4, 'x');
  mem.writeU64(BUFFER, 3);
  t.is(rig.call(NR.write, event, BUFFER, 8), 8);
  t.deepEqual(poll([3, 1], [event, 1]), [2, 1, 1]);
  t.is(rig.call(NR.read, event, BUFFER, 8), 8);
  t.is(mem.readI64(BUFFER), 3);
  rig.call(NR.close, 4);
  t.deepEqual(poll([3, 1], [77, 1]), [2, 1 | 0x10, 0x20]);
});

test('standard input from a pipe of the host: waits in slices, poll reads ahead, nothing is lost', async (t) => {
  const { dir } = rigIn(t);
  const fifo = path.join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const host = fs.openSync(fifo, 'r+');
  t.teardown(() => fs.closeSync(host));
  const rig = Files.create({ cwd: dir, stdio: [host, null, null] }) as Files;
  const { mem } = rig.kernel;
  const ready = () => {
    mem.writeU64(0x16000, 1 * 2 ** 32);
    mem.writeU64(0x16100, 0);
    mem.writeU64(0x16108, 1_000_000);
    return rig.call(NR.ppoll, 0x16000, 1, 0x16100, 0, 8);
  };
  t.is(ready(), 0);
  fs.writeSync(host, 'line one\n');
  t.is(ready(), 1);
  t.is(ready(), 1);
  t.is(rig.read(0), 'line one\n');
  t.is(rig.call(NR.fcntl, 0, 4, O_NONBLOCK), 0);
  t.is(rig.read(0), -E.EAGAIN);
  t.is(rig.call(NR.fcntl, 0, 4, 0), 0);
  rig.exitProcess(0);
  t.is(rig.call(NR.read, 0, BUFFER, 1), 'leaves', 'an empty stream waits until the process ends');
});

test('an inherited regular file keeps the offset it shares with other processes', (t) => {
  const { dir } = rigIn(t);
  const host = fs.openSync(path.join(dir, 'out'), 'w+');
  t.teardown(() => fs.closeSync(host));
  fs.writeSync(host, 'before ');
  const rig = Files.create({ cwd: dir, stdio: [null, host, null] }) as Files;
  t.is(rig.write(1, 'guest '), 6);
  fs.writeSync(host, 'after');
  t.is(fs.readFileSync(path.join(dir, 'out'), 'utf8'), 'before guest after');
  t.is(rig.call(NR.lseek, 1, 0, 1), 18);
  t.is(rig.call(NR.lseek, 1, 7, 0), 7);
  t.is(rig.read(1, 5), 'guest');
});
